/** To whom the free slots go. */
import { charge, deposit, leave, leaveIfNobodyWaits, pathOf } from './order.js';
import {
  activeChildren,
  isTree,
  isWaiting,
  nextArrival,
  nextCost,
  nudge,
  slotsUsed,
  sumOf,
  waitingInAll,
  want,
  heldBy,
  type RefHost,
  type RefNode,
  type Reference,
  type RefRow,
} from './records.js';

type Caps = ReadonlyMap<RefHost, number>;

export function grantAll(r: Reference, caller: RefHost): void {
  let free = r.settings.depth - slotsUsed(r);
  if (free <= 0 || waitingInAll(r) === 0) return;
  for (const caps of [capsOf(r), new Map<RefHost, number>()]) {
    while (free > 0) {
      const row = next(r, caps);
      if (row === null) break;
      grant(r, caller, row);
      free -= 1;
    }
  }
}

/** A host's part of the depth, and a little more: so much before the others have had theirs. */
function capsOf(r: Reference): Caps {
  const { depth } = r.settings;
  const weights = new Map(r.hosts.map((host) => [host, 1 + sumOf(host, ({ weight }) => weight)]));
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  const little = Math.max(1, Math.floor(depth / 8));
  return new Map([...weights].map(([host, weight]) => [host, Math.ceil((depth * weight) / total) + little]));
}

/** Rows that may be granted to, in turn: of the host after the last one first. */
function takers(leaf: RefNode, caps: Caps): RefRow[] {
  const { rows, turn } = leaf;
  return rows
    .map((_, i) => rows[(turn + 1 + i) % rows.length]!)
    .filter((row) => row.host.lives && !row.host.suspended && want(row) > 0)
    .filter(({ host }) => heldBy(host) + host.advanceIdle < (caps.get(host) ?? Infinity));
}

/** All that wait below have their part. */
function isFull(node: RefNode, caps: Caps): boolean {
  if (node.children === null) return isWaiting(node) && takers(node, caps).length === 0;
  return activeChildren(node).every((child) => isFull(child, caps));
}

/** Who is owed the next slot; null where nobody may have it. Leaves that nobody waits at any more are found and left out. */
function next(r: Reference, caps: Caps): RefRow | null {
  for (;;) {
    let node = r.root;
    while (node.children !== null) {
      const active = activeChildren(node).sort((a, b) => a.vio - b.vio || a.seq - b.seq);
      const first = active.find((child) => !isFull(child, caps));
      if (first === undefined) return null;
      for (const child of active.slice(0, active.indexOf(first))) r.disturbed.add(child);
      node = first;
    }
    const [row, ...others] = takers(node, caps);
    if (row === undefined) {
      leave(node);
      continue;
    }
    const chosen =
      r.settings.scheduler !== 'fifo' ? row : others.reduce((a, b) => (nextArrival(b) < nextArrival(a) ? b : a), row);
    node.turn = node.rows.indexOf(chosen);
    const cost = nextCost(r, chosen);
    const short = isTree(r) ? pathOf(node).filter((each) => deposit(each, cost)) : [];
    // Who was short of its deposit may not be first any more.
    if (short.length === 0) return chosen;
  }
}

function grant(r: Reference, caller: RefHost, row: RefRow): void {
  const { host, leaf } = row;
  const cost = nextCost(r, row);
  for (const node of pathOf(leaf)) r.picked.add(node);
  charge(r, leaf, cost, true);
  row.granted += 1;
  row.pending += cost;
  row.charged += cost;
  r.grantsMade += 1;
  if (host !== caller) {
    if (host.unfetched.length === 0) host.unfetchedSinceUs = r.clockUs;
    host.unfetched.push(row);
    nudge(r, host);
  }
  leaveIfNobodyWaits(r, leaf);
}
