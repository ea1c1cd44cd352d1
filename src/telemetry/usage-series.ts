/**
 * Usage as counters with a bounded number of labels: the tags with the largest cost by name, all
 * others as one. Tags enter and leave the first group, yet no counter may ever fall, since a
 * collector takes a fall for a restart and counts the whole value again. So the sum of the others
 * is carried on by what was added since the last reading, less what the tags that stayed by name
 * have added; what a tag had before it got a name stays in the others. With more tags than names the
 * rates are exact in sum, the values are not: /v1/usage has those.
 */
import type { Op } from '../core/model/request.js';
import type { OpUsage } from '../core/model/usage.js';
import type { Ledger } from '../core/usage.js';
import type { Grouping } from '../core/usage/sum.js';

/** No tag begins with an underscore. */
export const OTHER_TAGS = '_other';
export const NAMED_TAGS_MAX = 50;

const FIELDS = ['count', 'errors', 'bytes', 'cost', 'cacheHits', 'queueUsSum', 'serviceUsSum'] as const;

const LARGEST: Grouping = {
  tagPrefix: '',
  groupLevel: 0,
  orderBy: 'cost',
  topN: NAMED_TAGS_MAX,
  quantiles: [],
};

export interface UsageSeries {
  readonly tag: string;
  readonly ops: readonly OpUsage[];
}

/** Of one device. */
export class DeviceUsageSeries {
  private readonly ledger: Ledger;
  private named = new Map<string, readonly OpUsage[]>();
  private total: readonly OpUsage[] = [];
  private readonly others: OpUsage[] = [];

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  read(): UsageSeries[] {
    const total = this.ledger.totals();
    const named = new Map(this.ledger.counters(LARGEST).map((row) => [row.tag, row.ops]));
    add(this.others, total, 1);
    add(this.others, this.total, -1);
    // Then a tag that has a name now is new, and has nothing in the others.
    const allHadNames = this.named.size < NAMED_TAGS_MAX;
    for (const [tag, ops] of named) {
      const before = this.named.get(tag);
      if (before === undefined && !allHadNames) continue;
      add(this.others, ops, -1);
      add(this.others, before ?? [], 1);
    }
    this.total = total;
    this.named = named;
    const series: UsageSeries[] = [...named].map(([tag, ops]) => ({ tag, ops }));
    if (this.others.some((op) => op.count > 0)) series.push({ tag: OTHER_TAGS, ops: this.others });
    return series;
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
