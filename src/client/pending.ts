/** The requests that are not answered yet: taken within bounds, found by id, answered once. */
import { SluiceError, type ErrorCode } from '../core/model/errors.js';
import { OPS, type Op } from '../core/model/request.js';
import { NS_PER_US } from '../core/model/units.js';
import { localReply } from './answers.js';
import type { Lane } from './lane.js';
import { QueueDeadlines } from './queue-deadlines.js';
import { ClientRequest, RequestTable, type IoReply, type ReplySink } from './request.js';
import type { Clock } from './world.js';

export interface PendingOptions {
  readonly maxPendingRequests: number;
  readonly maxPendingBytes: number;
}

const NO_DATA = new Uint8Array(0);
/** Request objects kept for the next ones. */
const SPARE_MAX = 4_096;

export class Pending {
  readonly table = new RequestTable();
  readonly deadlines: QueueDeadlines;
  private readonly options: PendingOptions;
  private readonly clock: Clock;
  private readonly raise: (error: unknown) => void;
  /** Told after each answer. */
  private readonly answered: (lane: Lane) => void;
  private readonly spare: ClientRequest[] = [];
  private bytes = 0;

  constructor(options: PendingOptions, clock: Clock, raise: (error: unknown) => void, answered: (lane: Lane) => void) {
    this.options = options;
    this.clock = clock;
    this.raise = raise;
    this.answered = answered;
    this.deadlines = new QueueDeadlines(clock, (nowNs) => this.sweep(nowNs));
  }

  /** Takes a request and puts it at the end of its lane. @throws SluiceError QUEUE_FULL */
  add(
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
  ): ClientRequest {
    const payloadBytes = op === OPS.READ || op === OPS.WRITE ? length : 0;
    this.checkRoom(payloadBytes);
    const request = this.spare.pop() ?? new ClientRequest();
    request.handle = lane.handle;
    request.op = op;
    request.offset = offset;
    request.length = length;
    request.data = data ?? NO_DATA;
    request.fua = fua;
    request.queueTimeoutUs = queueTimeoutUs;
    request.tag = tag;
    request.lane = lane;
    request.sink = sink;
    request.token = token;
    request.payloadBytes = payloadBytes;
    request.renew();
    this.table.add(request);
    this.bytes += payloadBytes;
    lane.pending += 1;
    lane.waiting.push(request);
    if (queueTimeoutUs !== 0) {
      request.deadlineNs = this.clock.nowNs() + queueTimeoutUs * NS_PER_US;
      this.deadlines.watch(request.deadlineNs);
    }
    return request;
  }

  /** Hands the request its answer; the object serves another from then on. */
  complete(request: ClientRequest, reply: IoReply): void {
    const { sink, token } = request;
    const lane = request.lane!;
    request.list?.remove(request);
    this.table.delete(request);
    this.bytes -= request.payloadBytes;
    request.clear();
    if (this.spare.length < SPARE_MAX) this.spare.push(request);
    try {
      sink.replied(token, reply);
    } catch (error) {
      this.raise(error);
    }
    lane.pending -= 1;
    this.answered(lane);
  }

  answer(request: ClientRequest, code: ErrorCode, message: string): void {
    this.complete(request, localReply(request.id, code, message, request.attempt));
  }

  /** Answers what is not out on a stream: with the code, or OUTCOME_UNKNOWN where an attempt may have been executed. */
  fail(request: ClientRequest, code: ErrorCode, message: string): void {
    this.answer(request, request.inDoubt ? 'OUTCOME_UNKNOWN' : code, message);
  }

  failIds(ids: readonly number[], code: ErrorCode, message: string): void {
    for (const id of ids) {
      const request = this.table.get(id);
      if (request !== null) this.fail(request, code, message);
    }
  }

  failAll(test: (request: ClientRequest) => boolean, code: ErrorCode, message: string): void {
    this.failIds(this.table.selectIds(test), code, message);
  }

  /** It waits in the client again: its queue timeout counts here. */
  waitsAgain(request: ClientRequest): void {
    if (request.deadlineNs !== 0) this.deadlines.watch(request.deadlineNs);
  }

  private checkRoom(payloadBytes: number): void {
    const { maxPendingRequests, maxPendingBytes } = this.options;
    if (this.table.count >= maxPendingRequests) {
      const bound = `max_pending_requests (${String(maxPendingRequests)})`;
      throw new SluiceError('QUEUE_FULL', `${bound} are pending in the client`);
    }
    if (this.bytes + payloadBytes > maxPendingBytes) {
      const bound = `max_pending_bytes (${String(maxPendingBytes)})`;
      throw new SluiceError('QUEUE_FULL', `${String(payloadBytes)} more bytes would exceed ${bound} in the client`);
    }
  }

  /** Answers what waited too long; the earliest deadline left, 0 = none. */
  private sweep(nowNs: number): number {
    // One in doubt that changes the device is worth more than its deadline: its outcome can still be learnt.
    const bound = (each: ClientRequest): boolean => each.link === null && each.deadlineNs !== 0 && !each.inDoubt;
    const overdue = (each: ClientRequest): boolean => bound(each) && each.deadlineNs <= nowNs;
    this.failAll(overdue, 'DEADLINE_EXCEEDED', 'its queue timeout passed in the client');
    let nextNs = 0;
    for (const { deadlineNs } of this.table.select(bound)) {
      if (nextNs === 0 || deadlineNs < nextNs) nextNs = deadlineNs;
    }
    return nextNs;
  }
}
