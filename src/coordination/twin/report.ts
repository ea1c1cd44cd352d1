/** Taking in what the caller says of its rows. */
import type { ExchangeCall, NodeState, RowRefusal, RowState } from '../exchange/protocol.js';
import { nodeOf, ordersByAge, type Call } from './call.js';
import { dropRow, setDormant } from './hosts.js';
import { activate, becameBusy, becameIdle, reorder, setShares } from './order.js';
import { NONE, ROOT, ROWS_MAX, makeRow, type Host, type Node, type Row } from './records.js';
import { findRow, leafBusy, leafWaits, nextCost, hostOf, rowHeld, rowWant } from './rows.js';
import { settle } from './settle.js';
import { openLeaf, unlist, type SharesByTag } from './tree.js';

/** Of the whole, what 1 is. */
const WEIGHT_ONE = 1_000_000;
const WEIGH_US = 50_000;

/** Policies newer than those in force. */
export function takeNodes(c: Call, nodes: readonly NodeState[]): void {
  for (const said of nodes) {
    const id = c.state.ids.get(said.tag);
    if (id === undefined) continue;
    const node = nodeOf(c, id);
    if (said.revision <= node.revision) continue;
    node.revision = said.revision;
    node.selfShares = said.selfShares;
    setShares(c, node, said.shares);
    if (node.inner && node.self !== NONE) setShares(c, nodeOf(c, node.self), said.selfShares);
  }
}

/** Whether the state knows all that the rows refer to: else it lost something, and the host must join anew. */
export function knowsRows(c: Call, host: Host, call: ExchangeCall): boolean {
  const known = c.state.rows.get(host.uid);
  for (const said of call.rows) {
    const id = known?.get(said.row);
    if (id === undefined) {
      if (said.tag === '' || said.seen > 0) return false;
    } else if (findRow(nodeOf(c, id), host.uid)!.granted < said.seen) {
      return false;
    }
  }
  return true;
}

/** Opens the rows that are new and takes in what is said of all. Returns those refused; `made` counts new rows. */
export function takeRows(c: Call, host: Host, call: ExchangeCall): { refused: RowRefusal[]; made: number } {
  const shares: SharesByTag = new Map(call.nodes.map((node) => [node.tag, node]));
  const refused: RowRefusal[] = [];
  let known = c.state.rows.get(host.uid);
  if (known === undefined) c.state.rows.set(host.uid, (known = new Map<number, number>()));
  let made = 0;
  for (const said of call.rows) {
    const id = known.get(said.row);
    if (id !== undefined) {
      const leaf = nodeOf(c, id);
      takeRow(c, host, leaf, findRow(leaf, host.uid)!, said);
      continue;
    }
    const leaf =
      said.row < ROWS_MAX ? openLeaf(c, said.tag, shares) : `a host has at most ${ROWS_MAX} rows of a device`;
    if (typeof leaf === 'string') {
      refused.push({
        row: said.row,
        code: 'QUEUE_FULL',
        message: `${leaf}; tag ${JSON.stringify(said.tag)} would pass that`,
      });
      continue;
    }
    made += 1;
    known.set(said.row, leaf.id);
    if (said.row >= host.rowsEnd) host.rowsEnd = said.row + 1;
    if (leaf.rows.length === 0) unlist(c, leaf);
    const row = makeRow(host.uid, said.row);
    leaf.rows.push(row);
    takeRow(c, host, leaf, row, said);
  }
  return { refused, made };
}

/** Activates first, then charges: who was idle starts at the time of the others, not at its old counter. */
function takeRow(c: Call, host: Host, leaf: Node, row: Row, said: RowState): void {
  const want = rowWant(row);
  const held = rowHeld(row);
  const sent = row.used + row.advanced;
  const cost = row.dispatchedCost;
  const { advanced } = row;
  const open = row.granted - row.used - row.handedBack;
  row.backlog = said.backlog;
  row.costs = [...said.headCosts];
  row.arrivals = ordersByAge(c) ? said.headAgesUs.map((ageUs) => c.meta.clockUs - ageUs) : [];
  row.seen = said.seen;
  row.used = said.used;
  row.handedBack = said.handedBack;
  row.advanced = said.advanced;
  row.dispatchedCost = said.dispatchedCost;
  row.finished = said.finished;
  const left = row.granted - row.used - row.handedBack;
  row.pending = left > 0 && open > 0 ? (row.pending * left) / open : 0;
  host.want += rowWant(row) - want;
  host.held += rowHeld(row) - held;

  const now = row.used + row.advanced;
  const wasBusy = leaf.busy;
  if (!wasBusy && (now > sent || leafBusy(c, leaf))) becameBusy(c, leaf);
  const waits = leafWaits(c, leaf);
  if (!leaf.active && (waits || row.advanced > advanced)) {
    const next = rowWant(row) > 0 ? nextCost(c, row) : (row.dispatchedCost - cost) / (now - sent);
    activate(c, leaf, next, wasBusy, 0);
  }
  settle(c, leaf, row);
  if (leaf.active && !waits) setDormant(c, leaf);
  else reorder(c, leaf);
  if (leaf.busy && !leafBusy(c, leaf)) becameIdle(c, leaf);
  weigh(c, leaf, row, host);
}

/**
 * What part of the device the row's tag is owed now, split among the hosts that have work of it.
 * Looked at when the row begins or ends to have work, else now and then: what others do changes it, too.
 */
function weigh(c: Call, leaf: Node, row: Row, host: Host): void {
  let weight = 0;
  if (rowWant(row) > 0 || rowHeld(row) > 0) {
    if (row.weight > 0 && c.meta.clockUs - row.weighed < WEIGH_US) return;
    let sharers = 0;
    for (const other of leaf.rows) {
      if (hostOf(c, other) !== undefined && (rowWant(other) > 0 || rowHeld(other) > 0)) sharers += 1;
    }
    let part = 1 / sharers;
    let node = leaf;
    while (node.id !== ROOT) {
      const home = nodeOf(c, node.home);
      part = (part * node.shares) / (home.activeShares + (node.active ? 0 : node.shares));
      node = home;
    }
    weight = Math.floor(part * WEIGHT_ONE) + 1;
    row.weighed = c.meta.clockUs;
  }
  host.weight += weight - row.weight;
  row.weight = weight;
}

/** Rows that the host will not speak of again. */
export function forgetRows(c: Call, host: Host, numbers: readonly number[]): void {
  const known = c.state.rows.get(host.uid);
  for (const number of numbers) {
    const id = known?.get(number);
    if (id === undefined) continue;
    known!.delete(number);
    const leaf = nodeOf(c, id);
    const row = findRow(leaf, host.uid)!;
    host.want -= rowWant(row);
    host.held -= rowHeld(row);
    host.weight -= row.weight;
    dropRow(c, leaf, host.uid);
  }
}
