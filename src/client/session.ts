/**
 * The session: everything between a caller's request and a host's frames, without sockets, clocks or
 * randomness of its own. Requests and frames come in, frames and answers go out.
 *
 *   issue -> lane.waiting -> (credit, batch) -> sent -> answered
 *                 ^                              |
 *                 `- lane.resend <- judged <- doubt   (the stream ended first: doubt.ts)
 *
 * Invariants: a request that issue took is answered exactly once. It is in one place: a lane's list,
 * the doubt keeper's list, or out on one stream. Only answers from that stream count.
 */
import { CODES, SluiceError, codeName, type Code, type ErrorCode } from '../core/model/errors.js';
import { OPS, OP_NAMES, type Op } from '../core/model/request.js';
import type { Clock, Rng } from './world.js';
import { localReply } from './answers.js';
import { Connection, type ConnectionEvents, type ConnectionOptions } from './connection.js';
import { DoubtKeeper, type DoubtOwner } from './doubt-keeper.js';
import type { DoubtPolicy } from './doubt.js';
import { FlushCovers } from './flush-cover.js';
import { Lane, type LaneOwner } from './lane.js';
import type { Link } from './link.js';
import type { Network, ServerFrame } from './network.js';
import { Pending, type PendingOptions } from './pending.js';
import { changesDevice, type ClientRequest, type IoReply, type ReplySink } from './request.js';
import { LeaseWords } from './lease-words.js';
import { Sender, type Defer, type SenderOwner } from './sender.js';

export type SessionOptions = ConnectionOptions & DoubtPolicy & PendingOptions;

/** What the session asks of its surroundings. */
export interface SessionWorld {
  readonly network: Network;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly defer: Defer;
  /** An error that a sink threw: reported where the session's own work is not cut short by it. */
  readonly raise: (error: unknown) => void;
  readonly sessionId: Uint8Array;
}

/** What becomes of the connection, for whoever wants to know. */
export interface SessionEvents {
  welcomed(link: Link): void;
  leaving(link: Link, reason: string): void;
  lost(link: Link, error: SluiceError): void;
  dialFailed(error: SluiceError): void;
  outage(error: SluiceError): void;
}

export class Session implements ConnectionEvents, SenderOwner, DoubtOwner {
  readonly connection: Connection;
  /** As the last welcome said. */
  maxIoBytes = 0;
  readonly clock: Clock;
  private readonly events: SessionEvents;
  private readonly sender: Sender;
  private readonly doubts: DoubtKeeper;
  private readonly requests: Pending;
  private readonly lanes = new Map<number, Lane>();
  private readonly covers: FlushCovers;
  private readonly leases: LeaseWords;
  private lastHandle = 0;
  private closedError: SluiceError | null = null;
  private onIdle: (() => void) | null = null;

  constructor(options: SessionOptions, world: SessionWorld, events: SessionEvents) {
    const { clock, network, rng, sessionId, defer, raise } = world;
    this.clock = clock;
    this.events = events;
    this.connection = new Connection(options, this, network, clock, rng, sessionId);
    this.sender = new Sender(this, clock, defer, () => this.connection.leaving);
    this.doubts = new DoubtKeeper(this, clock, options);
    this.covers = new FlushCovers(this.lanes, options.flushSpansHosts);
    this.requests = new Pending(options, clock, raise, (lane) => this.answered(lane));
    this.leases = new LeaseWords(this.requests, () => this.sender.schedule());
  }

  get current(): Link | null {
    return this.connection.current;
  }

  /** Requests not answered yet. */
  get pending(): number {
    return this.requests.table.count;
  }

  start(): void {
    this.connection.start();
  }

  openLane(device: string, tag: string, owner: LaneOwner): Lane {
    this.refuseIfClosed();
    if (this.connection.outageError !== null) throw this.connection.outageError;
    const lane = new Lane(++this.lastHandle, device, tag, this.covers.of(device), owner);
    this.lanes.set(lane.handle, lane);
    if (this.connection.current !== null) this.attach(lane, this.connection.current);
    return lane;
  }

  /** Closes once nothing is pending on it. */
  closeLane(lane: Lane): void {
    if (lane.closing) return;
    lane.closing = true;
    if (lane.pending === 0) this.laneClosed(lane);
  }

  /**
   * Takes a request, checked before; returns its id.
   * @param tag '' = the handle's own
   * @throws SluiceError QUEUE_FULL (the client's bounds), CANCELLED (closed), DEADLINE_EXCEEDED (in an outage), or what refused the handle
   */
  issue(
    lane: Lane,
    op: Op,
    offset: number,
    length: number,
    data: Uint8Array | null,
    fua: boolean,
    queueTimeoutUs: number,
    tag: string,
    sink: ReplySink,
    token: number,
  ): number {
    this.admit(lane);
    const request = this.requests.add(lane, op, offset, length, data, fua, queueTimeoutUs, tag, sink, token);
    this.sender.touch(lane);
    return request.id;
  }

