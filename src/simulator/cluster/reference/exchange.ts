/** One exchange as docs/consistency.md and exchange/protocol.ts promise it, on the reference state. */
import type { ExchangeCall, ExchangeReply, RowGrants } from '../../../coordination/exchange/protocol.js';
import { HOSTS_MAX } from '../../../coordination/twin/records.js';
import type { Surroundings } from '../../../coordination/twin/exchange.js';
import { grantAll } from './grant.js';
import { activate, reorder, restIfUnused, setShares, settle } from './order.js';
import { giveAdvance, giveQuota, noteContention } from './parts.js';
import {
  held,
  heldBy,
  isSettling,
  nextCost,
  nudge,
  slotsUsed,
  sumOf,
  want,
  type RefHost,
  type RefNode,
  type Reference,
  type RefRow,
} from './records.js';
import { drop, takeRows } from './report.js';
import { makeNode, nodeNamed, sweep } from './tree.js';

const CLEARED_A_CALL = 64;

export type ReferenceReply = Omit<ExchangeReply, 'epoch' | 'n' | 'server'>;

const NOTHING: ReferenceReply = {
  ...{ status: 'ok', code: 'OK', message: '', incarnation: '', granted: [], refusedRows: [], grantsMade: 0 },
  ...{ settling: false, advance: 0, outageQuota: 0, depth: 0, slotsUsed: 0, hosts: 0, contended: false, againUs: 0 },
};

/** @returns the state, changed in place or made anew, null where there is none; what is answered; who is nudged */
export function refer(
  before: Reference | null,
  call: ExchangeCall,
  around: Surroundings,
): { readonly state: Reference | null; readonly reply: ReferenceReply; readonly nudges: readonly string[] } {
  if (before === null && call.kind !== 'join')
    return { state: null, reply: { ...NOTHING, status: 'rejoin' }, nudges: [] };
  const r = before ?? begin(call, around);
  r.nudges = [];
  passTime(r, call, around);
  for (const host of [...r.hosts]) if (host.leaseEndUs <= r.clockUs) end(r, host);
  clear(r);
  for (const host of r.hosts) if (host.id !== call.host) revokeIfLate(r, host);
  return { state: r, reply: serve(r, call, around), nudges: r.nudges };
}

function begin(call: ExchangeCall, around: Surroundings): Reference {
  return {
    ...{ incarnation: around.incarnation, server: around.server, storeUs: around.nowUs, clockUs: 0, bornUs: 0 },
    ...{ settings: call.settings, settingsRevision: call.settingsRevision, ids: 0, activations: 0, grantsMade: 0 },
    ...{ contended: false, calmSinceUs: 0, settlingUntilUs: 0, unsureUntilUs: 0, expected: 0, returned: 0 },
    ...{ hosts: [], ended: [], root: makeNode(0, '', null, true, 0), nodes: [] },
    ...{ picked: new Set<RefNode>(), disturbed: new Set<RefNode>(), nudges: [] },
  };
}

function passTime(r: Reference, call: ExchangeCall, { nowUs, server }: Surroundings): void {
  const gapUs = nowUs - r.storeUs;
  const leaseUs = call.leaseMs * 1_000;
  r.storeUs = nowUs;
  if (server === r.server) {
    if (gapUs > 0 && gapUs <= leaseUs / 4) r.clockUs += gapUs;
    return;
  }
  r.server = server;
  const known = r.hosts.length;
  r.expected = r.clockUs < r.settlingUntilUs ? Math.max(r.expected, known) : known;
  r.returned = 0;
  for (const host of r.hosts) host.confirmed = false;
  r.settlingUntilUs = Math.max(r.settlingUntilUs, r.clockUs + leaseUs / 4);
  r.unsureUntilUs = r.clockUs + leaseUs;
}

function end(r: Reference, host: RefHost): void {
  r.hosts = r.hosts.filter((other) => other !== host);
  host.lives = false;
  host.dormant.clear();
  if (host.rowsEnd > 0) r.ended.push({ host, below: host.rowsEnd });
}

