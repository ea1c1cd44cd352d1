/** What the charts draw, whichever range it spans. */

export const METRICS = ['ops', 'bytes', 'cost'] as const;
export type Metric = (typeof METRICS)[number];

export const LATENCIES = ['queueUsP50', 'queueUsP99', 'serviceUsP50', 'serviceUsP99'] as const;
export type Latency = (typeof LATENCIES)[number];

/** One point an interval; every column has as many as `times`. */
export interface Timeline {
  /** Where each interval ends, seconds since 1970, ascending. */
  times(): number[];
  /** A second; 0 where nothing was served. null = all tags together. */
  rates(tag: string | null, metric: Metric): number[];
  /** Microseconds; null where nothing was served. */
  latencies(tag: string, latency: Latency): (number | null)[];
}