  /**
   * Takes a request back. Not sent: answered CANCELLED within the call. Out: the host is told, and its
   * answer, CANCELLED or what really happened, awaited. In doubt: answered at once. Unknown ids are ignored.
   */
  cancel(id: number): void {
    const request = this.requests.table.get(id);
    if (request === null || request.cancelled) return;
    if (request.state === 'sent') {
      request.cancelled = true;
      request.link!.cancels.push(id);
      this.sender.schedule();
    } else {
      this.requests.fail(request, 'CANCELLED', 'taken back by the caller');
    }
  }

  /** The I/O of a lease is over; answered as any request is. Unknown ids are ignored. */
  leaseDone(id: number, code: Code, message: string): void {
    this.leases.done(id, { code, message });
  }

  leaseRenew(id: number): void {
    this.leases.renew(id);
  }

  /** Takes nothing new; calls back once everything is answered. */
  drain(done: () => void): void {
    this.closedError ??= new SluiceError('CANCELLED', 'the client is closed');
    this.onIdle = done;
    if (this.pending === 0) this.idle();
  }

  /** Ends now: what was sent and changes a device is answered OUTCOME_UNKNOWN, all else CANCELLED. */
  destroy(): void {
    this.closedError ??= new SluiceError('CANCELLED', 'the client is closed');
    this.doubts.stop();
    this.requests.deadlines.stop();
    this.sender.reset();
    this.connection.close();
    for (const request of this.requests.table.select((each) => each.state === 'sent')) {
      request.inDoubt = changesDevice(request.op);
    }
    this.requests.failAll(() => true, 'CANCELLED', 'the client was closed before its answer');
    for (const lane of [...this.lanes.values()]) this.laneClosed(lane);
  }

  // What the connection tells.

  welcomed(link: Link): void {
    this.sender.reset();
    this.maxIoBytes = link.maxIoBytes;
    this.covers.welcomed(link.hostId);
    for (const lane of this.lanes.values()) this.attach(lane, link);
    if (!link.resumed) this.doubts.forgottenBy(link.hostId);
    this.doubts.judgeAll();
    this.leases.resume(link);
    this.events.welcomed(link);
  }

  leaving(link: Link, reason: string): void {
    this.detachLanes();
    this.events.leaving(link, reason);
  }

  lost(link: Link, error: SluiceError): void {
    if (this.connection.current === null) this.detachLanes();
    const nowNs = this.clock.nowNs();
    const cancelled = this.requests.table.selectIds((each) => each.link === link && each.cancelled);
    for (const request of this.requests.table.select((each) => each.link === link)) {
      request.link = null;
      request.inDoubt = changesDevice(request.op);
      request.hostId = link.hostId;
      if (request.leased) {
        this.leases.lost(request);
        continue;
      }
      request.hostRemembers = true;
      request.lostNs = nowNs;
      request.fencedNs = nowNs + link.fenceNs;
      this.doubt(request);
    }
    link.outstanding = 0;
    this.requests.failIds(cancelled, 'CANCELLED', 'taken back by the caller');
    this.doubts.judgeAll();
    this.events.lost(link, error);
  }

  dialFailed(error: SluiceError): void {
    this.events.dialFailed(error);
  }

  outage(error: SluiceError): void {
    this.requests.failAll((each) => each.link === null, 'DEADLINE_EXCEEDED', error.message);
    for (const lane of [...this.lanes.values()]) lane.owner.refused(lane, error);
    this.events.outage(error);
  }

  writable(link: Link): void {
    if (link === this.connection.current || link.hasWords) this.sender.schedule();
  }

  frame(link: Link, frame: ServerFrame): void {
    for (const opened of frame.opened) {
      const lane = this.lanes.get(opened.handle);
      if (lane?.link !== link) continue;
      if (opened.code === CODES.OK) this.laneOpened(lane, opened);
      else this.laneRefused(lane, new SluiceError(errorCode(opened.code), opened.message));
    }
    for (const granted of frame.granted) this.leases.granted(link, granted.id, granted.leaseMs);
    // Before the replies: what is revoked is answered by that.
    for (const revoked of frame.revoked) this.revoked(link, revoked.id, revoked.reason);
    for (const reply of frame.replies) this.reply(link, reply);
    for (const credit of frame.credits) {
      const lane = this.lanes.get(credit.handle);
      if (lane?.link !== link) continue;
      lane.credit(credit.requestsTotal, credit.bytesTotal);
      this.sender.touch(lane);
    }
  }

  // What the sender and the doubt keeper ask.

