/**
 * Usage as counters with a bounded number of labels: the tags with the largest cost by name, all
 * others as one. Tags enter and leave the first group, yet no counter may ever fall, since a
 * collector takes a fall for a restart and counts the whole value again. So the sum of the others
 * is carried on by what was added since the last reading, less what the tags that stayed by name
 * have added; what a tag had before it got a name stays in the others. With more tags than names the
 * rates are exact in sum, the values are not: /v1/usage has those.
 */
import type { Op } from '../core/model/request.js';
import { OTHER_TAGS, type OpUsage } from '../core/model/usage.js';
import { BUCKETS } from '../core/histogram.js';
import type { Counted, Ledger } from '../core/usage.js';

export const NAMED_TAGS_MAX = 50;

const FIELDS = ['count', 'errors', 'bytes', 'cost', 'cacheHits', 'queueUsSum', 'serviceUsSum'] as const;

export interface UsageSeries {
  readonly tag: string;
  readonly ops: readonly OpUsage[];
  /** Counts by bucket of core/histogram.ts, queue before service. */
  readonly latencies: Float64Array;
}

/** Of one device. */
export class DeviceUsageSeries {
  private readonly ledger: Ledger;
  private named = new Map<string, Counted>();
  private total: Counted | null = null;
  private readonly others: OpUsage[] = [];
  private readonly otherLatencies = new Float64Array(2 * BUCKETS);

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  /** In small steps; what is read is as of the last one. */
  *read(): Generator<null, UsageSeries[]> {
    const ids = yield* this.ledger.largest(NAMED_TAGS_MAX);
    const total = this.ledger.counted(null);
    const named = new Map(
      ids
        .map((id) => this.ledger.counted(id))
        .filter(({ ops }) => ops.length > 0)
        .map((counted) => [counted.tag, counted]),
    );
    this.addToOthers(total, 1);
    this.addToOthers(this.total, -1);
    // Then a tag that has a name now is new, and has nothing in the others.
    const allHadNames = this.named.size < NAMED_TAGS_MAX;
    for (const [tag, counted] of named) {
      const before = this.named.get(tag) ?? null;
      if (before === null && !allHadNames) continue;
      this.addToOthers(counted, -1);
      this.addToOthers(before, 1);
    }
    this.total = total;
    this.named = named;
    const series: UsageSeries[] = [...named.values()];
    if (this.others.some((op) => op.count > 0)) {
      series.push({ tag: OTHER_TAGS, ops: this.others, latencies: this.otherLatencies });
    }
    return series;
  }

  private addToOthers(counted: Counted | null, factor: 1 | -1): void {
    if (counted === null) return;
    add(this.others, counted.ops, factor);
    for (let i = 0; i < counted.latencies.length; i++) this.otherLatencies[i]! += factor * counted.latencies[i]!;
  }
}

function add(sums: OpUsage[], more: readonly OpUsage[], factor: 1 | -1): void {
  for (const op of more) {
    const sum = sums.find((s) => s.op === op.op) ?? zero(sums, op.op);
    for (const field of FIELDS) sum[field] += factor * op[field];
  }
}

function zero(sums: OpUsage[], op: Op): OpUsage {
  const sum = { op, count: 0, errors: 0, bytes: 0, cost: 0, cacheHits: 0, queueUsSum: 0, serviceUsSum: 0 };
  sums.push(sum);
  return sum;
}
