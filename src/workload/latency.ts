/** Percentiles of one tag's latencies, in buckets that never grow. */
import { BUCKETS, bucketNs, bucketOf } from '../core/histogram.js';
import { NS_PER_US } from '../core/model/units.js';

export class Latencies {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;

  record(ns: number): void {
    const bucket = bucketOf(ns);
    this.#counts[bucket] = this.#counts[bucket]! + 1;
    this.#total++;
  }

  /** The q-quantile in microseconds, to a tenth; 0 where nothing was recorded. */
  quantileUs(q: number): number {
    const rank = Math.max(1, Math.ceil(q * this.#total));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.round((bucketNs(bucket) * 10) / NS_PER_US) / 10;
    }
    return 0;
  }
}
