/** Who is owed what: docs of core/scheduling/fair.ts and stride.ts, said once more over rows of many hosts. */
import {
  activeChildren,
  isInUse,
  isTree,
  isWaiting,
  nextArrival,
  want,
  type RefNode,
  type Reference,
  type RefRow,
} from './records.js';

const SCALE = 10_000;
const RENORMALISE_AT = 2 ** 40;

/** The node and those above it, the root left out. */
export function pathOf(leaf: RefNode): RefNode[] {
  const path: RefNode[] = [];
  for (let node = leaf; node.home !== null; node = node.home) path.push(node);
  return path;
}

function creditOf(r: Reference, node: RefNode, owed = 0): number {
  return ((r.settings.fair.credit + owed) * SCALE) / node.shares;
}

function note(home: RefNode, vio: number): void {
  home.maxVio = Math.max(home.maxVio, vio);
}

export function endBusyPeriod(r: Reference, home: RefNode): void {
  const quietUs = r.clockUs - home.quietSinceUs;
  if (home.children!.some((child) => child.busy) || quietUs < r.settings.fair.idleResetMs * 1_000) return;
  home.v = Math.max(home.v, home.maxVio);
}

export function becameBusy(r: Reference, leaf: RefNode): void {
  for (const node of pathOf(leaf)) {
    const others = node.home!.children!.some((child) => child.busy);
    endBusyPeriod(r, node.home!);
    node.busy = true;
    if (others) return;
  }
}

/** A leaf that nobody uses any more. */
export function restIfUnused(r: Reference, leaf: RefNode): void {
  if (!leaf.busy || isInUse(leaf)) return;
  leaf.idleSinceUs = r.clockUs;
  for (const node of pathOf(leaf)) {
    node.busy = false;
    if (node.home!.children!.some((child) => child.busy)) return;
    node.home!.quietSinceUs = r.clockUs;
  }
}

function join(r: Reference, node: RefNode): void {
  node.active = true;
  node.seq = r.activations += 1;
}

/**
 * @param cost of what waits there first
 * @param owed how far behind it may stand besides the credit, in units of cost
 */
export function activate(r: Reference, leaf: RefNode, cost: number, wasBusy: boolean, owed: number): void {
  const { scheduler } = r.settings;
  if (scheduler === 'fair') {
    for (const node of pathOf(leaf)) {
      if (node.active) return;
      node.floor = node.home!.v - creditOf(r, node, owed);
      node.vio = Math.max(node.vio, node.floor);
      deposit(node, cost);
      join(r, node);
    }
    return;
  }
  if (scheduler === 'fifo') leaf.vio = oldest(leaf) ?? leaf.vio;
  else if (!wasBusy) wake(r, leaf);
  join(r, leaf);
}

function wake(r: Reference, leaf: RefNode): void {
  const { sleepRule, sleepMs } = r.settings.stride;
  leaf.floor = 0;
  if (sleepRule === 'as-written') return;
  const others = activeChildren(r.root);
  if (r.clockUs - leaf.idleSinceUs < sleepMs * 1_000 || others.length === 0) return;
  leaf.vio = Math.max(leaf.vio, Math.min(...others.map(({ vio }) => vio)));
  leaf.floor = leaf.vio;
}

function oldest(leaf: RefNode): number | undefined {
  const rows = leaf.rows.filter((row) => row.host.lives && !row.host.suspended && want(row) > 0);
  return rows.length === 0 ? undefined : Math.min(...rows.map(nextArrival));
}

export function reorder(r: Reference, leaf: RefNode): void {
  if (r.settings.scheduler === 'fifo' && leaf.active) leaf.vio = oldest(leaf) ?? leaf.vio;
}

/** A leaf that may have lost what waited there. */
export function leaveIfNobodyWaits(r: Reference, leaf: RefNode): void {
  if (isWaiting(leaf)) reorder(r, leaf);
  else if (leaf.active) leave(leaf);
}

/** Hosts that were suspended, and only wait for that, are remembered. */
export function leave(leaf: RefNode): void {
  for (const row of leaf.rows) {
    if (row.host.lives && row.host.suspended && want(row) > 0) row.host.dormant.add(leaf);
  }
  for (const node of pathOf(leaf)) {
    note(node.home!, node.vio);
    node.active = false;
    if (activeChildren(node.home!).length > 0) return;
  }
}

/** @returns whether the node was short of it */
export function deposit(node: RefNode, cost: number): boolean {
  if (node.deposit >= cost) return false;
  node.vio += ((cost - node.deposit) * SCALE) / node.shares;
  node.deposit = cost;
  note(node.home!, node.vio);
  return true;
}

function unitsOf(r: Reference, cost: number): number {
  return cost * (r.settings.scheduler === 'stride' ? r.settings.stride.globalShares : SCALE);
}

/** @param picked it stood first: the time of each domain moves to where it stood */
export function charge(r: Reference, leaf: RefNode, cost: number, picked: boolean): void {
  if (r.settings.scheduler === 'fifo') return;
  for (const node of pathOf(leaf)) {
    const home = node.home!;
    const stood = node.vio;
    node.vio += unitsOf(r, cost) / node.shares;
    if (!node.active) note(home, node.vio);
    if (!isTree(r)) continue;
    const others = activeChildren(home).filter((child) => child !== node);
    if (picked || others.length === 0) home.v = Math.max(home.v, stood);
    if (home.v > RENORMALISE_AT) renormalise(r, home);
  }
  if (r.settings.scheduler === 'stride' && leaf.vio >= r.settings.stride.threshold) {
    for (const node of r.nodes) {
      node.vio = node.floor = 0;
      r.disturbed.add(node);
    }
  }
}

export function refund(r: Reference, leaf: RefNode, cost: number): void {
  if (r.settings.scheduler === 'fifo') return;
  for (const node of pathOf(leaf)) {
    const vio = node.vio - unitsOf(r, cost) / node.shares;
    if (vio < node.floor) r.disturbed.add(node);
    node.vio = Math.max(vio, node.floor);
  }
}

/** What a row was charged becomes what it says it sent and what is on its way. */
export function settle(r: Reference, row: RefRow): void {
  const due = (isTree(r) ? row.cost : row.used + row.advanced) + row.pending;
  const more = due - row.charged;
  row.charged = due;
  if (more > 0) charge(r, row.leaf, more, false);
  if (more < 0) refund(r, row.leaf, -more);
}

function renormalise(r: Reference, home: RefNode): void {
  const by = Math.floor(home.v);
  home.v -= by;
  home.maxVio = Math.max(0, home.maxVio - by);
  for (const node of home.children!) {
    const least = -creditOf(r, node);
    node.floor = Math.max(node.floor - by, least);
    node.vio = node.active ? node.vio - by : Math.max(node.vio - by, least);
  }
}

export function setShares(r: Reference, node: RefNode, shares: number): void {
  if (node.shares === shares) return;
  const { v } = node.home!;
  r.disturbed.add(node);
  if (isTree(r)) {
    const ratio = node.shares / shares;
    node.vio = v + (node.vio - v) * ratio;
    node.floor = v + (node.floor - v) * ratio;
    note(node.home!, node.vio);
  }
  node.shares = shares;
}
