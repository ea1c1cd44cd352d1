/**
 * One exchange, step by step as the Lua command does it: time and leases; who calls; what it says;
 * grants while slots are free and somebody waits; the reply.
 */
import type { ErrorCode } from '../../core/model/errors.js';
import type { ExchangeCall, ExchangeReply, ExchangeStatus, RowGrants, RowRefusal } from '../exchange/protocol.js';
import { beginCall, nudge, type Call } from './call.js';
import { passTime } from './clock.js';
import { grantAll } from './grant.js';
import { clearRemains, endEpoch, endLeases, fetchUs, resume, revokeUnfetched, slotsUsed } from './hosts.js';
import { giveAdvance, giveQuota, isSettling, updateContention } from './parts.js';
import { HOSTS_MAX, NONE, ROOT, SCHEMA, makeNode, type DeviceState, type Host } from './records.js';
import { forgetRows, knowsRows, takeNodes, takeRows } from './report.js';
import { findRow } from './rows.js';
import { sweep } from './tree.js';

const US_PER_MS = 1000;

/** What the transport adds to a call. */
export interface Surroundings {
  /** The store's time, microseconds. */
  readonly nowUs: number;
  /** The server process that runs the call. */
  readonly server: string;
  /** A name for a new incarnation, should one begin: never used before. */
  readonly incarnation: string;
}

export interface Exchanged {
  /** Null while no host has joined. */
  readonly state: DeviceState | null;
  readonly reply: ExchangeReply;
  /** Hosts to be told that there is something for them. */
  readonly nudges: readonly string[];
}

/** Takes one call in. The state is changed in place, or made anew. */
export function exchange(before: DeviceState | null, call: ExchangeCall, around: Surroundings): Exchanged {
  let state = before;
  if (state === null) {
    if (call.kind !== 'join') return { state, reply: bareReply(call, 'rejoin', around.server, ''), nudges: [] };
    state = newState(call, around);
  }
  if (state.meta.schema > SCHEMA) {
    const message = `device ${call.device} has state of schema ${state.meta.schema}; this host reads up to ${SCHEMA}`;
    return { state, reply: refusal(call, around.server, 'UNSUPPORTED', message), nudges: [] };
  }
  const c = beginCall(state);
  passTime(c, around.nowUs, around.server, call.leaseMs * US_PER_MS);
  endLeases(c);
  clearRemains(c);
  revokeUnfetched(c, call.host);
  return { state, reply: serve(c, call, around), nudges: c.nudges };
}

function serve(c: Call, call: ExchangeCall, around: Surroundings): ExchangeReply {
  const known = c.meta.hosts.find((host) => host.id === call.host);
  const status = standing(c, known, call);
  if (status !== 'ok') return bareReply(call, status, around.server, c.meta.incarnation);
  if (call.settingsRevision > c.meta.settingsRevision) {
    const exchanged = call.settings.scheduler !== c.meta.settings.scheduler;
    c.meta.settings = call.settings;
    c.meta.settingsRevision = call.settingsRevision;
    if (exchanged) beginAnew(c, around.incarnation);
    if (exchanged && call.kind !== 'join') return bareReply(call, 'rejoin', around.server, c.meta.incarnation);
  }
  let host = known;
  if (call.kind !== 'exchange') {
    if (host !== undefined) endEpoch(c, host);
    if (call.kind === 'leave') return bareReply(call, 'ok', around.server, c.meta.incarnation);
    if (c.meta.hosts.length >= HOSTS_MAX) {
      return refusal(call, around.server, 'QUEUE_FULL', `a device is shared by at most ${HOSTS_MAX} hosts`);
    }
    host = addHost(c, call, known);
    // A host that joins once more, its first answer lost, is one and not two.
    if (known?.confirmed !== true) noteReturn(c, call);
  }
  return takeIn(c, host!, call, around.server);
}

/** Whether the call may be taken in. */
function standing(c: Call, known: Host | undefined, call: ExchangeCall): ExchangeStatus {
  if (known !== undefined) {
    if (call.n === known.n && call.epoch === known.epoch) return 'stale';
    if (call.n <= known.n || call.epoch < known.epoch) return 'in-use';
  }
  if (call.kind === 'join') return 'ok';
  if (call.incarnation !== c.meta.incarnation || known === undefined) return 'rejoin';
  if (call.epoch !== known.epoch || call.acked > known.n) return 'rejoin';
  return knowsRows(c, known, call) ? 'ok' : 'rejoin';
}

function addHost(c: Call, call: ExchangeCall, before: Host | undefined): Host {
  c.meta.uids += 1;
  const host: Host = {
    id: call.host,
    uid: c.meta.uids,
    epoch: before !== undefined && before.epoch >= call.epoch ? before.epoch + 1 : call.epoch,
    n: call.n,
    leaseEnd: 0,
    exchangeUs: 0,
    held: 0,
    advance: 0,
    advanceIdle: 0,
    want: 0,
    weight: 0,
    quotaHeld: 0,
    confirmed: true,
    suspended: false,
    nudged: false,
    unfetched: [],
    unfetchedSince: 0,
    unseen: [],
    rowsEnd: 0,
  };
  c.meta.hosts.push(host);
  c.byUid.set(host.uid, host);
  return host;
}

/**
 * A host of an earlier incarnation, or of this one's before another server took over, has come back. While others of
 * it may still hold what this state knows nothing of, nothing is granted: for a lease at most, or until as
 * many are back as there were.
 */
