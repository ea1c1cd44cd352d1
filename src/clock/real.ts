/**
 * The machine's time. setTimeout's grain is a millisecond, an SSD's answer takes a tenth of that:
 * timers that are due sooner than a millisecond from now are waited for by looking at the clock in
 * every turn of the event loop (which serves sockets in between), all others by one setTimeout.
 * All timers stand in one heap: at most one immediate and one timeout of Node's exist at a time,
 * and none when nothing is armed, so that a clock never keeps a process alive by itself.
 */
import { invalid } from '../core/model/errors.js';
import { NS_PER_MS, NS_PER_S } from '../core/model/units.js';
import type { Clock, Timer } from '../core/ports.js';
import { TimerHeap } from './timer-heap.js';

/** Nearer than this the clock is polled: what setTimeout(1) would miss. */
const POLL_WITHIN_NS = 1.2 * NS_PER_MS;
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export class RealClock implements Clock {
  readonly #start = process.hrtime();
  readonly #heap = new TimerHeap(() => this.#disarm());
  readonly #fire = (): void => this.#fireDue();
  #immediate: NodeJS.Immediate | null = null;
  #timeout: NodeJS.Timeout | null = null;
  /** What #timeout waits for. */
  #timeoutDueNs = Infinity;

  nowNs(): number {
    const now = process.hrtime();
    return (now[0] - this.#start[0]) * NS_PER_S + (now[1] - this.#start[1]);
  }

  wallMs(): number {
    return Date.now();
  }

  /** @throws SluiceError INVALID_ARGUMENT where ns is not a number; a negative ns counts as 0 */
  after(ns: number, fn: () => void): Timer {
    if (Number.isNaN(ns)) throw invalid('ns', 'a number of nanoseconds', ns);
    const nowNs = this.nowNs();
    const timer = this.#heap.arm(ns > 0 ? nowNs + ns : nowNs, fn);
    if (timer.index === 0) this.#wait(nowNs);
    return timer;
  }

  /** Timers armed. */
  get pending(): number {
    return this.#heap.size;
  }

  #fireDue(): void {
    this.#disarm();
    const nowNs = this.nowNs();
    try {
      // Timers armed meanwhile are due after nowNs or at it, behind those that were there: the loop
      // ends, since the clock moves on.
      while (this.#heap.nextDueNs <= nowNs) this.#heap.pop().fn();
    } finally {
      // Also where fn threw: the error is its caller's, the other timers still have to fire.
      if (this.#heap.size > 0) this.#wait(this.nowNs());
    }
  }

  /** Sees to it that #fireDue runs when the first timer is due. */
  #wait(nowNs: number): void {
    if (this.#immediate !== null) return;
    const dueNs = this.#heap.nextDueNs;
    if (dueNs - nowNs <= POLL_WITHIN_NS) {
      this.#immediate = setImmediate(this.#fire);
      return;
    }
    if (this.#timeoutDueNs <= dueNs) return;
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    const ms = Math.min(Math.ceil((dueNs - nowNs) / NS_PER_MS), TIMEOUT_MS_MAX);
    this.#timeout = setTimeout(this.#fire, ms);
    this.#timeoutDueNs = dueNs;
  }

  #disarm(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    this.#immediate = null;
    this.#timeout = null;
    this.#timeoutDueNs = Infinity;
  }
}
