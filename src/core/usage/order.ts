/** The rows of several ledgers as one answer. */
import { SluiceError } from '../model/errors.js';
import type { OpUsage, UsageOrder, UsageQuery, UsageRow } from '../model/usage.js';
import { USAGE_ROWS_MAX } from './sum.js';

const FIELD: Record<Exclude<UsageOrder, 'tag'>, 'cost' | 'bytes' | 'count'> = {
  cost: 'cost',
  bytes: 'bytes',
  ops: 'count',
};

/**
 * By time, then as orderBy says (cost, bytes, ops: largest first), then by tag and device; of each
 * interval the first topN. Each part is a ledger's own answer to the query, so none of the first
 * topN is missing.
 * @throws SluiceError TOO_LARGE
 */
export function orderUsage(parts: readonly UsageRow[][], query: UsageQuery): UsageRow[] {
  if (parts.length === 1) return parts[0]!;
  const rows = parts.flat();
  // Ledgers may have started at different times: a total spans them all.
  if (query.fromMs === 0 && query.toMs === 0) spanAll(rows);
  const weights = new Map<UsageRow, number>();
  if (query.orderBy !== 'tag') for (const row of rows) weights.set(row, total(row.ops, FIELD[query.orderBy]));
  rows.sort((a, b) => {
    if (a.startMs !== b.startMs) return a.startMs - b.startMs;
    const difference = (weights.get(b) ?? 0) - (weights.get(a) ?? 0);
    if (difference !== 0) return difference;
    if (a.tag !== b.tag) return a.tag < b.tag ? -1 : 1;
    return a.device < b.device ? -1 : 1;
  });
  const shown = query.topN === 0 ? rows : firstOfEach(rows, query.topN);
  if (shown.length > USAGE_ROWS_MAX) {
    throw new SluiceError(
      'TOO_LARGE',
      `the answer would have more than ${String(USAGE_ROWS_MAX)} rows: ask for one device`,
    );
  }
  return shown;
}

function spanAll(rows: readonly UsageRow[]): void {
  let startMs = Infinity;
  for (const row of rows) startMs = Math.min(startMs, row.startMs);
  for (const row of rows) row.startMs = startMs;
}

function total(ops: readonly OpUsage[], field: 'cost' | 'bytes' | 'count'): number {
  return ops.reduce((sum, op) => sum + op[field], 0);
}

function firstOfEach(rows: readonly UsageRow[], topN: number): UsageRow[] {
  let startMs = Number.NaN;
  let taken = 0;
  return rows.filter((row) => {
    if (row.startMs !== startMs) {
      startMs = row.startMs;
      taken = 0;
    }
    taken += 1;
    return taken <= topN;
  });
}
