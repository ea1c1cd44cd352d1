/** One scene: what the applications got while it lasted, counted at the client. */
import type { Clock } from '../../core/ports.js';
import { SHARES_DEFAULT } from '../../core/model/policy.js';
import { shareReport, type ShareReport } from '../../workload/report.js';
import { TagCounts } from '../../workload/run.js';
import { ShareMeter } from '../../workload/share-meter.js';
import type { Application } from './application.js';
import { BLOCK_BYTES } from './pattern.js';

export class Scene {
  readonly name: string;
  readonly #clock: Clock;
  readonly #applications: readonly Application[];
  readonly #shares: ReadonlyMap<string, number>;
  readonly #startNs: number;
  readonly #meter: ShareMeter;
  readonly #counts: readonly TagCounts[];

  /** @param applications those that are judged: one that is idle is not */
  constructor(name: string, clock: Clock, applications: readonly Application[], shares: ReadonlyMap<string, number>) {
    this.name = name;
    this.#clock = clock;
    this.#applications = applications;
    this.#shares = new Map(shares);
    this.#startNs = clock.nowNs();
    this.#meter = new ShareMeter(applications.length, this.#startNs);
    this.#counts = applications.map(() => new TagCounts());
  }

  served(application: Application, queueNs: number, serviceNs: number, cost: number): void {
    const index = this.#applications.indexOf(application);
    if (index < 0) return;
    this.#meter.record(index, this.#clock.nowNs(), queueNs, serviceNs, cost);
    const counts = this.#counts[index]!;
    counts.ops += 1;
    counts.reads += 1;
    counts.bytes += BLOCK_BYTES;
    counts.queue.record(queueNs);
    counts.service.record(serviceNs);
  }

  report(device: string): ShareReport {
    return shareReport({
      device,
      durationNs: this.#clock.nowNs() - this.#startNs,
      contention: this.#meter.finish(),
      tags: this.#applications.map(({ plan }, index) => ({ tag: plan.tag, counts: this.#counts[index]! })),
      sharesOf: (tag) => ({ shares: this.#shares.get(tag) ?? SHARES_DEFAULT, selfShares: SHARES_DEFAULT }),
    });
  }
}