/** Rows of hosts that ended go a few at a time, the highest numbers of the first such host first. */
function clear(r: Reference): void {
  const [first] = r.ended;
  if (first === undefined) return;
  const from = Math.max(0, first.below - CLEARED_A_CALL);
  const numbers = [...first.host.rows.keys()].filter((number) => number >= from).sort((a, b) => b - a);
  for (const number of numbers) drop(r, first.host.rows.get(number)!);
  first.below = from;
  if (from === 0) r.ended.shift();
}

function fetchUs(host: RefHost): number {
  return Math.max(2_000, 2 * host.exchangeUs);
}

function revokeIfLate(r: Reference, host: RefHost): void {
  if (host.unfetched.length === 0 || r.clockUs - host.unfetchedSinceUs < fetchUs(host)) return;
  const late = host.unfetched;
  host.unfetched = [];
  host.suspended = true;
  for (const row of late) {
    const open = row.granted - row.used - row.handedBack;
    row.pending = (row.pending * (open - 1)) / open;
    row.granted -= 1;
    settle(r, row);
    reorder(r, row.leaf);
    if (!row.leaf.active && want(row) > 0) host.dormant.add(row.leaf);
    restIfUnused(r, row.leaf);
  }
}

function serve(r: Reference, call: ExchangeCall, around: Surroundings): ReferenceReply {
  const known = r.hosts.find(({ id }) => id === call.host);
  const status = standing(r, call, known);
  const bare = (): ReferenceReply => ({ ...NOTHING, status, incarnation: r.incarnation });
  if (status !== 'ok') return bare();
  if (call.settingsRevision > r.settingsRevision) {
    const other = call.settings.scheduler !== r.settings.scheduler;
    r.settings = call.settings;
    r.settingsRevision = call.settingsRevision;
    if (other) {
      beginAnew(r, around.incarnation);
      if (call.kind !== 'join') return { ...bare(), status: 'rejoin' };
    }
  }
  if (call.kind === 'exchange') return takeIn(r, known!, call);
  if (known !== undefined) end(r, known);
  if (call.kind === 'leave') return bare();
  if (r.hosts.length >= HOSTS_MAX) {
    const message = `a device is shared by at most ${HOSTS_MAX} hosts`;
    return { ...NOTHING, status: 'refused', code: 'QUEUE_FULL', message };
  }
  const host = join(call, known);
  r.hosts.push(host);
  if (known?.confirmed !== true) noteReturn(r, call);
  return takeIn(r, host, call);
}

function standing(r: Reference, call: ExchangeCall, known: RefHost | undefined): ExchangeReply['status'] {
  if (known?.n === call.n && known.epoch === call.epoch) return 'stale';
  if (known !== undefined && (known.n >= call.n || known.epoch > call.epoch)) return 'in-use';
  if (call.kind === 'join') return 'ok';
  if (known === undefined || call.incarnation !== r.incarnation) return 'rejoin';
  if (call.epoch !== known.epoch || call.acked > known.n) return 'rejoin';
  // What was said to have been seen has to have been granted here.
  const behind = call.rows.some(({ row: number, tag, seen }) => {
    const row = known.rows.get(number);
    return row === undefined ? tag === '' || seen > 0 : seen > row.granted;
  });
  return behind ? 'rejoin' : 'ok';
}

function beginAnew(r: Reference, incarnation: string): void {
  Object.assign(r, { incarnation, bornUs: r.clockUs, expected: r.hosts.length, returned: 0 });
  Object.assign(r, { ended: [], nodes: [], root: makeNode(0, '', null, true, r.clockUs) });
  for (const host of r.hosts) {
    host.heldOver = heldBy(host);
    host.rows.clear();
    host.dormant.clear();
    Object.assign(host, { rowsEnd: 0, confirmed: false, suspended: false, unfetched: [] });
    nudge(r, host);
  }
}

