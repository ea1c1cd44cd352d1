/**
 * One device of one host: takes requests from doors, keeps them in flows, sends them as the gate
 * grants, and answers each exactly once.
 *
 *   submit ─ admission ─▶ flow ─ gate.arrived ─▶ … granted ─▶ device.submit ─▶ done
 *      │refused             │cancel, queue timeout               │io timeout     │
 *      ▼                    ▼                                    ▼               ▼
 *   sink.completed      sink.completed                     sink.completed   gate.finished, usage,
 *                                                                           sink.completed
 *
 * Invariants, whatever the order of events: a request is in exactly one of the states of IoState;
 * its sink is told once; a slot that was granted is given back once, by done or by the I/O timeout,
 * never by both; a refused or cancelled request is never charged.
 */
import { OPS, type DeviceIo, type Op } from './model/request.js';
import type { Code, ErrorCode } from './model/errors.js';
import { SluiceError } from './model/errors.js';
import type { DeviceSettings } from './model/device.js';
import type { UsageLedger } from './model/usage.js';
import { NS_PER_MS, NS_PER_US } from './model/units.js';
import type { BlockDevice, Clock, FlowView, Gate, IoObserver, Logger } from './ports.js';
import { checkAgainstDevice, checkBounds, queuedBytes, type Refusal } from './admission.js';
import { Flow } from './flow.js';
import { IdleFlows } from './idle-flows.js';
import { IoTimeouts } from './io-timeouts.js';
import { PendingIo } from './pending-io.js';
import { CacheHits } from './cache-hits.js';
import { ReadCache } from './read-cache.js';
import { QueueDeadlines } from './queue-deadlines.js';
import { splitQueueTime } from './queue-time.js';
import { costModel, type CostOf } from './scheduling/cost-model.js';
import { Split, pieceBytesOf } from './split.js';

/** Idle flows kept for their next request, so that a closed loop does not make one anew each time. */
const IDLE_FLOWS_MAX = 1_024;

export interface DispatcherParts {
  readonly name: string;
  readonly clock: Clock;
  readonly device: BlockDevice;
  readonly gate: Gate;
  readonly ledger: UsageLedger;
  readonly settings: DeviceSettings;
  readonly logger: Logger;
  readonly observer?: IoObserver | null;
}

export class Dispatcher {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #device: BlockDevice;
  readonly #gate: Gate;
  readonly #ledger: UsageLedger;
  readonly #logger: Logger;
  readonly #observer: IoObserver | null;
  #settings: DeviceSettings;
  #costOf: CostOf;

  readonly #flows = new Map<string, Flow>();
  readonly #idleFlows = new IdleFlows();
  readonly #deadlines: QueueDeadlines;
  readonly #outstanding: IoTimeouts;
  /** Requests past their I/O timeout that the device has not given back. */
  readonly #hung = new Set<PendingIo>();
  /** A request has passed its I/O timeout, and none has been served since. */
  #timingOut = false;
  #cache: ReadCache | null;
  readonly #hits: CacheHits;
  #queued = 0;
  #queuedBytes = 0;
  #sequence = 0;
  #drained: (() => void) | null = null;

  constructor(parts: DispatcherParts) {
    this.#name = parts.name;
    this.#clock = parts.clock;
    this.#device = parts.device;
    this.#gate = parts.gate;
    this.#ledger = parts.ledger;
    this.#logger = parts.logger;
    this.#observer = parts.observer ?? null;
    this.#settings = parts.settings;
    this.#costOf = costModel(parts.settings);
    this.#deadlines = new QueueDeadlines(parts.clock, this.#expired);
    this.#cache = this.#newCache();
    this.#hits = new CacheHits(parts.clock);
    this.#outstanding = new IoTimeouts(parts.clock, parts.settings.ioTimeoutMs * NS_PER_MS, this.#abandon);
    this.#gate.onRefused(this.#refused);
    this.#device.configure?.(parts.settings);
    this.#gate.onGranted(this.#granted);
  }

  get queued(): number {
    return this.#queued;
  }

  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** What the device says keeps it from serving; '' = nothing. */
  get trouble(): string {
    return this.#device.trouble ?? '';
  }

