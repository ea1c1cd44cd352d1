/** What `sluice top` shows of each tag: pure, from usage of one interval and the policies. */
import { SharesInForce, owedShares, steeredBy, type SharesSaid } from '../../core/model/owed-shares.js';
import { MS_PER_S } from '../../core/model/units.js';
import type { UsageRow } from '../../core/model/usage.js';

export interface TopRow {
  readonly tag: string;
  readonly shares: number;
  /** Part of the device that it is owed among those that were served. */
  readonly owed: number;
  /** Part of the cost that it got. */
  readonly got: number;
  readonly opsPerS: number;
  readonly bytesPerS: number;
  readonly errorsPerS: number;
  readonly queueUsP50: number;
  readonly queueUsP99: number;
  readonly serviceUsP50: number;
  readonly serviceUsP99: number;
}

/** Percentiles that rows are made of, in this order. */
export const TOP_QUANTILES = [0.5, 0.99] as const;

/** Columns that rows are sorted by; numbers largest first. */
export const TOP_SORTS = ['got', 'tag', 'shares', 'owed', 'ops', 'bytes', 'queue', 'service', 'errors'] as const;
export type TopSort = (typeof TOP_SORTS)[number];

/** @param rows of one device and one interval */
export function topRows(rows: readonly UsageRow[], policies: Iterable<SharesSaid>, device: string): TopRow[] {
  const inForce = new SharesInForce(policies, device);
  const owed = owedShares(
    rows.map(({ tag }) => tag),
    inForce,
  );
  const costs = rows.map(({ ops }) => ops.reduce((sum, op) => sum + op.cost, 0));
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  return rows.map((row, i) => {
    const seconds = (row.endMs - row.startMs) / MS_PER_S;
    const rate = (field: 'count' | 'bytes' | 'errors'): number =>
      row.ops.reduce((sum, op) => sum + op[field], 0) / seconds;
    const by = steeredBy(row.tag);
    return {
      tag: row.tag,
      shares: inForce.of(by.tag)[by.field],
      owed: owed.get(row.tag) ?? 0,
      got: total > 0 ? costs[i]! / total : 0,
      opsPerS: rate('count'),
      bytesPerS: rate('bytes'),
      errorsPerS: rate('errors'),
      queueUsP50: row.queueUs[0] ?? 0,
      queueUsP99: row.queueUs[1] ?? 0,
      serviceUsP50: row.serviceUs[0] ?? 0,
      serviceUsP99: row.serviceUs[1] ?? 0,
    };
  });
}

const SORT_FIELDS = {
  got: 'got',
  shares: 'shares',
  owed: 'owed',
  ops: 'opsPerS',
  bytes: 'bytesPerS',
  queue: 'queueUsP99',
  service: 'serviceUsP99',
  errors: 'errorsPerS',
} as const satisfies Record<Exclude<TopSort, 'tag'>, keyof TopRow>;

/** Those whose tag contains `filter`, in order; tags break ties. */
export function arrange(rows: readonly TopRow[], filter: string, sort: TopSort, reverse: boolean): TopRow[] {
  const byTag = (a: TopRow, b: TopRow): number => (a.tag < b.tag ? -1 : a.tag > b.tag ? 1 : 0);
  const order =
    sort === 'tag'
      ? byTag
      : (a: TopRow, b: TopRow): number => b[SORT_FIELDS[sort]] - a[SORT_FIELDS[sort]] || byTag(a, b);
  return rows.filter(({ tag }) => tag.includes(filter)).sort((a, b) => (reverse ? order(b, a) : order(a, b)));
}