function join(call: ExchangeCall, before: RefHost | undefined): RefHost {
  const epoch = Math.max(call.epoch, before === undefined ? 0 : before.epoch + 1);
  return {
    ...{ id: call.host, epoch, lives: true, n: 0, leaseEndUs: 0, exchangeUs: 0, advance: 0, advanceIdle: 0 },
    ...{
      quotaHeld: 0,
      heldOver: 0,
      confirmed: true,
      suspended: false,
      nudged: false,
      rows: new Map<number, RefRow>(),
      rowsEnd: 0,
    },
    ...{ unfetched: [], unfetchedSinceUs: 0, dormant: new Set<RefNode>() },
  };
}

/** A host has come back that was there before this state, or before another server took over. */
function noteReturn(r: Reference, call: ExchangeCall): void {
  const isNew = call.incarnation !== r.incarnation;
  if (call.incarnation === '' || (!isNew && r.clockUs >= r.unsureUntilUs)) return;
  r.returned += 1;
  r.expected = Math.max(r.expected, call.hosts);
  if (!isNew) return;
  if (r.returned >= r.expected) r.settlingUntilUs = 0;
  else r.settlingUntilUs = Math.max(r.settlingUntilUs, r.bornUs + call.leaseMs * 1_000);
}

function takeIn(r: Reference, host: RefHost, call: ExchangeCall): ReferenceReply {
  if (!host.confirmed) noteReturn(r, call);
  host.n = call.n;
  host.leaseEndUs = r.clockUs + call.leaseMs * 1_000;
  host.exchangeUs = call.exchangeUs;
  host.confirmed = true;
  host.nudged = false;
  host.advance = call.advance;
  host.advanceIdle = call.advanceIdle;
  host.quotaHeld = call.outageQuota;
  host.unfetched = [];
  if (host.suspended) resume(r, host);
  takeShares(r, call);
  const { refused, made } = takeRows(r, host, call);
  for (const number of call.forget) {
    const row = host.rows.get(number);
    if (row !== undefined) drop(r, row);
  }
  if (!isSettling(r)) grantAll(r, host);
  noteContention(r, host);
  const advance = giveAdvance(r, host, call.advance);
  const outageQuota = giveQuota(r, host);
  sweep(r, made);
  return {
    status: 'ok',
    code: 'OK',
    message: '',
    incarnation: r.incarnation,
    granted: unseen(host),
    refusedRows: refused,
    grantsMade: r.grantsMade,
    settling: isSettling(r),
    advance,
    outageQuota,
    depth: r.settings.depth,
    slotsUsed: slotsUsed(r),
    hosts: r.hosts.length,
    contended: r.contended,
    againUs: againUs(r, host),
  };
}

/** Totals that the host has not said it saw. */
function unseen(host: RefHost): RowGrants[] {
  const totals: RowGrants[] = [];
  for (const { number, granted, seen } of host.rows.values()) {
    if (granted !== seen) totals.push({ row: number, granted });
  }
  return totals;
}

function resume(r: Reference, host: RefHost): void {
  host.suspended = false;
  const leaves = [...host.dormant];
  host.dormant.clear();
  for (const leaf of leaves) {
    const row = leaf.rows.find((each) => each.host === host);
    if (row === undefined || leaf.active || want(row) === 0) continue;
    const cost = nextCost(r, row);
    activate(r, leaf, cost, held(row) > 0, r.settings.depth * cost);
  }
}

function takeShares(r: Reference, call: ExchangeCall): void {
  for (const { tag, shares, selfShares, revision } of call.nodes) {
    const node = nodeNamed(r, tag);
    if (node === undefined || revision <= node.revision) continue;
    node.revision = revision;
    node.selfShares = selfShares;
    setShares(r, node, shares);
    const self = node.children?.find((child) => child.isSelf);
    if (self !== undefined) setShares(r, self, selfShares);
  }
}

function againUs(r: Reference, caller: RefHost): number {
  if (sumOf(caller, want) === 0) return 0;
  const late = r.hosts.filter(({ unfetched }) => unfetched.length > 0);
  if (late.length === 0) return 0;
  return Math.min(...late.map((host) => Math.max(1, host.unfetchedSinceUs + fetchUs(host) - r.clockUs)));
}
