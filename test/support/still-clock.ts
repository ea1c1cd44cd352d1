/** Time that the test moves on. Timers never fire: the test does what one would. */
import { NS_PER_MS } from '../../src/core/model/units.js';
import type { Clock, Timer } from '../../src/core/ports.js';

export class StillClock implements Clock {
  readonly #startMs: number;
  #wallMs: number;

  constructor(wallMs: number) {
    this.#startMs = wallMs;
    this.#wallMs = wallMs;
  }

  nowNs(): number {
    return (this.#wallMs - this.#startMs) * NS_PER_MS;
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
