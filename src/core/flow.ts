/**
 * The queue of one tag for one device in one host: a doubly linked list through the requests
 * themselves, so that joining, leaving and cancelling cost the same at any length.
 */
import type { FlowView } from './ports.js';
import type { PendingIo } from './pending-io.js';
import type { UsageAccount } from './model/usage.js';

export class Flow implements FlowView {
  readonly tag: string;
  readonly account: UsageAccount;
  head: PendingIo | null = null;
  tail: PendingIo | null = null;
  backlog = 0;
  backlogBytes = 0;
  /** Requests of this flow at the device. */
  outstanding = 0;
  /** When the present head became the head. */
  headSinceNs = 0;
  passedOverNs = -1;
  gateIndex = -1;
  gateEpoch = -1;
  gateHeld = 0;
  fresh = false;
  /** In the list of IdleFlows, and its neighbours there. */
  idle = false;
  idleBefore: Flow | null = null;
  idleAfter: Flow | null = null;

  constructor(tag: string, account: UsageAccount) {
    this.tag = tag;
    this.account = account;
  }

  *queued(): Iterable<PendingIo> {
    for (let io = this.head; io !== null; io = io.next) yield io;
  }

  /** Joins the end. True where it became the head. */
  append(io: PendingIo, bytes: number): boolean {
    io.flow = this;
    io.prev = this.tail;
    io.next = null;
    if (this.tail === null) this.head = io;
    else this.tail.next = io;
    this.tail = io;
    this.backlog += 1;
    this.backlogBytes += bytes;
    return this.head === io;
  }

  /** Leaves from wherever it stands. True where it was the head. */
  remove(io: PendingIo, bytes: number): boolean {
    const wasHead = this.head === io;
    if (io.prev === null) this.head = io.next;
    else io.prev.next = io.next;
    if (io.next === null) this.tail = io.prev;
    else io.next.prev = io.prev;
    io.prev = null;
    io.next = null;
    this.backlog -= 1;
    this.backlogBytes -= bytes;
    return wasHead;
  }
}
