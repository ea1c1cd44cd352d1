/**
 * The shared state of one device, as plain records: what Redis keeps in its keys, the twin keeps
 * here. All times are microseconds of the device's own clock (clock.ts).
 *
 *   meta ── hosts ── what each holds
 *   nodes ── node 0, the root ── inner nodes ── leaves ── rows: one for each host that speaks of the tag
 *
 * The functions beside this file are written as the Lua in redis/lua is: the same steps in the same
 * order on the same numbers, so that both can be compared word for word.
 */
import type { DeviceSettings } from '../../core/model/device.js';

export const ROOT = 0;
export const NONE = -1;
/** A time before all others. */
export const NEVER = -1e15;

/** Version of the state's form: a newer one is refused, not read. */
export const SCHEMA = 3;

/** Counter units that a cost of 1 is worth at 1 share, as in core/scheduling/fair. */
export const SCALE = 10_000;
export const RENORMALISE_AT = 2 ** 40;

/** Most hosts of a device, most rows of a host, most nodes of a device, most children of a node. */
export const HOSTS_MAX = 250;
export const ROWS_MAX = 262_144;
export const NODES_MAX = 1_000_000;
export const CHILDREN_MAX = 262_144;

/** What one host has said of one tag, and what was granted to it. */
export interface Row {
  /** Which epoch of which host. */
  uid: number;
  row: number;
  backlog: number;
  /** Costs of the first waiting requests, and when each arrived. */
  costs: number[];
  arrivals: number[];
  seen: number;
  used: number;
  handedBack: number;
  advanced: number;
  dispatchedCost: number;
  finished: number;
  granted: number;
  /** What was charged for grants of which the host has not said yet what became of them. */
  pending: number;
  /** All that the tree was charged for this row. */
  charged: number;
  /** The row's part of the device, in millionths, as counted in its host's weight. */
  weight: number;
  /** When that was looked at. */
  weighed: number;
}

/** A node of the tag tree: a leaf has rows, an inner node children. */
export interface Node {
  readonly id: number;
  readonly tag: string;
  /** The inner node whose children it competes with; NONE for the root. */
  home: number;
  inner: boolean;
  shares: number;
  selfShares: number;
  /** Revision of the policy that the shares are of. */
  revision: number;
  /** Cost charged, times SCALE, over shares (fifo: when the oldest request arrived). */
  vio: number;
  /** What a refund may not take vio below. */
  floor: number;
  /** Largest cost charged so far: paid once in advance. */
  deposit: number;
  /** Something waits below that may be granted; since which activation. */
  active: boolean;
  seq: number;
  /** Counted among the busy children of its home. */
  busy: boolean;
  /** Since when nothing of it waits or is held; NEVER where nothing ever did. */
  idleSince: number;
  /** Since when nobody speaks of it. */
  listedSince: number;
  /** Leaf: place in `rows` of whose turn was last. */
  turn: number;
  rows: Row[];
  /** Inner: virtual time of the children, the highest vio of any, since when none is busy. */
  v: number;
  maxVio: number;
  quietSince: number;
  busyChildren: number;
  activeChildren: number;
  activeShares: number;
  children: number;
  /** Inner: the leaf that carries the node's own requests. */
  self: number;
}

export interface Host {
  readonly id: string;
  readonly uid: number;
  readonly epoch: number;
  n: number;
  leaseEnd: number;
  exchangeUs: number;
  /** Sum over its rows of granted - handedBack + advanced - finished. */
  held: number;
  /** What it was told it may use without asking, and how much of that it may be keeping idle. */
  advance: number;
  advanceIdle: number;
  /** Requests of it that wait for a grant. */
  want: number;
  /** Its part of the device in millionths. */
  weight: number;
  /** The most slots that it may use while the store is away. */
  quotaHeld: number;
  /** It has called since the store's server last changed. */
  confirmed: boolean;
  /** It did not fetch what it was granted: nothing more until it calls. */
  suspended: boolean;
  nudged: boolean;
  /** Leaves of the grants made since its last call, one a grant, and since when. */
  unfetched: number[];
  unfetchedSince: number;
  /** Leaves with grants that it has not said it saw. */
  unseen: number[];
  /** One past its highest row number. */
  rowsEnd: number;
}

/** Rows of an ended epoch that are still to be taken out of the tree: those below `next`. */
export interface Remains {
  readonly uid: number;
  next: number;
}

export interface Meta {
  schema: number;
  incarnation: string;
  /** The server process that answered last. */
  server: string;
  /** The store's time at the last call, and the device's own. */
  storeUs: number;
  clockUs: number;
  bornUs: number;
  settings: DeviceSettings;
  settingsRevision: number;
  /** Last numbers given out. */
  nodeIds: number;
  uids: number;
  activations: number;
  grantsMade: number;
  /** Nodes, the root included. */
  nodes: number;
  contended: boolean;
  calmSince: number;
  /** Until then nothing is granted: hosts first say what they hold. */
  settlingUntil: number;
  /** A lease after another server took over: until then hosts may hold, and may use, what it has not heard of. */
  unsureUntil: number;
  /** Hosts that an earlier incarnation or another server had, as far as is known here or those say that have come back. */
  expected: number;
  returned: number;
  hosts: Host[];
  remains: Remains[];
}

/** One device's state. */
export interface DeviceState {
  meta: Meta;
  readonly nodes: Map<number, Node>;
  /** Tag to node. */
  readonly ids: Map<string, number>;
  /** Host's uid to its rows: number to leaf. */
  readonly rows: Map<number, Map<number, number>>;
  /** Inner node to its active children. */
  readonly active: Map<number, Set<number>>;
  /** Nodes that nobody speaks of, the longest so first. */
  readonly idle: Set<number>;
  /** Host's uid to the leaves that left the order because it was suspended. */
  readonly dormant: Map<number, number[]>;
}

export function makeNode(id: number, tag: string, home: number, inner: boolean, vio: number, clockUs: number): Node {
  return {
    id,
    tag,
    home,
    inner,
    shares: 100,
    selfShares: 100,
    revision: -1,
    vio,
    floor: vio,
    deposit: 0,
    active: false,
    seq: 0,
    busy: false,
    idleSince: NEVER,
    listedSince: clockUs,
    turn: 0,
    rows: [],
    v: 0,
    maxVio: 0,
    quietSince: clockUs,
    busyChildren: 0,
    activeChildren: 0,
    activeShares: 0,
    children: 0,
    self: NONE,
  };
}

export function makeRow(uid: number, row: number): Row {
  return {
    uid,
    row,
    backlog: 0,
    costs: [],
    arrivals: [],
    seen: 0,
    used: 0,
    handedBack: 0,
    advanced: 0,
    dispatchedCost: 0,
    finished: 0,
    granted: 0,
    pending: 0,
    charged: 0,
    weight: 0,
    weighed: 0,
  };
}