  /** Whether a request has passed its I/O timeout and not come back, or the device is in trouble. */
  get suspect(): boolean {
    return this.#hung.size > 0 || this.trouble !== '';
  }

  /** Takes a request over; its sink is told once. `tag` is checked and canonical. */
  submit(io: PendingIo, tag: string): void {
    const refusal = checkAgainstDevice(io, this.#device);
    if (refusal !== null) {
      this.#refuse(io, refusal);
      return;
    }
    const bytes = queuedBytes(io);
    const flow = this.#flow(tag);
    if (!(flow instanceof Flow)) {
      this.#refuse(io, flow);
      return;
    }
    if (io.op === OPS.READ && this.#cache?.serve(io) === true) {
      this.#hits.answer(io, flow);
      return;
    }
    const full = checkBounds(flow, bytes, this.#queued, this.#queuedBytes, this.#settings);
    if (full !== null) {
      this.#refuse(io, full);
      return;
    }
    const nowNs = this.#clock.nowNs();
    io.arrivedNs = nowNs;
    io.sequence = this.#sequence++;
    // A lease is for the whole: its client would not know what to do with a part.
    const piece = this.#device.leased === true ? Infinity : pieceBytesOf(io.op);
    if (io.lengthBytes > piece) io.split = new Split(io, piece);
    io.cost = this.#costOf(io.op, Math.min(io.lengthBytes, piece));
    io.state = 'queued';
    this.#idleFlows.remove(flow);
    if (flow.append(io, bytes)) this.#newHead(flow, nowNs);
    this.#queued += 1;
    this.#queuedBytes += bytes;
    if (io.queueTimeoutNs > 0) this.#deadlines.add(io, nowNs);
    try {
      this.#gate.arrived(flow, io);
    } catch (error) {
      // Only a refusal by the gate leaves the request where it was; anything else is a defect.
      if (!(error instanceof SluiceError) || io.flow !== flow || flow.tail !== io) throw error;
      this.#leaveQueue(io, flow);
      this.#noteIdle(flow);
      this.#refuse(io, error);
    }
  }

  /** True where the request was queued: it is then answered CANCELLED and charged nothing. */
  cancel(io: PendingIo): boolean {
    return this.#takeBack(io, 'CANCELLED', 'cancelled while queued');
  }

  /** New settings, in force at once, for queued requests too; what is queued keeps its cost. */
  configure(settings: DeviceSettings): void {
    const { readCacheBytes } = this.#settings;
    this.#settings = settings;
    if (settings.readCacheBytes !== readCacheBytes) this.#renewCache();
    this.#costOf = costModel(settings);
    this.#device.configure?.(settings);
    this.#gate.configure(settings);
    this.#outstanding.setTimeoutNs(settings.ioTimeoutMs * NS_PER_MS);
  }

  sharesChanged(tag: string): void {
    this.#gate.sharesChanged(tag);
  }

  /** Resolves when nothing waits and nothing is outstanding. */
  idle(): Promise<void> {
    if (this.#queued === 0 && this.#outstanding.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const earlier = this.#drained;
      this.#drained = () => {
        earlier?.();
        resolve();
      };
    });
  }

  /** Answers all that waits with the code; what is outstanding completes. */
  cancelQueued(code: 'CANCELLED' | 'DRAINING', message: string): void {
    for (const flow of [...this.#flows.values()]) {
      for (const io of [...flow.queued()]) this.#takeBack(io, code, message);
    }
  }

  close(): void {
    this.cancelQueued('DRAINING', `device ${this.#name} is closing`);
    this.#deadlines.close();
    this.#outstanding.close();
    this.#gate.close();
  }

  readonly #granted = (view: FlowView, atNs: number, coordinationNs: number): void => {
    if (!(view instanceof Flow) || view.head === null) {
      throw new Error(`the gate granted to tag ${view.tag}, which has nothing waiting`);
    }
    const flow = view;
    const io = view.head;
    const startNs = Math.max(atNs, io.arrivedNs);
    if (io.split === null || io.split.untouched) {
      splitQueueTime(io, flow, startNs, coordinationNs);
      this.#deadlines.remove(io);
    }
    if (io.split === null) {
      this.#leaveQueue(io, flow, startNs);
      this.#send(io, flow, startNs);
      return;
    }
    const { split } = io;
    if (split.untouched) io.submittedNs = startNs;
    const piece = split.nextPiece();
    // Before the piece is sent, since it may come back within the call: the next one asks for its turn.
    if (split.allSent) this.#leaveQueue(io, flow, startNs);
    else this.#gate.arrived(flow, io);
    this.#send(piece, flow, startNs);
  };