  isFlushInDoubt(request: ClientRequest): boolean {
    return this.covers.isInDoubt(request);
  }

  flushesInDoubt(ids: readonly number[]): void {
    for (const id of ids) {
      this.outcomeUnknown(id, 'the host changed, and with it went writes that were answered and not flushed');
    }
  }

  resend(request: ClientRequest): void {
    request.attempt += 1;
    request.state = 'resend';
    request.lane!.resend.push(request);
    this.sender.touch(request.lane!);
  }

  outcomeUnknown(id: number, why: string): void {
    const request = this.requests.table.get(id);
    if (request === null) return;
    if (request.op === OPS.FLUSH) this.covers.told(request.lane!, this.requests.table.lastId);
    this.requests.answer(request, 'OUTCOME_UNKNOWN', `${OP_NAMES[request.op]}: ${why}`);
  }

  private admit(lane: Lane): void {
    this.refuseIfClosed();
    if (lane.closing) throw new SluiceError('CANCELLED', `handle ${String(lane.handle)} is closed`);
    if (lane.refusal !== null) throw lane.refusal;
    if (this.connection.outageError !== null) throw this.connection.outageError;
  }

  private refuseIfClosed(): void {
    if (this.closedError !== null) throw this.closedError;
  }

  private attach(lane: Lane, link: Link): void {
    lane.attach(link);
    this.sender.open(lane);
  }

  private detachLanes(): void {
    this.sender.reset();
    for (const lane of this.lanes.values()) {
      lane.detach();
      this.doubtAgain(lane);
    }
  }

  /** What was to be sent again on a stream that is gone was judged for that stream alone. */
  private doubtAgain(lane: Lane): void {
    for (let request = lane.resend.head; request !== null;) {
      const following: ClientRequest | null = request.next;
      if (request.op !== OPS.READ && request.hostId !== '') {
        lane.resend.remove(request);
        this.doubt(request);
      }
      request = following;
    }
  }

  private doubt(request: ClientRequest): void {
    request.state = 'doubt';
    request.settles = false;
    this.doubts.add(request);
    this.requests.waitsAgain(request);
  }

  private laneOpened(lane: Lane, opened: ServerFrame['opened'][number]): void {
    lane.accept(opened);
    lane.owner.opened(lane);
    this.sender.touch(lane);
  }

  private laneRefused(lane: Lane, error: SluiceError): void {
    lane.refuse(error);
    this.requests.failAll((each) => each.lane === lane && each.link === null, error.code, error.message);
    lane.owner.refused(lane, error);
  }

  private laneClosed(lane: Lane): void {
    if (!this.lanes.delete(lane.handle)) return;
    if (lane.state === 'open' || lane.state === 'opening') this.sender.close(lane);
    lane.state = 'closed';
    lane.owner.closed(lane);
  }

  private revoked(link: Link, id: number, reason: string): void {
    if (!this.leases.revoked(link, id, reason)) return;
    link.outstanding -= 1;
    if (link.state === 'leaving' && link.outstanding === 0) this.connection.settled(link);
  }

  private reply(link: Link, reply: IoReply): void {
    const request = this.requests.table.get(reply.id);
    // Answers for what is out elsewhere by now, or answered, are late: whoever asked has moved on.
    if (request?.link !== link) return;
    link.outstanding -= 1;
    if (reply.code === CODES.OK) {
      this.covers.served(request, link.hostId);
      this.requests.complete(request, reply);
    } else if (reply.code === CODES.DRAINING && link.state === 'leaving' && !request.cancelled) {
      this.crossedGoAway(request);
    } else if (request.inDoubt && !request.settles) {
      const why = `an attempt before this one may have been executed; this one: ${codeName(reply.code)}: ${reply.message}`;
      this.requests.complete(request, localReply(request.id, 'OUTCOME_UNKNOWN', why, request.attempt));
    } else {
      this.requests.complete(request, reply);
    }
    if (link.state === 'leaving' && link.outstanding === 0) this.connection.settled(link);
  }

  /** It was on its way when the host said GoAway, and was not executed there: it goes where the session goes. */
  private crossedGoAway(request: ClientRequest): void {
    request.link = null;
    if (request.inDoubt) {
      // An attempt before this one is still to be settled.
      this.doubt(request);
      this.doubts.judgeAll();
      return;
    }
    this.requests.waitsAgain(request);
    this.resend(request);
  }

  private answered(lane: Lane): void {
    if (lane.pending === 0 && lane.closing) this.laneClosed(lane);
    if (this.onIdle !== null && this.pending === 0) this.idle();
  }

  private idle(): void {
    const done = this.onIdle;
    this.onIdle = null;
    done?.();
  }
}

function errorCode(value: number): ErrorCode {
  const name = codeName(value);
  return name === 'OK' ? 'INTERNAL' : name;
}
