/** What a call says of the host's rows, taken in; and how a row goes. */
import type { ExchangeCall, RowRefusal, RowState } from '../../../coordination/exchange/protocol.js';
import { ROWS_MAX } from '../../../coordination/twin/records.js';
import { activate, becameBusy, leaveIfNobodyWaits, pathOf, restIfUnused, settle } from './order.js';
import {
  activeChildren,
  held,
  isInUse,
  isWaiting,
  nextCost,
  want,
  type RefHost,
  type RefNode,
  type Reference,
  type RefRow,
} from './records.js';
import { leafOf } from './tree.js';

export function takeRows(r: Reference, host: RefHost, call: ExchangeCall): { refused: RowRefusal[]; made: number } {
  const refused: RowRefusal[] = [];
  let made = 0;
  for (const said of call.rows) {
    let row = host.rows.get(said.row);
    if (row === undefined) {
      const many = `a host has at most ${ROWS_MAX} rows of a device`;
      const leaf = said.row < ROWS_MAX ? leafOf(r, said.tag, call.nodes) : many;
      if (typeof leaf === 'string') {
        const message = `${leaf}; tag ${JSON.stringify(said.tag)} would pass that`;
        refused.push({ row: said.row, code: 'QUEUE_FULL', message });
        continue;
      }
      row = open(host, said.row, leaf);
      made += 1;
    }
    takeRow(r, row, said);
  }
  return { refused, made };
}

function open(host: RefHost, number: number, leaf: RefNode): RefRow {
  const row: RefRow = {
    ...{ host, number, leaf, backlog: 0, costs: [], arrivals: [], seen: 0, used: 0, handedBack: 0, advanced: 0 },
    ...{ cost: 0, finished: 0, granted: 0, pending: 0, charged: 0, weight: 0, weighedUs: 0 },
  };
  host.rows.set(number, row);
  host.rowsEnd = Math.max(host.rowsEnd, number + 1);
  leaf.rows.push(row);
  return row;
}

/** First who was idle comes to the time of the others, then it is charged. */
function takeRow(r: Reference, row: RefRow, said: RowState): void {
  const { leaf } = row;
  const before = { sent: row.used + row.advanced, cost: row.cost, advanced: row.advanced };
  const open = row.granted - row.used - row.handedBack;
  row.backlog = said.backlog;
  row.seen = said.seen;
  row.used = said.used;
  row.handedBack = said.handedBack;
  row.advanced = said.advanced;
  row.finished = said.finished;
  row.cost = said.dispatchedCost;
  row.costs = said.headCosts;
  row.arrivals = r.settings.scheduler === 'fifo' ? said.headAgesUs.map((us) => r.clockUs - us) : [];
  const left = row.granted - row.used - row.handedBack;
  row.pending = open > 0 && left > 0 ? (row.pending * left) / open : 0;

  if (row.advanced > before.advanced) for (const node of pathOf(leaf)) r.disturbed.add(node);
  const sent = row.used + row.advanced - before.sent;
  const wasBusy = leaf.busy;
  if (!wasBusy && (sent > 0 || isInUse(leaf))) becameBusy(r, leaf);
  if (!leaf.active && (isWaiting(leaf) || row.advanced > before.advanced)) {
    activate(r, leaf, want(row) > 0 ? nextCost(r, row) : (row.cost - before.cost) / sent, wasBusy, 0);
  }
  settle(r, row);
  leaveIfNobodyWaits(r, leaf);
  restIfUnused(r, leaf);
  weigh(r, row);
}

/** The row's part of the device in millionths, looked at as it begins to be used and then every 50 ms. */
function weigh(r: Reference, row: RefRow): void {
  const isUsed = (each: RefRow): boolean => each.host.lives && (want(each) > 0 || held(each) > 0);
  if (!isUsed(row)) {
    row.weight = 0;
    return;
  }
  if (row.weight > 0 && r.clockUs - row.weighedUs < 50_000) return;
  let part = 1 / row.leaf.rows.filter(isUsed).length;
  for (const node of pathOf(row.leaf)) {
    const others = activeChildren(node.home!).filter((child) => child !== node);
    part = (part * node.shares) / others.reduce((sum, { shares }) => sum + shares, node.shares);
  }
  row.weight = Math.floor(part * 1_000_000) + 1;
  row.weighedUs = r.clockUs;
}

export function drop(r: Reference, row: RefRow): void {
  const { leaf } = row;
  row.host.rows.delete(row.number);
  leaf.rows = leaf.rows.filter((other) => other !== row);
  leaveIfNobodyWaits(r, leaf);
  restIfUnused(r, leaf);
  if (leaf.rows.length === 0) leaf.unusedSinceUs = r.clockUs;
}
