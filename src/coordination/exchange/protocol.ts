/**
 * What a host and the shared state of a device say to each other. One call, `exchange`; the state
 * half is made twice: in Lua on Redis (redis/) and in TypeScript on a simulated network (twin/).
 *
 * Nothing here is a delta. Every counter is absolute and monotone since the host's epoch began, so
 * a repeated, lost or late message can count nothing twice:
 *
 *   host   ── backlog, head costs, dispatched, finished, handed back ──▶  state
 *   host   ◀───────────────── granted, in total, a row ─────────────────  state
 *
 * A *row* is what one host has to say of one tag. The host numbers its rows and names the tag when
 * it opens one; afterwards the number stands for it. A row that is quiet (nothing waits, nothing is
 * granted and unused, nothing is at the device) may be forgotten, in two steps: its last state is
 * sent and answered; a later call names it in `forget`; when that is answered the number is free. A
 * late copy of an earlier call is older by `n` and ignored, so no number is ever taken for another.
 *
 * For one row at any time, as the host knows it and, a little later, the state:
 *
 *   granted  = used + handedBack + (fetched or on their way, not used yet)
 *   dispatched = used + advanced          (advanced: sent in advance, without asking)
 *   at the device = dispatched - finished
 *
 * Slots that a host holds = sum over its rows of (granted - handedBack + advanced - finished)
 * + the slots of its advance that it is not using now. As the state has to count them from a call
 * until the next one: the same sum with its own `granted`, + call.advanceIdle
 * + max(0, reply.advance - call.advance). An idle slot that the state calls in is free only once a
 * call says so: the host may have used it while the reply was on its way.
 *
 * A host uses a grant in the moment in which it hears of it, or hands it back: between its calls it
 * keeps none.
 *
 * What the tree has charged for a row is dispatchedCost + what it charged for grants that it has not
 * heard of yet; each call settles the difference, so charges are absolute, too.
 */
import type { ErrorCode } from '../../core/model/errors.js';
import type { DeviceSettings } from '../../core/model/device.js';

/** Costs of the first waiting requests that a row tells: a batch of grants is charged true costs as far as they reach. */
export const HEAD_COSTS_MAX = 8;

/** What a host says of one tag. Sent where it changed since the last answered call, or on a join. */
export interface RowState {
  /** The host's number for it, from 0, used again once forgotten. */
  readonly row: number;
  /** Set on the calls that open the row (until one is answered) and on a join; otherwise ''. */
  readonly tag: string;
  /** Requests waiting in this host without a grant. */
  backlog: number;
  /** Costs of the oldest of those, at most HEAD_COSTS_MAX. */
  headCosts: readonly number[];
  /** How long each of those has waited when the call is sent, in microseconds: what `fifo` orders by. */
  headAgesUs: readonly number[];
  /** Grants seen (the last total received), used, and handed back unused. */
  seen: number;
  used: number;
  handedBack: number;
  /** Requests sent without a grant, on the host's advance or its outage quota. */
  advanced: number;
  /** True cost of all that was sent: used and advanced. Falls where a grant was handed back after its request had left the queue. */
  dispatchedCost: number;
  /** Requests that have left the device. */
  finished: number;
}

/** Shares in force for a node of the tree; the highest revision wins, whoever says it. */
export interface NodeState {
  readonly tag: string;
  readonly shares: number;
  readonly selfShares: number;
  /** Revision of the policies that this host had in force. */
  readonly revision: number;
}

