/** Giving the free slots to who is owed them. */
import { chargesCost, nodeOf, nudge, ordersByAge, type Call } from './call.js';
import { setDormant, slotsUsed } from './hosts.js';
import { chargePicked, payDeposits, reorder } from './order.js';
import { ROOT, type Host, type Node, type Row } from './records.js';
import { hostOf, leafWaits, nextArrival, nextCost, rowWant } from './rows.js';

/** What the search of one call has found out. */
interface Search {
  readonly caller: Host;
  /** Nodes with nobody below who is not at its cap. */
  readonly blocked: Set<number>;
  /** Most slots of each host, by uid; empty in the second round. */
  readonly caps: Map<number, number>;
}

/** Requests that wait in hosts that may be granted to. */
export function waitingInAll(c: Call): number {
  let sum = 0;
  for (const host of c.meta.hosts) if (!host.suspended) sum += host.want;
  return sum;
}

/**
 * Grants while slots are free and somebody waits. First nobody gets more than its part of the
 * device and a little, so that a host that stops does not take all slots with it; what is left
 * then goes to whoever can use it.
 */
export function grantAll(c: Call, caller: Host): void {
  let free = c.meta.settings.depth - slotsUsed(c);
  if (free <= 0 || waitingInAll(c) === 0) return;
  for (const caps of [capsOf(c), new Map<number, number>()]) {
    const search: Search = { caller, blocked: new Set(), caps };
    while (free > 0) {
      if (!grantOne(c, search)) break;
      free -= 1;
    }
  }
}

/** A host's part of the depth, rounded up, and an eighth of the depth or a slot more. */
function capsOf(c: Call): Map<number, number> {
  const { depth } = c.meta.settings;
  const caps = new Map<number, number>();
  let total = 0;
  for (const host of c.meta.hosts) total += host.weight + 1;
  const more = Math.max(1, Math.floor(depth / 8));
  for (const host of c.meta.hosts) caps.set(host.uid, Math.ceil((depth * (host.weight + 1)) / total) + more);
  return caps;
}

/** One grant to whom the order says; false where nobody may have one. */
function grantOne(c: Call, search: Search): boolean {
  for (;;) {
    const leaf = firstLeaf(c, search);
    if (leaf === undefined) return false;
    const row = rowInTurn(c, search, leaf);
    if (row === undefined) continue;
    const cost = nextCost(c, row);
    // Each turn raises a deposit to this head's cost, so a request is passed over at most once a level.
    if (chargesCost(c) && leastDeposit(c, leaf) < cost) {
      payDeposits(c, leaf, cost);
      continue;
    }
    chargePicked(c, leaf, cost);
    note(c, search.caller, leaf, row, cost);
    if (!leafWaits(c, leaf)) setDormant(c, leaf);
    else reorder(c, leaf);
    return true;
  }
}

/** The leaf that stands first at every level. */
function firstLeaf(c: Call, search: Search): Node | undefined {
  let node = nodeOf(c, ROOT);
  while (node.inner) {
    const child = firstChild(c, search, node);
    if (child !== undefined) {
      node = child;
    } else if (node.id === ROOT) {
      return undefined;
    } else {
      search.blocked.add(node.id);
      node = nodeOf(c, ROOT);
    }
  }
  return node;
}

function firstChild(c: Call, search: Search, home: Node): Node | undefined {
  let first: Node | undefined;
  for (const id of c.state.active.get(home.id)!) {
    if (search.blocked.has(id)) continue;
    const node = nodeOf(c, id);
    if (first === undefined || node.vio < first.vio || (node.vio === first.vio && node.seq < first.seq)) first = node;
  }
  return first;
}

/** Hosts with backlog of a tag take turns (fifo: the oldest request). None: the leaf is out of this search. */
function rowInTurn(c: Call, search: Search, leaf: Node): Row | undefined {
  const byAge = ordersByAge(c);
  const count = leaf.rows.length;
  let chosen = -1;
  let capped = false;
  for (let i = 1; i <= count; i++) {
    const place = (leaf.turn + i) % count;
    const row = leaf.rows[place]!;
    const host = hostOf(c, row);
    if (host === undefined || host.suspended || rowWant(row) === 0) continue;
    if (host.held + host.advanceIdle >= (search.caps.get(host.uid) ?? Infinity)) {
      capped = true;
      continue;
    }
    if (chosen < 0 || (byAge && nextArrival(row) < nextArrival(leaf.rows[chosen]!))) chosen = place;
    if (!byAge) break;
  }
  if (chosen >= 0) {
    leaf.turn = chosen;
    return leaf.rows[chosen];
  }
  if (capped) search.blocked.add(leaf.id);
  else setDormant(c, leaf);
  return undefined;
}

function leastDeposit(c: Call, leaf: Node): number {
  let least = Infinity;
  let node = leaf;
  while (node.id !== ROOT) {
    if (node.deposit < least) least = node.deposit;
    node = nodeOf(c, node.home);
  }
  return least;
}

function note(c: Call, caller: Host, leaf: Node, row: Row, cost: number): void {
  const host = hostOf(c, row)!;
  row.granted += 1;
  row.pending += cost;
  row.charged += cost;
  host.held += 1;
  host.want -= 1;
  c.meta.grantsMade += 1;
  if (!host.unseen.includes(leaf.id)) host.unseen.push(leaf.id);
  if (host === caller) return;
  if (host.unfetched.length === 0) host.unfetchedSince = c.meta.clockUs;
  host.unfetched.push(leaf.id);
  nudge(c, host);
}
