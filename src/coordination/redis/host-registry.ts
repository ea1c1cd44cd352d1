/** Which hosts there are, for people: each tells how it stands every second or so. No decision is taken on it. */
import { NS_PER_MS } from '../../core/model/units.js';
import type { Clock, Timer } from '../../core/ports.js';
import type { RedisConnection } from './connection.js';
import { KEY_PREFIX } from './requirements.js';
import { loadScript } from './script.js';

export interface RegisteredHost {
  readonly id: string;
  readonly mode: string;
}

const KEY = `${KEY_PREFIX}hosts`;
const TELL_MS = 1_000;
/** A host that has said nothing for so long is no longer listed. */
const KEEP_MS = 10_000;

const TELL = loadScript('host-tell');

export class HostRegistry {
  readonly #connection: RedisConnection;
  readonly #clock: Clock;
  readonly #hostId: string;
  readonly #mode: () => string;
  #others: readonly RegisteredHost[] = [];
  #timer: Timer | null = null;

  /** @param mode how this host stands now */
  constructor(parts: {
    readonly connection: RedisConnection;
    readonly clock: Clock;
    readonly hostId: string;
    readonly mode: () => string;
  }) {
    this.#connection = parts.connection;
    this.#clock = parts.clock;
    this.#hostId = parts.hostId;
    this.#mode = parts.mode;
    this.#timer = this.#clock.after(0, () => void this.#round());
  }

  /** By id, as of the last round; none while Redis is away. */
  others(): readonly RegisteredHost[] {
    return this.#others;
  }

  /** Takes this host off the list. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#tell('');
  }

  async #round(): Promise<void> {
    await this.#tell(this.#mode());
    if (this.#timer !== null) this.#timer = this.#clock.after(TELL_MS * NS_PER_MS, () => void this.#round());
  }

  async #tell(mode: string): Promise<void> {
    try {
      const reply = (await this.#connection.run(TELL, [KEY], [this.#hostId, mode, KEEP_MS])) as string[];
      const listed: RegisteredHost[] = [];
      for (let i = 0; i + 1 < reply.length; i += 2) listed.push({ id: reply[i]!, mode: reply[i + 1]! });
      this.#others = listed.filter(({ id }) => id !== this.#hostId).sort((a, b) => (a.id < b.id ? -1 : 1));
    } catch {
      // The store is away, which its connection has said: the others are not known to be there.
      this.#others = [];
    }
  }
}
