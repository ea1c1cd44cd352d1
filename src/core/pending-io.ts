/** A request on its way: made by a door, queued and sent by a dispatcher, answered to its sink. */
import type { Code } from './model/errors.js';
import type { DeviceDone, DeviceIo, Lease, Op } from './model/request.js';
import type { GatedRequest } from './ports.js';
import type { Split } from './split.js';
import type { Flow } from './flow.js';

/**
 * `new` until a dispatcher has it; `queued` in a flow; `outstanding` at the device; `completed`
 * when its sink has been told.
 */
export type IoState = 'new' | 'queued' | 'outstanding' | 'completed';

/** Whoever answers for a request. Told exactly once for each that was given to a dispatcher. */
export interface IoSink {
  /** io.code and io.message say how it ended, io.data what was read, the *Ns fields where time went. */
  completed(io: PendingIo): void;
  /**
   * A request that was answered past its I/O timeout (`abandoned`) has come back from the device after
   * all: the memory that it lent is its door's again.
   */
  returned?(io: PendingIo): void;
  /** The client may do the I/O itself: io.lease. A sink without it does not know lease devices. */
  granted?(io: PendingIo): void;
}

export class PendingIo implements DeviceIo, GatedRequest {
  readonly op: Op;
  readonly offset: number;
  readonly lengthBytes: number;
  data: Uint8Array | null;
  readonly fua: boolean;
  /** Longest time in queue; 0 = no bound. */
  readonly queueTimeoutNs: number;
  /** The door's own: which request this is to its client, and which try. */
  readonly id: number;
  readonly attempt: number;
  readonly sink: IoSink;

  state: IoState = 'new';
  /** Answered while the device still had it: its data may be read or written until `returned`. */
  abandoned = false;
  /** While its client does the I/O itself, and after. */
  lease: Lease | null = null;
  code: Code = 'OK';
  message = '';
  /** What a grant charges for it: for one piece of it, where it is split. */
  cost = 0;
  /** What it was charged in all. */
  charged = 0;
  sequence = 0;
  arrivedNs = 0;
  submittedNs = 0;
  finishedNs = 0;

  /** Where its queue time went; the five exclude each other and sum to it. */
  behindOwnNs = 0;
  limitNs = 0;
  shareNs = 0;
  slotsNs = 0;
  coordinationNs = 0;
  serviceNs = 0;

  /** The flow's queue, while queued. */
  flow: Flow | null = null;
  prev: PendingIo | null = null;
  next: PendingIo | null = null;
  /** Its place in the dispatcher's heap of deadlines; -1 outside it. */
  deadlineIndex = -1;
  deadlineNs = 0;
  gateEpoch = -1;
  heldBy: object | null = null;
  toTell: DeviceDone | null = null;
  /** Set where it is served in pieces: on the request and on each of its pieces. */
  split: Split | null = null;

  constructor(
    op: Op,
    offset: number,
    lengthBytes: number,
    data: Uint8Array | null,
    fua: boolean,
    queueTimeoutNs: number,
    id: number,
    attempt: number,
    sink: IoSink,
  ) {
    this.op = op;
    this.offset = offset;
    this.lengthBytes = lengthBytes;
    this.data = data;
    this.fua = fua;
    this.queueTimeoutNs = queueTimeoutNs;
    this.id = id;
    this.attempt = attempt;
    this.sink = sink;
  }

  grant(lease: Lease): boolean {
    if (this.sink.granted === undefined) return false;
    this.lease = lease;
    this.sink.granted(this);
    return true;
  }

  get queueNs(): number {
    return this.behindOwnNs + this.limitNs + this.shareNs + this.slotsNs + this.coordinationNs;
  }
}
