/** What an application sees of its own operations. */
import { NS_PER_MS, NS_PER_S } from '../../core/model/units.js';
import { BUCKETS, bucketNs, bucketOf } from '../../core/histogram.js';

const MB = 1e6;

/** One application's part of a run. Plain numbers: it crosses from worker to main thread. */
export interface ApplicationMeasure {
  readonly tag: string;
  readonly shares: number;
  /** Operations that ended within the run, as the application counts them; of a group, of all together. */
  readonly ops: number;
  /** Of a group, its mean. */
  readonly opsPerS: number;
  readonly mbPerS: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Requests that reached the host's scheduler for it. */
  readonly diskIos: number;
}

export class OperationMeter {
  #ops = 0;
  #bytes = 0;
  #latencyNs = 0;
  readonly #counts = new Float64Array(BUCKETS);

  record(latencyNs: number, bytes: number): void {
    this.#ops++;
    this.#bytes += bytes;
    this.#latencyNs += latencyNs;
    const bucket = bucketOf(latencyNs);
    this.#counts[bucket] = this.#counts[bucket]! + 1;
  }

  /** @param members applications that it has counted together */
  measure(tag: string, shares: number, members: number, diskIos: number, seconds: number): ApplicationMeasure {
    return {
      tag,
      shares,
      ops: this.#ops,
      opsPerS: this.#ops / seconds / members,
      mbPerS: this.#bytes / MB / seconds / members,
      meanMs: this.#ops === 0 ? 0 : this.#latencyNs / this.#ops / NS_PER_MS,
      p50Ms: this.#quantileMs(0.5),
      p95Ms: this.#quantileMs(0.95),
      p99Ms: this.#quantileMs(0.99),
      diskIos,
    };
  }

  #quantileMs(q: number): number {
    const rank = Math.max(1, Math.ceil(q * this.#ops));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return bucketNs(bucket) / NS_PER_MS;
    }
    return 0;
  }
}

/** What one run found. */
export interface RunMeasure {
  readonly seconds: number;
  readonly applications: readonly ApplicationMeasure[];
  readonly diskIos: number;
  readonly diskIosPerS: number;
  readonly diskMbPerS: number;
}

export function runMeasure(
  durationNs: number,
  disk: { readonly ios: number; readonly bytes: number },
  applications: readonly ApplicationMeasure[],
): RunMeasure {
  const seconds = durationNs / NS_PER_S;
  return {
    seconds,
    applications,
    diskIos: disk.ios,
    diskIosPerS: disk.ios / seconds,
    diskMbPerS: disk.bytes / MB / seconds,
  };
}
