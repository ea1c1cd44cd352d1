/**
 * The world as one host of a simulated cluster has it: a clock that may run apart from the others', a
 * process that may stop, sleep with its machine, or die. Whatever is to happen in a stopped process
 * waits for it to go on; nothing happens in a dead one.
 */
import type { VirtualClock } from '../../clock/virtual.js';
import type { Clock, Timer } from '../../core/ports.js';

export type ProcessState = 'runs' | 'stopped' | 'dead';

export class HostWorld implements Clock {
  state: ProcessState = 'runs';
  readonly #world: VirtualClock;
  /** Ticks of the host's monotonic clock for each nanosecond that passes. */
  readonly #rate: number;
  /** What the monotonic clock did not count: the machine slept. */
  #sleptNs = 0;
  #stoppedNs = 0;
  #sleeps = false;
  #wallOffMs = 0;
  #waiting: (() => void)[] = [];

  constructor(world: VirtualClock, rate: number) {
    this.#world = world;
    this.#rate = rate;
  }

  nowNs(): number {
    return Math.floor((this.#world.nowNs() - this.#sleptNs) * this.#rate);
  }

  wallMs(): number {
    return this.#world.wallMs() + this.#wallOffMs;
  }

  after(ns: number, fn: () => void): Timer {
    return this.#world.after(ns / this.#rate, () => this.run(fn));
  }

  /** Runs something in the process: now, when it goes on, or never. */
  run(fn: () => void): void {
    if (this.state === 'runs') fn();
    else if (this.state === 'stopped') this.#waiting.push(fn);
  }

  /** @param sleeps the machine with it: its monotonic clock stands still */
  stop(sleeps: boolean): void {
    if (this.state !== 'runs') return;
    this.state = 'stopped';
    this.#sleeps = sleeps;
    this.#stoppedNs = this.#world.nowNs();
  }

  goOn(): void {
    if (this.state !== 'stopped') return;
    this.state = 'runs';
    if (this.#sleeps) this.#sleptNs += this.#world.nowNs() - this.#stoppedNs;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const fn of waiting) this.run(fn);
  }

  die(): void {
    this.state = 'dead';
    this.#waiting = [];
  }

  wallJumps(byMs: number): void {
    this.#wallOffMs += byMs;
  }
}