function noteReturn(c: Call, call: ExchangeCall): void {
  const { meta } = c;
  const isNew = call.incarnation !== meta.incarnation;
  if (call.incarnation === '' || (!isNew && meta.clockUs >= meta.unsureUntil)) return;
  meta.returned += 1;
  if (call.hosts > meta.expected) meta.expected = call.hosts;
  if (!isNew) return;
  const until = meta.bornUs + call.leaseMs * US_PER_MS;
  if (meta.returned >= meta.expected) meta.settlingUntil = 0;
  else if (until > meta.settlingUntil) meta.settlingUntil = until;
}

function takeIn(c: Call, host: Host, call: ExchangeCall, server: string): ExchangeReply {
  host.n = call.n;
  host.leaseEnd = c.meta.clockUs + call.leaseMs * US_PER_MS;
  host.exchangeUs = call.exchangeUs;
  if (!host.confirmed) noteReturn(c, call);
  host.confirmed = true;
  host.nudged = false;
  host.advance = call.advance;
  host.advanceIdle = call.advanceIdle;
  host.quotaHeld = call.outageQuota;
  host.unfetched = [];
  if (host.suspended) resume(c, host);
  takeNodes(c, call.nodes);
  const { refused, made } = takeRows(c, host, call);
  forgetRows(c, host, call.forget);
  if (!isSettling(c)) grantAll(c, host);
  updateContention(c, host);
  const advance = giveAdvance(c, host, call);
  const outageQuota = giveQuota(c, host);
  sweep(c, made);
  return {
    ...bareReply(call, 'ok', server, c.meta.incarnation),
    epoch: host.epoch,
    granted: unseenGrants(c, host),
    refusedRows: refused,
    grantsMade: c.meta.grantsMade,
    settling: isSettling(c),
    advance,
    outageQuota,
    depth: c.meta.settings.depth,
    slotsUsed: slotsUsed(c),
    hosts: c.meta.hosts.length,
    contended: c.meta.contended,
    againUs: againUs(c, host),
  };
}

/** The totals of rows with grants that the host has not said it saw. */
function unseenGrants(c: Call, host: Host): RowGrants[] {
  const granted: RowGrants[] = [];
  const unseen: number[] = [];
  for (const id of host.unseen) {
    const leaf = c.state.nodes.get(id);
    const row = leaf === undefined ? undefined : findRow(leaf, host.uid);
    if (row === undefined || row.granted === row.seen) continue;
    granted.push({ row: row.row, granted: row.granted });
    unseen.push(id);
  }
  host.unseen = unseen;
  return granted;
}

/** When a grant may be taken back from somebody, for one who waits. */
function againUs(c: Call, caller: Host): number {
  if (caller.want === 0) return 0;
  let soonest = 0;
  for (const host of c.meta.hosts) {
    if (host.unfetched.length === 0) continue;
    const left = host.unfetchedSince + fetchUs(host) - c.meta.clockUs;
    const us = left > 1 ? left : 1;
    if (soonest === 0 || us < soonest) soonest = us;
  }
  return soonest;
}

function newState(call: ExchangeCall, around: Surroundings): DeviceState {
  const root = makeNode(ROOT, '', NONE, true, 0, 0);
  return {
    meta: {
      schema: SCHEMA,
      incarnation: around.incarnation,
      server: around.server,
      storeUs: around.nowUs,
      clockUs: 0,
      bornUs: 0,
      settings: call.settings,
      settingsRevision: call.settingsRevision,
      nodeIds: 0,
      uids: 0,
      activations: 0,
      grantsMade: 0,
      nodes: 1,
      contended: false,
      calmSince: 0,
      settlingUntil: 0,
      unsureUntil: 0,
      expected: 0,
      returned: 0,
      hosts: [],
      remains: [],
    },
    nodes: new Map([[ROOT, root]]),
    ids: new Map(),
    rows: new Map(),
    active: new Map([[ROOT, new Set()]]),
    idle: new Set(),
    dormant: new Map(),
  };
}

/** Another scheduler takes over: the tree begins anew, and hosts say anew what waits and what they hold. */
function beginAnew(c: Call, incarnation: string): void {
  const { state, meta } = c;
  for (const ended of [state.ids, state.rows, state.dormant, state.nodes, state.active]) ended.clear();
  state.idle.clear();
  state.nodes.set(ROOT, makeNode(ROOT, '', NONE, true, 0, meta.clockUs));
  state.active.set(ROOT, new Set());
  meta.incarnation = incarnation;
  meta.bornUs = meta.clockUs;
  meta.nodes = 1;
  meta.remains = [];
  meta.expected = meta.hosts.length;
  meta.returned = 0;
  for (const host of meta.hosts) {
    host.confirmed = false;
    host.want = 0;
    host.weight = 0;
    host.suspended = false;
    host.unfetched = [];
    host.unseen = [];
    host.rowsEnd = 0;
    nudge(c, host);
  }
}

function bareReply(call: ExchangeCall, status: ExchangeStatus, server: string, incarnation: string): ExchangeReply {
  return {
    status,
    code: 'OK',
    message: '',
    incarnation,
    epoch: call.epoch,
    n: call.n,
    server,
    granted: [],
    refusedRows: [] as RowRefusal[],
    grantsMade: 0,
    settling: false,
    advance: 0,
    outageQuota: 0,
    depth: 0,
    slotsUsed: 0,
    hosts: 0,
    contended: false,
    againUs: 0,
  };
}

function refusal(call: ExchangeCall, server: string, code: ErrorCode, message: string): ExchangeReply {
  return { ...bareReply(call, 'refused', server, ''), code, message };
}
