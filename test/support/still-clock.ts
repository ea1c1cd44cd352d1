/** Time that the test moves on. Timers never fire: the test does what one would. */
import type { Clock, Timer } from '../../src/core/ports.js';

export class StillClock implements Clock {
  #wallMs: number;

  constructor(wallMs: number) {
    this.#wallMs = wallMs;
  }

  nowNs(): number {
    return 0;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  after(): Timer {
    return { cancel: () => undefined };
  }

  advance(ms: number): void {
    this.#wallMs += ms;
  }
}
