/** A request in the client, from issue to answer, and the two containers that hold them. */
import type { Code } from '../core/model/errors.js';
import { OPS, type Op } from '../core/model/request.js';
import type { IoReply__Output } from '../wire/gen/sluice/v1/IoReply.js';
import type { Lane } from './lane.js';
import type { Link } from './link.js';

/**
 * How a request ended. `code` is a number of `CODES`, 0 = OK. `data` (of a read) shares memory with
 * the frame it came in. The times are microseconds; the five of the queue sum to the queue time.
 */
export type IoReply = Readonly<IoReply__Output>;

/** Whoever answers for a request. Told exactly once for each that issue has taken, never within issue. */
export interface ReplySink {
  /** `token` is the caller's own, as given to issue. The reply is lent for the call; its data may be kept. */
  replied(token: number, reply: IoReply): void;
  /** On a lease device: the I/O may be done now, for leaseMs from now and from each renewal. Once or, after a reconnect, again. */
  granted?(token: number, leaseMs: number): void;
}

/** How the I/O of a lease went. */
export interface LeaseOutcome {
  readonly code: Code;
  readonly message: string;
}

/**
 * `waiting`: never sent. `sent`: out on a stream. `doubt`: its stream ended; what to do with it is
 * not settled. `leased`: its stream ended while its I/O is done here. `resend`: to be sent again. `done`: answered; the object may serve another request.
 */
export type RequestState = 'waiting' | 'sent' | 'leased' | 'doubt' | 'resend' | 'done';

const NO_DATA = new Uint8Array(0);
const NO_SINK: ReplySink = { replied: () => undefined };

/** Its first ten fields are those of the wire's IoRequest, so that it is encoded as it stands. */
export class ClientRequest {
  id = 0;
  handle = 0;
  op: Op = OPS.READ;
  offset = 0;
  length = 0;
  data: Uint8Array = NO_DATA;
  fua = false;
  queueTimeoutUs = 0;
  tag = '';
  attempt = 0;

  state: RequestState = 'done';
  /** Payload it moves, either way: what credits in bytes and the client's own bound count. */
  payloadBytes = 0;
  /** When its queue timeout ends, 0 = no bound. It starts at issue: waiting in the client is queueing too. */
  deadlineNs = 0;
  cancelled = false;
  /** Granted: the I/O is done by the caller. */
  leased = false;
  /** What the caller has said of it, until it is answered. */
  outcome: LeaseOutcome | null = null;
  /** It changes the device, and an earlier attempt may have: an error now does not say that nothing happened. */
  inDoubt = false;
  /** The host that it is sent to again knows what became of those attempts: its answer settles the doubt. */
  settles = false;
  /** It was sent to a second host while the first might have executed it: nobody can settle that. */
  inDoubtForGood = false;
  /** The host of the last attempt whose stream ended, '' while there is none; when that attempt can no longer reach the device. */
  hostId = '';
  /** Whether that host still knew the session when last asked. */
  hostRemembers = false;
  lostNs = 0;
  fencedNs = 0;
  /** FLUSH: how many writes of its device had been answered when it was sent. */
  coversWrites = 0;
  lane: Lane | null = null;
  /** The stream it is out on. */
  link: Link | null = null;
  sink: ReplySink = NO_SINK;
  token = 0;
  list: RequestList | null = null;
  prev: ClientRequest | null = null;
  next: ClientRequest | null = null;

  /** Nothing has happened to it yet. */
  renew(): void {
    this.state = 'waiting';
    this.attempt = 0;
    this.deadlineNs = 0;
    this.cancelled = false;
    this.leased = false;
    this.outcome = null;
    this.inDoubt = false;
    this.settles = false;
    this.inDoubtForGood = false;
    this.hostId = '';
  }

  /** Lets go of everything that a later garbage collection should find. */
  clear(): void {
    this.state = 'done';
    this.data = NO_DATA;
    this.lane = null;
    this.link = null;
    this.sink = NO_SINK;
  }
}

/** Whether doing it twice, or late, can change what somebody reads. */
export function changesDevice(op: Op): boolean {
  return op === OPS.WRITE || op === OPS.TRIM || op === OPS.WRITE_ZEROES;
}

/** A queue that a request can leave from any place. */
export class RequestList {
  head: ClientRequest | null = null;
  tail: ClientRequest | null = null;

  push(request: ClientRequest): void {
    request.list = this;
    request.prev = this.tail;
    request.next = null;
    if (this.tail === null) this.head = request;
    else this.tail.next = request;
    this.tail = request;
  }

  remove(request: ClientRequest): void {
    if (request.prev === null) this.head = request.next;
    else request.prev.next = request.next;
    if (request.next === null) this.tail = request.prev;
    else request.next.prev = request.prev;
    request.list = null;
    request.prev = null;
    request.next = null;
  }
}

const SLOTS_MIN = 256;

/**
 * Requests by id. Ids rise and are never used again in a session (hosts remember outcomes by id);
 * an id whose slot is taken is passed over, so that finding one is an index and a comparison.
 */
export class RequestTable {
  count = 0;
  lastId = 0;
  private slots: (ClientRequest | null)[] = new Array<ClientRequest | null>(SLOTS_MIN).fill(null);

  /** Gives the request its id. */
  add(request: ClientRequest): void {
    if (this.count * 2 >= this.slots.length) this.grow();
    const mask = this.slots.length - 1;
    let id = this.lastId + 1;
    while (this.slots[id & mask] !== null) id += 1;
    this.slots[id & mask] = request;
    request.id = id;
    this.lastId = id;
    this.count += 1;
  }

  get(id: number): ClientRequest | null {
    const request = this.slots[id & (this.slots.length - 1)] ?? null;
    return request !== null && request.id === id ? request : null;
  }

  delete(request: ClientRequest): void {
    this.slots[request.id & (this.slots.length - 1)] = null;
    this.count -= 1;
  }

  /** Those that pass the test, oldest first. No sink may run while the answer is in use: objects are reused. */
  select(test: (request: ClientRequest) => boolean): ClientRequest[] {
    const found: ClientRequest[] = [];
    for (const request of this.slots) if (request !== null && test(request)) found.push(request);
    return found.sort((a, b) => a.id - b.id);
  }

  /** The same as ids, which stay true whatever sinks do. */
  selectIds(test: (request: ClientRequest) => boolean): number[] {
    return this.select(test).map((request) => request.id);
  }

  /** Ids that differ modulo n differ modulo 2n: nothing can collide in the larger table. */
  private grow(): void {
    const larger = new Array<ClientRequest | null>(this.slots.length * 2).fill(null);
    for (const request of this.slots) if (request !== null) larger[request.id & (larger.length - 1)] = request;
    this.slots = larger;
  }
}
