/**
 * Who goes first among the children of a node: activation, charges and idleness of `fair` (the
 * reasons stand in core/scheduling/fair.ts), of `stride` and of `fifo`, in the shared state.
 */
import { nodeOf, ordersByAge, type Call } from './call.js';
import { RENORMALISE_AT, ROOT, SCALE, type Node } from './records.js';
import { hostOf, nextArrival, rowWant } from './rows.js';

/** Counter units that a charge of 1 is worth at 1 share. */
function scale(c: Call): number {
  return c.meta.settings.scheduler === 'stride' ? c.meta.settings.stride.globalShares : SCALE;
}

export function noteVio(home: Node, vio: number): void {
  if (vio > home.maxVio) home.maxVio = vio;
}

/** Ends the busy period of a node's children if they have been idle long enough: old debts and credits end. */
export function endBusyPeriod(c: Call, home: Node): void {
  if (home.busyChildren > 0) return;
  if (c.meta.clockUs - home.quietSince < c.meta.settings.fair.idleResetMs * 1000) return;
  if (home.maxVio > home.v) home.v = home.maxVio;
}

export function becameBusy(c: Call, leaf: Node): void {
  let node = leaf;
  while (node.id !== ROOT) {
    const home = nodeOf(c, node.home);
    node.busy = true;
    endBusyPeriod(c, home);
    home.busyChildren += 1;
    if (home.busyChildren > 1) return;
    node = home;
  }
}

export function becameIdle(c: Call, leaf: Node): void {
  let node = leaf;
  node.idleSince = c.meta.clockUs;
  while (node.id !== ROOT) {
    const home = nodeOf(c, node.home);
    node.busy = false;
    home.busyChildren -= 1;
    if (home.busyChildren > 0) return;
    home.quietSince = c.meta.clockUs;
    node = home;
  }
}

function join(c: Call, node: Node, home: Node): void {
  c.meta.activations += 1;
  node.active = true;
  node.seq = c.meta.activations;
  home.activeChildren += 1;
  home.activeShares += node.shares;
  c.state.active.get(home.id)!.add(node.id);
}

function leave(c: Call, node: Node, home: Node): void {
  node.active = false;
  home.activeChildren -= 1;
  home.activeShares -= node.shares;
  c.state.active.get(home.id)!.delete(node.id);
}

/**
 * Something of `leaf` waits again, the next request at this cost: it and its idle ancestors join their orders, as far
 * behind as the credit and `owed` say, in units of cost.
 */
export function activate(c: Call, leaf: Node, cost: number, wasBusy: boolean, owed: number): void {
  const { scheduler } = c.meta.settings;
  if (scheduler === 'fair') {
    activateFair(c, leaf, cost, owed);
    return;
  }
  const root = nodeOf(c, ROOT);
  if (scheduler === 'stride' && !wasBusy) wake(c, leaf, root);
  if (scheduler === 'fifo') leaf.vio = oldestArrival(c, leaf);
  join(c, leaf, root);
}

function activateFair(c: Call, leaf: Node, cost: number, owed: number): void {
  const behind = c.meta.settings.fair.credit + owed;
  let node = leaf;
  while (node.id !== ROOT && !node.active) {
    const home = nodeOf(c, node.home);
    const floor = home.v - (behind * SCALE) / node.shares;
    let vio = node.vio > floor ? node.vio : floor;
    if (node.deposit < cost) {
      vio += ((cost - node.deposit) * SCALE) / node.shares;
      node.deposit = cost;
      noteVio(home, vio);
    }
    node.floor = floor;
    node.vio = vio;
    join(c, node, home);
    node = home;
  }
}

/** The paper's rule for a sleeper, as core/scheduling/stride.ts has it. */
function wake(c: Call, leaf: Node, root: Node): void {
  const { sleepRule, sleepMs } = c.meta.settings.stride;
  leaf.floor = 0;
  if (sleepRule === 'as-written') return;
  if (c.meta.clockUs - leaf.idleSince < sleepMs * 1000 || root.activeChildren === 0) return;
  const lowest = lowestActiveVio(c, root);
  if (lowest > leaf.vio) leaf.vio = lowest;
  leaf.floor = leaf.vio;
}

export function lowestActiveVio(c: Call, home: Node): number {
  let lowest = Infinity;
  for (const id of c.state.active.get(home.id)!) {
    const { vio } = nodeOf(c, id);
    if (vio < lowest) lowest = vio;
  }
  return lowest;
}

