import type { Clock, Timer } from '../../../src/core/ports.js';

/** A clock that stands still until it is set or stepped; `after` fires inside `advance`. */
export class ManualClock implements Clock {
  private wall: number;
  private now = 0;
  private timers: { atNs: number; fn: () => void }[] = [];

  constructor(wallMs: number) {
    this.wall = wallMs;
  }

  nowNs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.wall;
  }

  setWallMs(ms: number): void {
    this.wall = ms;
  }

  after(ns: number, fn: () => void): Timer {
    const timer = { atNs: this.now + ns, fn };
    this.timers.push(timer);
    return { cancel: () => (this.timers = this.timers.filter((t) => t !== timer)) };
  }

  get pending(): number {
    return this.timers.length;
  }

  advance(ms: number): void {
    const until = this.now + ms * 1e6;
    for (;;) {
      const due = this.timers.filter((t) => t.atNs <= until).sort((a, b) => a.atNs - b.atNs)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((t) => t !== due);
      this.step(due.atNs);
      due.fn();
    }
    this.step(until);
  }

  private step(toNs: number): void {
    this.wall += (toNs - this.now) / 1e6;
    this.now = toNs;
  }
}
