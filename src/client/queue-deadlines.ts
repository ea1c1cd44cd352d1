/** Ends the wait of requests whose queue timeout passes before they could be sent. */
import { NS_PER_MS } from '../core/model/units.js';
import type { Clock, Timer } from './world.js';

/** A sweep looks at all requests: no more than one in this time, whatever the timeouts are. */
const SWEEP_APART_NS = 5 * NS_PER_MS;

export class QueueDeadlines {
  private readonly clock: Clock;
  /** Answers what is past its time; returns the earliest deadline left, 0 = none. */
  private readonly sweep: (nowNs: number) => number;
  private timer: Timer | null = null;
  private timerNs = 0;

  constructor(clock: Clock, sweep: (nowNs: number) => number) {
    this.clock = clock;
    this.sweep = sweep;
  }

  watch(deadlineNs: number): void {
    if (this.timer !== null && this.timerNs <= deadlineNs) return;
    this.arm(deadlineNs);
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private arm(deadlineNs: number): void {
    this.timer?.cancel();
    const nowNs = this.clock.nowNs();
    const delayNs = Math.max(deadlineNs - nowNs, SWEEP_APART_NS);
    this.timerNs = nowNs + delayNs;
    this.timer = this.clock.after(delayNs, () => {
      this.timer = null;
      const nextNs = this.sweep(this.clock.nowNs());
      if (nextNs > 0) this.watch(nextNs);
    });
  }
}
