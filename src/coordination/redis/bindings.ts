/** That all hosts mean the same by a device: what each host's binding of it is, compared in Redis. */
import { SluiceError } from '../../core/model/errors.js';
import { NS_PER_MS } from '../../core/model/units.js';
import type { Clock, Logger, Timer } from '../../core/ports.js';
import type { RedisConnection } from './connection.js';
import { KEY_PREFIX } from './requirements.js';
import { loadScript } from './script.js';

/** What a host has opened for a device. */
export interface OpenedBinding {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  /** UUID or WWID; '' = this host's configuration names none. */
  readonly identity: string;
}

/** A claim outlives its last host by this much: then the device may be another disk. */
const CLAIM_MS = 60_000;
const REFRESH_MS = CLAIM_MS / 3;

const CLAIM = loadScript('binding-claim');

function describe({ sizeBytes, blockBytes, identity }: OpenedBinding): string {
  const named = identity === '' ? '' : ` and identity ${identity}`;
  return `${String(sizeBytes)} bytes in blocks of ${String(blockBytes)}${named}`;
}

export class BindingClaims {
  readonly #connection: RedisConnection;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #exists: (device: string) => Promise<boolean>;
  readonly #claims = new Map<string, OpenedBinding>();
  /** Devices whose difference from other hosts' has been logged. */
  readonly #said = new Set<string>();
  #timer: Timer | null = null;

  /** @param exists whether a device is still in the store: for others no claim is kept up */
  constructor(parts: {
    readonly connection: RedisConnection;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly exists: (device: string) => Promise<boolean>;
  }) {
    this.#connection = parts.connection;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#exists = parts.exists;
  }

  /**
   * Claims what this host has opened, and keeps the claim up. With the store away it is made later.
   * @throws SluiceError INVALID_ARGUMENT where other hosts have opened something else by this name
   */
  async claim(device: string, binding: OpenedBinding): Promise<void> {
    const others = await this.#tell(device, binding);
    if (others !== null) throw differs(device, binding, others);
    this.#claims.set(device, binding);
    this.#timer ??= this.#clock.after(REFRESH_MS * NS_PER_MS, () => void this.#refresh());
  }

  close(): void {
    this.#timer?.cancel();
    this.#claims.clear();
  }

  /** @returns what other hosts have where it differs */
  async #tell(device: string, { sizeBytes, blockBytes, identity }: OpenedBinding): Promise<OpenedBinding | null> {
    const key = `${KEY_PREFIX}{devices}:binding:${device}`;
    try {
      const reply = await this.#connection.run(CLAIM, [key], [sizeBytes, blockBytes, identity, CLAIM_MS]);
      const [kind, size, block, other] = reply as [string, string, string, string];
      if (kind === 'ok') return null;
      return { sizeBytes: Number(size), blockBytes: Number(block), identity: other };
    } catch (error) {
      if (SluiceError.from(error).code !== 'STORE_UNAVAILABLE') throw error;
      return null;
    }
  }

  async #refresh(): Promise<void> {
    for (const [device, binding] of [...this.#claims]) {
      try {
        if (!(await this.#exists(device))) {
          this.#claims.delete(device);
          continue;
        }
        const others = await this.#tell(device, binding);
        if (others === null) this.#said.delete(device);
        else if (!this.#said.has(device)) {
          this.#said.add(device);
          this.#logger.error({ device }, differs(device, binding, others).message);
        }
      } catch {
        // The store is away, which its connection has said; the claim is told again in the next round.
      }
    }
    if (this.#timer !== null) this.#timer = this.#clock.after(REFRESH_MS * NS_PER_MS, () => void this.#refresh());
  }
}

function differs(device: string, binding: OpenedBinding, others: OpenedBinding): SluiceError {
  return new SluiceError(
    'INVALID_ARGUMENT',
    `device ${device}: this host's binding has ${describe(binding)}, other hosts have ${describe(others)}: all must bind the same disk`,
    { field: 'binding' },
  );
}
