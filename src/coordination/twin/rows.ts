/** What can be told of one row or one leaf by itself. */
import { chargesCost, type Call } from './call.js';
import type { Host, Node, Row } from './records.js';

/** Requests of the row that wait and that nothing granted so far is for. */
export function rowWant(row: Row): number {
  const want = row.backlog - (row.granted - row.seen);
  return want > 0 ? want : 0;
}

/** Slots that the row holds. */
export function rowHeld(row: Row): number {
  return row.granted - row.handedBack + row.advanced - row.finished;
}

/** The row's host, where its epoch lives. */
export function hostOf(c: Call, row: Row): Host | undefined {
  return c.byUid.get(row.uid);
}

/** Whether something waits at the leaf in a host that may be granted to. */
export function leafWaits(c: Call, leaf: Node): boolean {
  for (const row of leaf.rows) {
    const host = hostOf(c, row);
    if (host !== undefined && !host.suspended && rowWant(row) > 0) return true;
  }
  return false;
}

/** Whether anything of the leaf waits or is held, in any living host. */
export function leafBusy(c: Call, leaf: Node): boolean {
  for (const row of leaf.rows) {
    if (hostOf(c, row) !== undefined && (rowWant(row) > 0 || rowHeld(row) > 0)) return true;
  }
  return false;
}

export function findRow(leaf: Node, uid: number): Row | undefined {
  for (const row of leaf.rows) if (row.uid === uid) return row;
  return undefined;
}

/** What a grant of the next request is charged: its true cost where it is known, else the row's average. */
export function nextCost(c: Call, row: Row): number {
  if (!chargesCost(c)) return 1;
  const cost = row.costs[row.granted - row.seen];
  if (cost !== undefined) return cost;
  const sent = row.used + row.advanced;
  if (sent > 0 && row.dispatchedCost >= sent) return row.dispatchedCost / sent;
  return row.costs.length > 0 ? row.costs[row.costs.length - 1]! : 1;
}

/** When the next request arrived; where that is not known, when the last known one did. */
export function nextArrival(row: Row): number {
  const ahead = row.granted - row.seen;
  const last = row.arrivals.length - 1;
  if (last < 0) return 0;
  return row.arrivals[ahead < last ? ahead : last]!;
}

/** What the row's host says was dispatched, in what the algorithm charges. */
export function reportedCharge(c: Call, row: Row): number {
  return chargesCost(c) ? row.dispatchedCost : row.used + row.advanced;
}
