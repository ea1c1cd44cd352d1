import type { Clock } from '../../../src/core/ports.js';

/** Wall time that the test sets, to jump either way. */
export class WallClock implements Clock {
  private wall: number;

  constructor(wallMs: number) {
    this.wall = wallMs;
  }

  nowNs(): number {
    return 0;
  }

  wallMs(): number {
    return this.wall;
  }

  after(): never {
    throw new Error('a ledger sets no timers');
  }

  set(wallMs: number): void {
    this.wall = wallMs;
  }

  advance(ms: number): void {
    this.wall += ms;
  }
}
