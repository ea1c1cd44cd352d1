/** The answers of several ledgers, or of several devices of a store, as one. */
import type { OpUsage, UsageOrder, UsageQuery, UsageRow } from '../model/usage.js';
import type { UsageInterval, UsageSteps } from './sum.js';

const FIELD: Record<Exclude<UsageOrder, 'tag'>, 'cost' | 'bytes' | 'count'> = {
  cost: 'cost',
  bytes: 'bytes',
  ops: 'count',
};

/**
 * By time, then as orderBy says (cost, bytes, ops: largest first), then by tag and device; of each
 * interval the first topN. Each part is one device's own answer to the query, so none of the first
 * topN is missing.
 */
export function* mergeUsage(parts: readonly UsageSteps[], query: UsageQuery): UsageSteps {
  if (parts.length === 1) {
    yield* parts[0]!;
    return;
  }
  const everything = query.fromMs === 0 && query.toMs === 0;
  const heads: (UsageInterval | null)[] = [];
  for (const part of parts) heads.push(yield* nextInterval(part));
  for (;;) {
    const open = heads.filter((head) => head !== null);
    if (open.length === 0) return;
    const startMs = Math.min(...open.map((head) => head.startMs));
    // Ledgers may have started at different times: a total spans them all.
    const together = everything ? open : open.filter((head) => head.startMs === startMs);
    const endMs = Math.max(...together.map((head) => head.endMs));
    const rows = ordered(
      together.flatMap((head) => head.rows),
      query,
    );
    if (everything) for (const row of rows) row.startMs = startMs;
    yield { startMs, endMs, rows };
    for (const [i, head] of heads.entries()) {
      if (head !== null && together.includes(head)) heads[i] = yield* nextInterval(parts[i]!);
    }
  }
}

/** All rows of an answer at once, for who knows that it is short. */
export function allRows(steps: UsageSteps): UsageRow[] {
  const rows: UsageRow[] = [];
  for (const step of steps) if (step !== null) for (const row of step.rows) rows.push(row);
  return rows;
}

function* nextInterval(part: UsageSteps): Generator<null, UsageInterval | null> {
  for (;;) {
    const step = part.next();
    if (step.done === true) return null;
    if (step.value !== null) return step.value;
    yield null;
  }
}

function ordered(rows: UsageRow[], query: UsageQuery): UsageRow[] {
  const weights = new Map<UsageRow, number>();
  if (query.orderBy !== 'tag') for (const row of rows) weights.set(row, total(row.ops, FIELD[query.orderBy]));
  rows.sort((a, b) => {
    const difference = (weights.get(b) ?? 0) - (weights.get(a) ?? 0);
    if (difference !== 0) return difference;
    if (a.tag !== b.tag) return a.tag < b.tag ? -1 : 1;
    return a.device < b.device ? -1 : 1;
  });
  return query.topN === 0 ? rows : rows.slice(0, query.topN);
}

function total(ops: readonly OpUsage[], field: 'cost' | 'bytes' | 'count'): number {
  return ops.reduce((sum, op) => sum + op[field], 0);
}