/** When the oldest request arrived that waits at the leaf in a host that may be granted to. */
function oldestArrival(c: Call, leaf: Node): number {
  let oldest = Infinity;
  for (const row of leaf.rows) {
    const host = hostOf(c, row);
    if (host === undefined || host.suspended || rowWant(row) === 0) continue;
    const arrival = nextArrival(row);
    if (arrival < oldest) oldest = arrival;
  }
  return oldest === Infinity ? leaf.vio : oldest;
}

/** Of `fifo`: what a leaf is ordered by may have changed. */
export function reorder(c: Call, leaf: Node): void {
  if (ordersByAge(c) && leaf.active) leaf.vio = oldestArrival(c, leaf);
}

/** Nothing of `leaf` waits that could be granted: it and its ancestors without another such child leave their orders. */
export function deactivate(c: Call, leaf: Node): void {
  let node = leaf;
  while (node.id !== ROOT) {
    const home = nodeOf(c, node.home);
    noteVio(home, node.vio);
    leave(c, node, home);
    if (home.activeChildren > 0) return;
    node = home;
  }
}

/** Pays what each node of the path is short of for a request of this cost. */
export function payDeposits(c: Call, leaf: Node, cost: number): void {
  let node = leaf;
  while (node.id !== ROOT) {
    const home = nodeOf(c, node.home);
    if (node.deposit < cost) {
      node.vio += ((cost - node.deposit) * SCALE) / node.shares;
      node.deposit = cost;
      noteVio(home, node.vio);
    }
    node = home;
  }
}

/** Charges a grant to the path of a leaf that stands first at every level. */
export function chargePicked(c: Call, leaf: Node, cost: number): void {
  charge(c, leaf, cost, true);
}

/**
 * Charges what was sent in advance, or more than was thought at the grant. Where no sibling waits
 * the time of the domain goes with it, as if the node had been picked: else who comes later would
 * find it far ahead of everybody for having been alone.
 */
export function chargeLate(c: Call, leaf: Node, cost: number): void {
  charge(c, leaf, cost, false);
}

function charge(c: Call, leaf: Node, cost: number, picked: boolean): void {
  const { scheduler, stride } = c.meta.settings;
  if (scheduler === 'fifo') return;
  const units = cost * scale(c);
  let node = leaf;
  while (node.id !== ROOT) {
    const home = nodeOf(c, node.home);
    const before = node.vio;
    node.vio = before + units / node.shares;
    // Who is in the order is noted on leaving it: what is charged until then may be taken back.
    if (!node.active) noteVio(home, node.vio);
    if (scheduler === 'fair') {
      const alone = home.activeChildren - (node.active ? 1 : 0) === 0;
      if ((picked || alone) && before > home.v) home.v = before;
      if (home.v > RENORMALISE_AT) renormalise(c, home);
    }
    node = home;
  }
  if (scheduler === 'stride' && leaf.vio >= stride.threshold) resetAll(c);
}

/** Takes a charge back; never below where the node stood when it was last activated. */
export function refund(c: Call, leaf: Node, cost: number): void {
  if (c.meta.settings.scheduler === 'fifo') return;
  const units = cost * scale(c);
  let node = leaf;
  while (node.id !== ROOT) {
    const vio = node.vio - units / node.shares;
    node.vio = vio > node.floor ? vio : node.floor;
    node = nodeOf(c, node.home);
  }
}

/** Takes the domain's time back to less than 1 and its counters with it; who is idle keeps at most its credit. */
function renormalise(c: Call, home: Node): void {
  const base = Math.floor(home.v);
  const { credit } = c.meta.settings.fair;
  home.v -= base;
  home.maxVio = home.maxVio > base ? home.maxVio - base : 0;
  for (const node of c.state.nodes.values()) {
    if (node.home !== home.id) continue;
    const least = -(credit * SCALE) / node.shares;
    node.vio -= base;
    node.floor -= base;
    if (node.floor < least) node.floor = least;
    if (!node.active && node.vio < least) node.vio = least;
  }
}

/** The paper's reinitialisation: every counter 0. */
function resetAll(c: Call): void {
  for (const node of c.state.nodes.values()) {
    node.vio = 0;
    node.floor = 0;
  }
}

/** New shares: in `fair` what a node is ahead or behind, in cost units, stays what it was. */
export function setShares(c: Call, node: Node, shares: number): void {
  if (node.shares === shares || node.id === ROOT) return;
  const home = nodeOf(c, node.home);
  if (node.active) home.activeShares += shares - node.shares;
  if (c.meta.settings.scheduler === 'fair') {
    const ratio = node.shares / shares;
    node.vio = home.v + (node.vio - home.v) * ratio;
    node.floor = home.v + (node.floor - home.v) * ratio;
    noteVio(home, node.vio);
  }
  node.shares = shares;
}
