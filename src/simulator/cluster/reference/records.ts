/**
 * The shared state of a device as its promises speak of it, for comparison with the twin after every
 * call. Nothing here is a running sum: what hosts hold and want, what is busy, what weighs how much is
 * counted from the rows each time it is asked for. What is slow and plain here is quick and
 * incremental in the twin and in Lua; a fault would have to be made twice to go unseen.
 */
import type { DeviceSettings } from '../../../core/model/device.js';

export interface RefRow {
  readonly host: RefHost;
  readonly number: number;
  readonly leaf: RefNode;
  backlog: number;
  costs: readonly number[];
  arrivals: readonly number[];
  seen: number;
  used: number;
  handedBack: number;
  advanced: number;
  cost: number;
  finished: number;
  granted: number;
  /** Charged for grants of which the host has said nothing yet. */
  pending: number;
  charged: number;
  weight: number;
  weighedUs: number;
}

export interface RefNode {
  readonly id: number;
  readonly tag: string;
  /** Null: the root. */
  home: RefNode | null;
  /** Null: a leaf. */
  children: RefNode[] | null;
  /** It carries its home's own requests. */
  isSelf: boolean;
  shares: number;
  selfShares: number;
  revision: number;
  vio: number;
  floor: number;
  deposit: number;
  active: boolean;
  seq: number;
  busy: boolean;
  idleSinceUs: number;
  /** Since when it has neither rows nor children, or was last looked at and kept. */
  unusedSinceUs: number;
  /** Of a leaf: its rows, in the order in which they came; the place of whose turn was last. */
  rows: RefRow[];
  turn: number;
  /** Of an inner node: its children's time, the highest counter of those that left their order, since when none is busy. */
  v: number;
  maxVio: number;
  quietSinceUs: number;
}

export interface RefHost {
  readonly id: string;
  readonly epoch: number;
  lives: boolean;
  n: number;
  leaseEndUs: number;
  exchangeUs: number;
  advance: number;
  advanceIdle: number;
  quotaHeld: number;
  confirmed: boolean;
  suspended: boolean;
  nudged: boolean;
  /** Slots that it held in rows of the scheduler before, until it states them anew. */
  heldOver: number;
  readonly rows: Map<number, RefRow>;
  /** One past the highest number that a row of it ever had. */
  rowsEnd: number;
  /** One a grant that others' calls made since its own last one. */
  unfetched: RefRow[];
  unfetchedSinceUs: number;
  /** Leaves that nobody but this host, suspended, waits at. */
  readonly dormant: Set<RefNode>;
}

export interface Reference {
  incarnation: string;
  server: string;
  storeUs: number;
  clockUs: number;
  bornUs: number;
  settings: DeviceSettings;
  settingsRevision: number;
  ids: number;
  activations: number;
  grantsMade: number;
  contended: boolean;
  calmSinceUs: number;
  settlingUntilUs: number;
  unsureUntilUs: number;
  expected: number;
  returned: number;
  hosts: RefHost[];
  /** Hosts that ended and whose rows are not all taken out: those below `below` are left. */
  ended: { readonly host: RefHost; below: number }[];
  root: RefNode;
  /** Nodes below the root. */
  nodes: RefNode[];
  /** Not of the state: who was granted to, and of whom a comparison of shares begins anew, since order-watch looked last. */
  picked: Set<RefNode>;
  disturbed: Set<RefNode>;
  nudges: string[];
}

export function want(row: RefRow): number {
  return Math.max(0, row.backlog - (row.granted - row.seen));
}

export function held(row: RefRow): number {
  return row.granted + row.advanced - row.handedBack - row.finished;
}

export function sumOf(host: RefHost, of: (row: RefRow) => number): number {
  let sum = 0;
  for (const row of host.rows.values()) sum += of(row);
  return sum;
}

export function heldBy(host: RefHost): number {
  return host.heldOver + sumOf(host, held);
}

/** What a host may have at the disk now. */
export function slotsOf(host: RefHost): number {
  const known = heldBy(host) + host.advanceIdle;
  return host.confirmed ? known : Math.max(known, host.quotaHeld);
}

export function slotsUsed(r: Reference): number {
  return r.hosts.reduce((sum, host) => sum + slotsOf(host), 0);
}

/** Somebody who may be granted to waits there. */
export function isWaiting(leaf: RefNode): boolean {
  return leaf.rows.some((row) => row.host.lives && !row.host.suspended && want(row) > 0);
}

export function isInUse(leaf: RefNode): boolean {
  return leaf.rows.some((row) => row.host.lives && (want(row) > 0 || held(row) > 0));
}

export function waitingInAll(r: Reference): number {
  return r.hosts.reduce((sum, host) => sum + (host.suspended ? 0 : sumOf(host, want)), 0);
}

export function activeChildren(node: RefNode): RefNode[] {
  return node.children!.filter((child) => child.active);
}

export function isTree(r: Reference): boolean {
  return r.settings.scheduler === 'fair';
}

/** Charged for the row's next request: its cost where it is known, else its average, else the last cost that is known. */
export function nextCost(r: Reference, row: RefRow): number {
  if (!isTree(r)) return 1;
  const known = row.costs[row.granted - row.seen];
  if (known !== undefined) return known;
  const sent = row.used + row.advanced;
  return sent > 0 && row.cost >= sent ? row.cost / sent : (row.costs.at(-1) ?? 1);
}

export function nextArrival(row: RefRow): number {
  return row.arrivals[Math.min(row.granted - row.seen, row.arrivals.length - 1)] ?? 0;
}

export function nudge(r: Reference, host: RefHost): void {
  if (!host.nudged) r.nudges.push(host.id);
  host.nudged = true;
}

export function isSettling(r: Reference): boolean {
  return r.clockUs < r.settlingUntilUs || (r.clockUs < r.unsureUntilUs && r.returned < r.expected);
}
