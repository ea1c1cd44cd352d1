/** Whether the twin's state and answer are the reference's, field by field. */
import type { ExchangeReply } from '../../../coordination/exchange/protocol.js';
import type { DeviceState, Host, Meta, Node, Row } from '../../../coordination/twin/records.js';
import type { ReferenceReply } from './exchange.js';
import { heldBy, sumOf, want, type RefHost, type RefNode, type Reference, type RefRow } from './records.js';

/** What is compared: its name, where the twin has it, where the reference. */
type Field<F, E> = readonly [string, (found: F) => unknown, (expected: E) => unknown];

const REPLY: readonly Field<ExchangeReply, ReferenceReply>[] = (
  [
    ...['status', 'code', 'message', 'incarnation', 'grantsMade', 'settling', 'advance', 'outageQuota'],
    ...['depth', 'slotsUsed', 'hosts', 'contended', 'againUs'],
  ] as (keyof ReferenceReply)[]
).map((name) => [name, (found) => found[name], (expected) => expected[name]]);

const DEVICE: readonly Field<Meta, Reference>[] = [
  ['birth', (meta) => meta.bornUs, (r) => r.bornUs],
  ['time until it settles', (meta) => meta.settlingUntil, (r) => r.settlingUntilUs],
  ['time until it is sure', (meta) => meta.unsureUntil, (r) => r.unsureUntilUs],
  ['expected hosts', (meta) => meta.expected, (r) => r.expected],
  ['returned hosts', (meta) => meta.returned, (r) => r.returned],
  ['incarnation', (meta) => meta.incarnation, (r) => r.incarnation],
  ['server', (meta) => meta.server, (r) => r.server],
  ['clock', (meta) => meta.clockUs, (r) => r.clockUs],
  ['time of the store', (meta) => meta.storeUs, (r) => r.storeUs],
  ['scheduler', (meta) => meta.settings.scheduler, (r) => r.settings.scheduler],
  ['depth', (meta) => meta.settings.depth, (r) => r.settings.depth],
  ['revision of settings', (meta) => meta.settingsRevision, (r) => r.settingsRevision],
  ['activations', (meta) => meta.activations, (r) => r.activations],
  ['contention', (meta) => meta.contended, (r) => r.contended],
  [
    'time since when there is contention',
    (meta) => !meta.contended || meta.calmSince,
    (r) => !r.contended || r.calmSinceUs,
  ],
  ['nodes', (meta) => meta.nodes, (r) => r.nodes.length + 1],
  ['hosts', (meta) => meta.hosts.length, (r) => r.hosts.length],
  ['ended hosts', (meta) => meta.remains.length, (r) => r.ended.length],
];

const HOST: readonly Field<Host, RefHost>[] = [
  ['id', (host) => host.id, (host) => host.id],
  ['epoch', (host) => host.epoch, (host) => host.epoch],
  ['n', (host) => host.n, (host) => host.n],
  ['end of the lease', (host) => host.leaseEnd, (host) => host.leaseEndUs],
  ['advance', (host) => host.advance, (host) => host.advance],
  ['idle advance', (host) => host.advanceIdle, (host) => host.advanceIdle],
  ['quota', (host) => host.quotaHeld, (host) => host.quotaHeld],
  ['confirmed', (host) => host.confirmed, (host) => host.confirmed],
  ['suspended', (host) => host.suspended, (host) => host.suspended],
  ['nudged', (host) => host.nudged, (host) => host.nudged],
  ['held', (host) => host.held, heldBy],
  ['want', (host) => host.want, (host) => sumOf(host, want)],
  ['weight', (host) => host.weight, (host) => sumOf(host, ({ weight }) => weight)],
  ['end of the rows', (host) => host.rowsEnd, (host) => host.rowsEnd],
  ['unfetched', (host) => host.unfetched.length, (host) => host.unfetched.length],
  [
    'time since when grants wait',
    (host) => host.unfetched.length === 0 || host.unfetchedSince,
    (host) => host.unfetched.length === 0 || host.unfetchedSinceUs,
  ],
];

