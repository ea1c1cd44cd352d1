/** Hosts: their leases, what becomes of what an ended one held, and of grants that are not fetched. */
import { nodeOf, type Call } from './call.js';
import { activate, becameIdle, deactivate, reorder } from './order.js';
import type { Host, Node } from './records.js';
import { settle } from './settle.js';
import { findRow, leafBusy, leafWaits, nextCost, rowHeld, rowWant } from './rows.js';
import { list } from './tree.js';

/** Row numbers of ended epochs that a call clears away. */
const CLEAR_MAX = 64;
/** Grants are not taken back sooner than that: a host may be a little late for many reasons. */
const FETCH_US_MIN = 2_000;

/** How long a host has to fetch a grant: about two of its exchanges. */
export function fetchUs(host: Host): number {
  const us = 2 * host.exchangeUs;
  return us > FETCH_US_MIN ? us : FETCH_US_MIN;
}

/** Slots that may be in use by the host, as far as the state knows. */
export function slotsOf(host: Host): number {
  const known = host.held + host.advanceIdle;
  return !host.confirmed && host.quotaHeld > known ? host.quotaHeld : known;
}

export function slotsUsed(c: Call): number {
  let sum = 0;
  for (const host of c.meta.hosts) sum += slotsOf(host);
  return sum;
}

/** Ends the epochs whose lease is over. */
export function endLeases(c: Call): void {
  const ended = c.meta.hosts.filter((host) => host.leaseEnd <= c.meta.clockUs);
  for (const host of ended) endEpoch(c, host);
}

/** The host holds nothing any more; its rows are taken out of the tree call by call. */
export function endEpoch(c: Call, host: Host): void {
  c.meta.hosts = c.meta.hosts.filter((other) => other !== host);
  c.byUid.delete(host.uid);
  c.state.dormant.delete(host.uid);
  if (host.rowsEnd > 0) c.meta.remains.push({ uid: host.uid, next: host.rowsEnd });
  else c.state.rows.delete(host.uid);
}

export function clearRemains(c: Call): void {
  const first = c.meta.remains[0];
  if (first === undefined) return;
  const from = first.next > CLEAR_MAX ? first.next - CLEAR_MAX : 0;
  const rows = c.state.rows.get(first.uid);
  for (let row = first.next - 1; row >= from; row--) {
    const leaf = rows?.get(row);
    if (leaf === undefined) continue;
    rows!.delete(row);
    dropRow(c, nodeOf(c, leaf), first.uid);
  }
  first.next = from;
  if (from > 0) return;
  c.state.rows.delete(first.uid);
  c.meta.remains.shift();
}

/** A leaf has one row less. */
export function dropRow(c: Call, leaf: Node, uid: number): void {
  leaf.rows = leaf.rows.filter((row) => row.uid !== uid);
  if (leaf.active && !leafWaits(c, leaf)) setDormant(c, leaf);
  else reorder(c, leaf);
  if (leaf.busy && !leafBusy(c, leaf)) becameIdle(c, leaf);
  if (leaf.rows.length === 0) list(c, leaf);
}

/** Takes back what hosts did not fetch in time; such a host gets nothing more until it calls. */
export function revokeUnfetched(c: Call, caller: string): void {
  for (const host of c.meta.hosts) {
    if (host.unfetched.length === 0 || host.id === caller) continue;
    if (c.meta.clockUs - host.unfetchedSince < fetchUs(host)) continue;
    const leaves = host.unfetched;
    host.unfetched = [];
    host.suspended = true;
    for (const id of leaves) revoke(c, host, nodeOf(c, id));
  }
}

function revoke(c: Call, host: Host, leaf: Node): void {
  const row = findRow(leaf, host.uid)!;
  const before = rowWant(row);
  const open = row.granted - row.used - row.handedBack;
  row.pending = (row.pending * (open - 1)) / open;
  row.granted -= 1;
  host.held -= 1;
  host.want += rowWant(row) - before;
  settle(c, leaf, row);
  reorder(c, leaf);
  // It left the order with its last grant, and what was taken back waits again: once the host calls.
  if (!leaf.active && rowWant(row) > 0) addDormant(c, host.uid, leaf);
  if (leaf.busy && !leafBusy(c, leaf)) becameIdle(c, leaf);
}

function addDormant(c: Call, uid: number, leaf: Node): void {
  const ids = c.state.dormant.get(uid);
  if (ids === undefined) c.state.dormant.set(uid, [leaf.id]);
  else ids.push(leaf.id);
}

/** Nobody of the leaf's may be granted to: it leaves the order, until something waits or a suspended host comes back. */
export function setDormant(c: Call, leaf: Node): void {
  for (const row of leaf.rows) {
    const host = c.byUid.get(row.uid);
    if (host?.suspended !== true || rowWant(row) === 0) continue;
    addDormant(c, row.uid, leaf);
  }
  deactivate(c, leaf);
}

/**
 * A suspended host calls: what waits there counts again. It waited all the while, so what it was owed is not forgotten
 * as that of an idle one is, up to a request for each slot: no return holds others up for longer.
 */
export function resume(c: Call, host: Host): void {
  host.suspended = false;
  const ids = c.state.dormant.get(host.uid);
  if (ids === undefined) return;
  c.state.dormant.delete(host.uid);
  for (const id of ids) {
    const leaf = c.state.nodes.get(id);
    if (leaf === undefined) continue;
    const row = findRow(leaf, host.uid);
    if (row === undefined || leaf.active || rowWant(row) === 0) continue;
    const cost = nextCost(c, row);
    activate(c, leaf, cost, rowHeld(row) > 0, c.meta.settings.depth * cost);
  }
}
