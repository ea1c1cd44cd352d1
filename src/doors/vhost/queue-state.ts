/** What a front end has said of one queue, piece by piece, and the ring that comes of it. */
import type { RingAddresses } from '../../wire/vhost/messages.js';
import type { Ring } from './ring.js';
import type { NativeSystem } from './system.js';

export class QueueState {
  readonly index: number;
  size = 0;
  base = 0;
  addresses: RingAddresses | null = null;
  enabled = false;
  /** Between SET_VRING_KICK and GET_VRING_BASE. */
  started = false;
  ring: Ring | null = null;
  readonly #system: NativeSystem;
  #kick = -1;
  #call = -1;
  #error = -1;
  #unwatch: (() => void) | null = null;

  constructor(system: NativeSystem, index: number) {
    this.#system = system;
    this.index = index;
  }

  /** Takes the descriptor over. */
  setKick(descriptor: number, watch: (descriptor: number) => () => void): void {
    this.dropKick();
    this.#kick = descriptor;
    this.#unwatch = watch(descriptor);
  }

  dropKick(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#kick = this.#replace(this.#kick, -1);
  }

  /** Takes the descriptor over; -1 = none: the driver polls. */
  setCall(descriptor: number): void {
    this.#call = this.#replace(this.#call, descriptor);
    // What was answered while there was none, or the old one, must not be missed.
    if (this.ring !== null) this.interrupt();
  }

  /** Takes the descriptor over; -1 = none. */
  setError(descriptor: number): void {
    this.#error = this.#replace(this.#error, descriptor);
  }

  interrupt(): void {
    if (this.#call >= 0) this.#system.signal(this.#call);
  }

  complain(): void {
    if (this.#error >= 0) this.#system.signal(this.#error);
  }

  close(): void {
    this.dropKick();
    this.#call = this.#replace(this.#call, -1);
    this.#error = this.#replace(this.#error, -1);
  }

  #replace(present: number, next: number): number {
    if (present >= 0) this.#system.close(present);
    return next;
  }
}