export interface ExchangeCall {
  readonly device: string;
  /** Unique to the life of one process. */
  readonly host: string;
  /**
   * `join` starts an epoch and states all rows: `seen`, `used`, `handedBack` and `finished` are 0 and
   * `advanced` is what the host has at the device now. `dispatchedCost` is what of it, and of what ended since the
   * last answered call, was not reported before. `leave` ends the epoch: what the host held is free.
   */
  readonly kind: 'join' | 'exchange' | 'leave';
  /** The incarnation of the state that the epoch belongs to; '' on a first join. */
  readonly incarnation: string;
  /** Which epoch of this host, from 1, rising; a join proposes the next. */
  readonly epoch: number;
  /** Rises with every call of the host, also over epochs. */
  readonly n: number;
  /** The highest n that was answered. State that has not seen it has gone back in time. */
  readonly acked: number;
  /** How long after this call the host's epoch lives without another one. Hosts call at least five times as often. */
  readonly leaseMs: number;
  /** The device as the host knows it; the highest revision wins. */
  readonly settings: DeviceSettings;
  readonly settingsRevision: number;
  /** How long the host's last exchanges took (moving average): a grant not fetched after two of them may go elsewhere. */
  readonly exchangeUs: number;
  /** The advance and the outage quota as the host knows them; 0 where it has none, as before it ever joined. */
  readonly advance: number;
  readonly outageQuota: number;
  /** The number of hosts that it was told last: a new state has heard all once as many have rejoined. */
  readonly hosts: number;
  /** Slots of the advance that the host is not using. */
  readonly advanceIdle: number;
  readonly rows: readonly RowState[];
  readonly nodes: readonly NodeState[];
  readonly forget: readonly number[];
}

export type ExchangeStatus =
  /** Taken in. */
  | 'ok'
  /** The state is of another incarnation, has ended this epoch, or has gone back in time: join anew, saying what is held. */
  | 'rejoin'
  /** This very call was taken in before, and its answer is lost: ignored. */
  | 'stale'
  /**
   * A later call, or another of this number, was taken in under this host's id: ignored. A late copy hears that too, and nobody waits for what it
   * hears; to the call in flight, the last that its host made, it says that another process has the id.
   */
  | 'in-use'
  /** Not taken, and not to be repeated as it is: `code` and `message` say why. */
  | 'refused';

/** The total of one row's grants since the epoch began. */
export interface RowGrants {
  readonly row: number;
  readonly granted: number;
}

/** A row that the state does not open, for a bound on tags or children: as if it had never been named; its number is free. */
export interface RowRefusal {
  readonly row: number;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface ExchangeReply {
  readonly status: ExchangeStatus;
  readonly code: ErrorCode | 'OK';
  readonly message: string;
  readonly incarnation: string;
  readonly epoch: number;
  readonly n: number;
  readonly server: string;
  /** Rows whose total is not what the call said was seen. */
  readonly granted: readonly RowGrants[];
  readonly refusedRows: readonly RowRefusal[];
  /** Grants made in this incarnation to all hosts: by it a host knows that others went first. */
  readonly grantsMade: number;
  /**
   * The state is new or has gone back in time, and first hears what the hosts hold: until it is
   * false nothing is granted or advanced, and the host runs on its outage quota.
   */
  readonly settling: boolean;
  /** Slots that the host may use without asking; lower than before calls them in as they come free. */
  readonly advance: number;
  /** Slots that the host may use while the store is away. Over all hosts at most the depth. */
  readonly outageQuota: number;
  /** The depth in force, slots in use over all hosts, hosts with a lease. */
  readonly depth: number;
  readonly slotsUsed: number;
  readonly hosts: number;
  /** Whether others wait for slots: the advance is being called in. */
  readonly contended: boolean;
  /** When it pays to ask again though nothing changes here: a grant may then be taken back from a host that did not fetch it. 0: no need. */
  readonly againUs: number;
}

/**
 * The way to the shared state of all devices. One call a device is in flight at a time; the caller
 * sees to that. Answers never come inside the call.
 */
export interface ExchangeTransport {
  /**
   * `done` is called exactly once: with the reply, or with null where it is not known whether the
   * call was taken in (the transport bounds how long it waits). The call is the transport's to keep.
   */
  exchange(call: ExchangeCall, done: (reply: ExchangeReply | null, failure: string) => void): void;
  /** Told when somebody else's call granted something to this host; may be lost, may come twice. Returns how to stop. */
  onNudge(device: string, host: string, listener: () => void): () => void;
}
