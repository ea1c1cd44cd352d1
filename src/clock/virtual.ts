/** Time that passes only when told to: an hour of I/O runs in seconds, the same way every time. */
import { invalid } from '../core/model/errors.js';
import { NS_PER_MS } from '../core/model/units.js';
import type { Clock, Timer } from '../core/ports.js';
import { Lane } from './lane.js';
import { TimerHeap } from './timer-heap.js';

export class VirtualClock implements Clock {
  readonly #startWallMs: number;
  readonly #heap = new TimerHeap();
  #nowNs = 0;

  /** @param startWallMs what wallMs says at nowNs = 0, milliseconds since 1970 */
  constructor(startWallMs = 0) {
    this.#startWallMs = startWallMs;
  }

  nowNs(): number {
    return this.#nowNs;
  }

  wallMs(): number {
    return this.#startWallMs + Math.floor(this.#nowNs / NS_PER_MS);
  }

  /** @throws SluiceError INVALID_ARGUMENT where ns is not a number; a negative ns counts as 0 */
  after(ns: number, fn: () => void): Timer {
    if (Number.isNaN(ns)) throw invalid('ns', 'a number of nanoseconds', ns);
    return this.#heap.arm(ns > 0 ? this.#nowNs + ns : this.#nowNs, fn);
  }

  /** For timers that come due in the order in which they are armed; `fire` is told what each was armed with. */
  lane<T>(fire: (item: T) => void): Lane<T> {
    return new Lane(this.#heap, fire);
  }

  /** Timers armed; of a lane, one. */
  get pending(): number {
    return this.#heap.size;
  }

  /** When the next timer is due; Infinity where none is armed. */
  get nextDueNs(): number {
    return this.#heap.nextDueNs;
  }

  /** Fires the timer due first, at its time. False where none is armed. */
  step(): boolean {
    if (this.#heap.size === 0) return false;
    this.#nowNs = this.#heap.nextDueNs;
    this.#heap.pop().fn();
    return true;
  }

  /** Fires all that is due by `ns`, that which is armed meanwhile too; then it is `ns`, or as late as it was. */
  runUntil(ns: number): void {
    while (this.#heap.nextDueNs <= ns && this.step());
    if (ns > this.#nowNs) this.#nowNs = ns;
  }

  runFor(ns: number): void {
    this.runUntil(this.#nowNs + ns);
  }

  /** Fires until nothing is armed, or `stop` says so after a timer. */
  run(stop: () => boolean = () => false): void {
    while (this.step()) if (stop()) return;
  }
}