  #send(io: PendingIo, flow: Flow, startNs: number): void {
    io.state = 'outstanding';
    io.flow = flow;
    io.submittedNs = startNs;
    flow.outstanding += 1;
    this.#outstanding.add(io);
    this.#cache?.sent(io);
    this.#device.submit(io, this.#done);
  }

  readonly #done = (deviceIo: DeviceIo, code: Code, message: string): void => {
    const io = deviceIo;
    if (!(io instanceof PendingIo)) throw new Error(`device ${this.#name} gave back what it was not given`);
    if (io.state === 'completed') {
      this.#hung.delete(io);
      this.#cache?.back(io, false);
      io.sink.returned?.(io);
      return;
    }
    this.#cache?.back(io, code === 'OK');
    this.#finish(io, code, message, io.finishedNs);
    if (this.#timingOut && code === 'OK') {
      this.#timingOut = false;
      this.#logger.info({ device: this.#name, hung: this.#hung.size }, 'the device serves again');
    }
  };

  #finish(io: PendingIo, code: Code, message: string, finishedNs: number): void {
    const flow = io.flow!;
    this.#outstanding.remove(io);
    flow.outstanding -= 1;
    io.serviceNs = finishedNs - io.submittedNs;
    io.code = code;
    io.message = message;
    io.charged = io.cost;
    io.state = 'completed';
    this.#gate.finished(flow, io, finishedNs, io.serviceNs);
    if (io.split === null) this.#answerServed(io, flow, finishedNs);
    else this.#pieceDone(io, io.split, flow, finishedNs);
    this.#noteIdle(flow);
    if (this.#drained !== null) this.#noteDrained();
  }

  #pieceDone(piece: PendingIo, split: Split, flow: Flow, finishedNs: number): void {
    const { request } = split;
    request.charged += piece.cost;
    split.returned(piece.code, piece.message);
    if (split.code !== 'OK' && request.state === 'queued') {
      split.stop();
      this.#leaveQueue(request, flow);
      this.#gate.cancelled(flow, request);
    }
    if (!split.allDone) return;
    request.code = split.code;
    request.message = split.message;
    request.serviceNs = finishedNs - request.submittedNs;
    request.state = 'completed';
    this.#answerServed(request, flow, finishedNs);
  }

  #answerServed(io: PendingIo, flow: Flow, atNs: number): void {
    const { op, lengthBytes, charged, queueNs, serviceNs } = io;
    flow.account.record(op, lengthBytes, charged, io.code !== 'OK', false, queueNs, serviceNs, atNs);
    if (this.#observer !== null) this.#observer.served(this.#name, flow.tag, io);
    io.sink.completed(io);
  }

  #refuse(io: PendingIo, refusal: Refusal): void {
    io.state = 'completed';
    io.code = refusal.code;
    io.message = refusal.message;
    io.sink.completed(io);
  }

  #takeBack(io: PendingIo, code: ErrorCode, message: string): boolean {
    if (io.state !== 'queued' || (io.split !== null && !io.split.untouched)) return false;
    const flow = io.flow!;
    const nowNs = this.#clock.nowNs();
    if (flow.head === io) splitQueueTime(io, flow, nowNs, 0);
    else io.behindOwnNs = nowNs - io.arrivedNs;
    this.#leaveQueue(io, flow, nowNs);
    this.#gate.cancelled(flow, io);
    io.state = 'completed';
    io.code = code;
    io.message = message;
    this.#noteIdle(flow);
    io.sink.completed(io);
    if (this.#drained !== null) this.#noteDrained();
    return true;
  }

  /** The request leaves its flow and the bounds it counted towards. */
  #leaveQueue(io: PendingIo, flow: Flow, nowNs = this.#clock.nowNs()): void {
    const bytes = queuedBytes(io);
    this.#deadlines.remove(io);
    if (flow.remove(io, bytes) && flow.head !== null) this.#newHead(flow, nowNs);
    this.#queued -= 1;
    this.#queuedBytes -= bytes;
    if (io.split !== null) io.state = 'outstanding';
  }

  #newHead(flow: Flow, nowNs: number): void {
    flow.headSinceNs = nowNs;
    flow.passedOverNs = -1;
  }

  /** The flow of a tag, made where there is none; the refusal where there can be no more of them. */
  #flow(tag: string): Flow | Refusal {
    const known = this.#flows.get(tag);
    if (known !== undefined) return known;
    try {
      const flow = new Flow(tag, this.#ledger.account(tag));
      this.#flows.set(tag, flow);
      this.#idleFlows.add(flow);
      this.#dropIdleFlows();
      return flow;
    } catch (error) {
      return SluiceError.from(error);
    }
  }

  #noteIdle(flow: Flow): void {
    if (flow.backlog > 0 || flow.outstanding > 0) return;
    this.#idleFlows.add(flow);
    this.#dropIdleFlows();
  }

  #dropIdleFlows(): void {
    if (this.#idleFlows.size <= IDLE_FLOWS_MAX) return;
    const oldest = this.#idleFlows.takeOldest();
    if (oldest !== null) this.#flows.delete(oldest.tag);
  }

  #newCache(): ReadCache | null {
    const { readCacheBytes } = this.#settings;
    return readCacheBytes === 0 || this.#device.leased === true
      ? null
      : new ReadCache(readCacheBytes, this.#device.blockBytes);
  }

  /** Of reads that are out already it takes nothing: changes may have come back since they were sent. */
  #renewCache(): void {
    this.#cache = this.#newCache();
    for (const io of [...this.#outstanding.all(), ...this.#hung]) if (io.op !== OPS.READ) this.#cache?.sent(io);
  }

  #noteDrained(): void {
    if (this.#queued > 0 || this.#outstanding.size > 0) return;
    const drained = this.#drained;
    this.#drained = null;
    drained?.();
  }

  readonly #refused = (view: FlowView, code: ErrorCode, message: string): void => {
    if (!(view instanceof Flow)) throw new Error(`the gate refused tag ${view.tag}, which is no flow of this device`);
    for (const io of [...view.queued()]) this.#takeBack(io, code, message);
  };

  readonly #expired = (io: PendingIo): void => {
    this.#takeBack(io, 'DEADLINE_EXCEEDED', `queue_timeout_us (${io.queueTimeoutNs / NS_PER_US}) passed in queue`);
  };

  /** The slot is freed and the request answered; should the device give it back later, that is ignored. */
  readonly #abandon = (io: PendingIo, nowNs: number): void => {
    this.#hung.add(io);
    // A change may be executed still: its blocks stay uncertain until the device gives it back.
    if (io.op === OPS.READ) this.#cache?.back(io, false);
    io.abandoned = true;
    if (!this.#timingOut) {
      this.#timingOut = true;
      this.#logger.warn(
        {
          device: this.#name,
          op: io.op,
          offset: io.offset,
          lengthBytes: io.lengthBytes,
          ioTimeoutMs: this.#settings.ioTimeoutMs,
        },
        'a request passed its I/O timeout: the device is suspect',
      );
    }
    const what = writes(io.op)
      ? 'timed out at the device; whether it was executed is not known'
      : 'timed out at the device';
    this.#finish(io, 'DEVICE_IO', `${what} (io_timeout_ms ${String(this.#settings.ioTimeoutMs)})`, nowNs);
    this.#device.abandon?.(io);
  };
}

function writes(op: Op): boolean {
  return op !== OPS.READ && op !== OPS.FLUSH;
}