const NODE: readonly Field<Node, RefNode>[] = [
  ['tag', (node) => node.tag, (node) => node.tag],
  ['home', (node) => node.home, (node) => node.home?.id ?? -1],
  ['inner', (node) => node.inner, (node) => node.children !== null],
  ['shares', (node) => node.shares, (node) => node.shares],
  ['own shares', (node) => node.selfShares, (node) => node.selfShares],
  ['revision', (node) => node.revision, (node) => node.revision],
  ['counter', (node) => node.vio, (node) => node.vio],
  ['floor', (node) => node.floor, (node) => node.floor],
  ['deposit', (node) => node.deposit, (node) => node.deposit],
  ['active', (node) => node.active, (node) => node.active],
  ['busy', (node) => node.busy, (node) => node.busy],
  ['time', (node) => node.v, (node) => node.v],
  ['highest counter', (node) => node.maxVio, (node) => node.maxVio],
  ['children', (node) => node.children, (node) => node.children?.length ?? 0],
  ['rows', (node) => node.rows.length, (node) => node.rows.length],
  ['place among equals', (node) => !node.active || node.seq, (node) => !node.active || node.seq],
  ['time since when it is quiet', (node) => node.busy || node.quietSince, (node) => node.busy || node.quietSinceUs],
  [
    'time since when it is idle',
    (node) => node.inner || node.busy || node.idleSince,
    (node) => node.children !== null || node.busy || node.idleSinceUs,
  ],
  ['turn', (node) => node.rows.length === 0 || node.turn, (node) => node.rows.length === 0 || node.turn],
];

const ROW: readonly Field<Row, RefRow>[] = [
  ['number', (row) => row.row, (row) => row.number],
  ['backlog', (row) => row.backlog, (row) => row.backlog],
  ['granted', (row) => row.granted, (row) => row.granted],
  ['seen', (row) => row.seen, (row) => row.seen],
  ['used', (row) => row.used, (row) => row.used],
  ['handed back', (row) => row.handedBack, (row) => row.handedBack],
  ['advanced', (row) => row.advanced, (row) => row.advanced],
  ['finished', (row) => row.finished, (row) => row.finished],
  ['cost', (row) => row.dispatchedCost, (row) => row.cost],
  ['pending', (row) => row.pending, (row) => row.pending],
  ['charged', (row) => row.charged, (row) => row.charged],
  ['weight', (row) => row.weight, (row) => row.weight],
];

function first<F, E>(fields: readonly Field<F, E>[], found: F, expected: E, what: (expected: E) => string): string {
  for (const [name, ofFound, ofExpected] of fields) {
    const a = ofFound(found);
    const b = ofExpected(expected);
    if (a !== b) return `${name} of ${what(expected)} is ${String(a)}, by the reference ${String(b)}`;
  }
  return '';
}

/** @returns the first difference in words; '' where there is none */
export function replyDiffers(found: ExchangeReply, expected: ReferenceReply): string {
  const differs = first(REPLY, found, expected, () => 'the answer');
  if (differs !== '') return differs;
  const [a, b] = [totals(found.granted), totals(expected.granted)];
  if (a !== b) return `grants in the answer are ${a}, by the reference ${b}`;
  if (found.refusedRows.length === 0 && expected.refusedRows.length === 0) return '';
  const [c, d] = [JSON.stringify(found.refusedRows), JSON.stringify(expected.refusedRows)];
  return c === d ? '' : `rows refused are ${c}, by the reference ${d}`;
}

/** Row and total of each, in order of rows. */
function totals(granted: ExchangeReply['granted']): string {
  if (granted.length === 0) return 'none';
  const pairs = granted.map(({ row, granted: total }) => `${row}:${total}`);
  return pairs.sort().join();
}

/** @returns the first difference in words; '' where there is none */
export function stateDiffers(state: DeviceState | null, r: Reference | null): string {
  if (state === null || r === null) return (state === null) === (r === null) ? '' : 'one of both has no state';
  let differs = first(DEVICE, state.meta, r, () => 'the device');
  r.hosts.forEach((host, i) => {
    differs ||= first(HOST, state.meta.hosts[i]!, host, ({ id }) => id);
  });
  differs ||= nodeDiffers(state, r.root);
  r.ended.forEach(({ host }, i) => {
    const left = state.rows.get(state.meta.remains[i]!.uid)?.size ?? 0;
    if (left !== host.rows.size) differs ||= `rows left of ${host.id} are ${left}, by the reference ${host.rows.size}`;
  });
  for (const node of r.nodes) differs ||= nodeDiffers(state, node);
  return differs;
}

function nodeDiffers(state: DeviceState, node: RefNode): string {
  const found = state.nodes.get(node.id);
  if (found === undefined) return `node ${node.id} (${node.tag}) is not there`;
  let differs = first(NODE, found, node, ({ id, tag }) => `node ${id} (${tag})`);
  node.rows.forEach((row, i) => {
    differs ||= first(ROW, found.rows[i]!, row, ({ leaf, host }) => `the row of ${leaf.tag} of ${host.id}`);
  });
  return differs;
}
