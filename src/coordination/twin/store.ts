/** The store of the twin: the states of all devices on one simulated server, and what can happen to it. */
import type { Clock, Rng } from '../../core/ports.js';
import type { ExchangeCall, ExchangeReply } from '../exchange/protocol.js';
import { exchange, type Exchanged, type Surroundings } from './exchange.js';
import type { DeviceState } from './records.js';

/** What a replica has, or a file on disk. */
export type Snapshot = ReadonlyMap<string, DeviceState>;

export class TwinStore {
  readonly #clock: Clock;
  readonly #rng: Rng;
  #devices = new Map<string, DeviceState>();
  #server: string;
  /** Added to the clock: a server's time is its own, and may jump. */
  offsetUs = 0;
  /** Calls reach the server but are not run. */
  stopped = false;

  constructor(clock: Clock, rng: Rng) {
    this.#clock = clock;
    this.#rng = rng.fork('store');
    this.#server = this.#name();
  }

  /** The server process that runs calls. */
  get server(): string {
    return this.#server;
  }

  /** The state of a device, for those who check it; undefined where no host has joined. */
  state(device: string): DeviceState | undefined {
    return this.#devices.get(device);
  }

  exchange(call: ExchangeCall): { readonly reply: ExchangeReply; readonly nudges: readonly string[] } {
    const before = this.#devices.get(call.device) ?? null;
    const nowUs = Math.floor(this.#clock.nowNs() / 1_000) + this.offsetUs;
    const around = { nowUs, server: this.#server, incarnation: this.#name() };
    const { state, reply, nudges } = this.run(before, call, around);
    if (state !== null) this.#devices.set(call.device, state);
    return { reply, nudges };
  }

  /** One call on the state of its device. */
  protected run(before: DeviceState | null, call: ExchangeCall, around: Surroundings): Exchanged {
    return exchange(before, call, around);
  }

  snapshot(): Snapshot {
    return structuredClone(this.#devices);
  }

  /** Another server process takes over with what the snapshot has: a restart, or a replica that may be behind. */
  failover(snapshot: Snapshot): void {
    this.#devices = structuredClone(snapshot) as Map<string, DeviceState>;
    this.#server = this.#name();
  }

  flushAll(): void {
    this.#devices = new Map();
  }

  #name(): string {
    return Math.floor(this.#rng.next() * 2 ** 48).toString(16);
  }
}
