import type { Clock } from '../../../src/core/ports.js';

/** Longer than a ledger goes without a look at the wall clock. */
const SET_TAKES_NS = 1e9;

/** Wall time that the test sets, to jump either way. */
export class WallClock implements Clock {
  private wall: number;
  private now = 0;

  constructor(wallMs: number) {
    this.wall = wallMs;
  }

  nowNs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.wall;
  }

  after(): never {
    throw new Error('a ledger sets no timers');
  }

  set(wallMs: number): void {
    this.wall = wallMs;
    this.now += SET_TAKES_NS;
  }

  advance(ms: number): void {
    this.wall += ms;
    this.now += ms * 1e6;
  }
}
