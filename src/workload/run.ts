/**
 * Drives a target with the requests of several tags and counts what comes back.
 *
 *   closed loop   a tag keeps N requests outstanding; a reply makes room for the next, after the
 *                 think time if there is one
 *   open loop     requests go out at their times, whatever has come back; with outstandingMax out,
 *                 the next waits for a reply and is counted as late
 *
 * The run ends when every tag has ended (its source is empty, its number of requests is out, or a
 * stop rule held) and every reply is in. Virtual and real clock alike; no promise, no closure a request.
 */
import { OPS } from '../core/model/request.js';
import type { Op } from '../core/model/request.js';
import { NS_PER_MS, NS_PER_S } from '../core/model/units.js';
import type { Clock, Timer } from '../core/ports.js';
import { Latencies } from './latency.js';
import type { RequestSource } from './request-source.js';
import { ShareMeter } from './share-meter.js';
import type { Contention } from './share-meter.js';
import type { Target, TargetSink } from './target.js';
import { Slots } from './slots.js';

export type Pace =
  | { readonly kind: 'closed'; readonly outstanding: number; readonly thinkNs: number }
  | { readonly kind: 'open'; readonly outstandingMax: number };

export interface TagRun {
  readonly source: RequestSource;
  readonly pace: Pace;
  /** Most requests that it issues; 0: no bound. */
  readonly requestsMax: number;
}

/** Over a network: longer than replies are late. */
export const NETWORK_WARMUP_NS = 100 * NS_PER_MS;

export interface StopRules {
  /** Stop issuing after so long; 0: no bound. */
  readonly seconds: number;
  /** Stop issuing once every tag has been charged so much; 0: no bound. */
  readonly untilCost: number;
}

/** What came back for one tag. */
export class TagCounts {
  ops = 0;
  reads = 0;
  writes = 0;
  bytes = 0;
  readBytes = 0;
  writeBytes = 0;
  errors = 0;
  cost = 0;
  /** Open loop: issued after their time because too many were outstanding. */
  late = 0;
  firstError = '';
  readonly queue = new Latencies();
  readonly service = new Latencies();
}

/** A target that answers at once is given back the turn after so many, so that tags take turns. */
const ISSUES_A_TURN = 256;
/** So many failures of a tag with nothing served between them: nothing will come of it. */
const FAILURES_IN_ROW_MAX = 1_000;

class TagState {
  readonly index: number;
  readonly run: TagRun;
  readonly counts = new TagCounts();
  outstanding = 0;
  thinking = 0;
  issued = 0;
  ended = false;
  pumping = false;
  failuresInRow = 0;
  /** Open loop: the source stands at a request that has not gone out. */
  loaded = false;
  blocked = false;
  timer: Timer | null = null;
  wake: () => void = () => undefined;
  thought: () => void = () => undefined;

  constructor(index: number, run: TagRun) {
    this.index = index;
    this.run = run;
  }
}

export class WorkloadRun implements TargetSink {
  readonly #clock: Clock;
  readonly #target: Target;
  readonly #tags: readonly TagState[];
  readonly #stop: StopRules;
  readonly #slots = new Slots();
  readonly #onEnd: () => void;
  readonly #warmupNs: number;
  #meter: ShareMeter | null = null;
  #startNs = 0;
  #endNs = 0;
  #outstanding = 0;
  #completed = 0;
  #stopped = false;
  #started = false;
  #over = false;
  #belowCost = 0;
  #stopTimer: Timer | null = null;
  #givenUp = '';

  /**
   * @param onEnd told once, when all is in
   * @param warmupNs see ShareMeter
   */
  constructor(clock: Clock, target: Target, tags: readonly TagRun[], stop: StopRules, onEnd: () => void, warmupNs = 0) {
    this.#clock = clock;
    this.#target = target;
    this.#tags = tags.map((run, index) => new TagState(index, run));
    this.#stop = stop;
    this.#onEnd = onEnd;
    this.#warmupNs = warmupNs;
    this.#belowCost = tags.length;
  }

  get counts(): readonly TagCounts[] {
    return this.#tags.map(({ counts }) => counts);
  }

  /** Ends the measurement of shares; once, after the end of the run. */
  contention(): Contention {
    return (
      this.#meter?.finish(this.#stopped ? this.#endNs : Infinity) ?? { contendedNs: 0, cost: this.#tags.map(() => 0) }
    );
  }

  get completed(): number {
    return this.#completed;
  }

  /** From the start until issuing was stopped, or, where nothing stopped it, until the last reply. */
  get durationNs(): number {
    return this.#endNs - this.#startNs;
  }

  /** Why it stopped before its time; '' where it did not. */
  get givenUp(): string {
    return this.#givenUp;
  }

  start(): void {
    this.#startNs = this.#clock.nowNs();
    this.#endNs = this.#startNs;
    this.#meter = new ShareMeter(this.#tags.length, this.#startNs, this.#warmupNs);
    if (this.#stop.seconds > 0) {
      this.#stopTimer = this.#clock.after(this.#stop.seconds * NS_PER_S, () => this.stop());
    }
    for (const tag of this.#tags) {
      tag.wake = () => {
        tag.timer = null;
        this.#go(tag);
      };
      tag.thought = () => {
        tag.thinking--;
        this.#go(tag);
      };
    }
    for (const tag of this.#tags) this.#go(tag);
    this.#started = true;
    this.#endIfOver();
  }

  /** Issues nothing more; the run ends when what is out has come back. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#endNs = this.#clock.nowNs();
    this.#stopTimer?.cancel();
    for (const tag of this.#tags) {
      tag.timer?.cancel();
      tag.timer = null;
      tag.ended = true;
    }
    this.#endIfOver();
  }

  replied(token: number, atNs: number, cost: number, queueNs: number, serviceNs: number, error: string): void {
    const slots = this.#slots;
    const tag = this.#tags[slots.tag[token]!]!;
    this.#count(tag, slots.op[token]! as Op, slots.lengthBytes[token]!, cost, error);
    slots.give(token);
    if (!this.#stopped && atNs > this.#endNs) this.#endNs = atNs;
    if (error === '') {
      tag.counts.queue.record(queueNs);
      tag.counts.service.record(serviceNs);
      this.#meter!.record(tag.index, atNs, queueNs, serviceNs, cost);
    }
    tag.outstanding--;
    this.#outstanding--;
    this.#completed++;
    this.#next(tag);
    if (this.#outstanding === 0) this.#endIfOver();
  }

  #count(tag: TagState, op: Op, lengthBytes: number, cost: number, error: string): void {
    const { counts } = tag;
    const before = counts.cost;
    counts.ops++;
    counts.cost += cost;
    if (op === OPS.READ) counts.reads++;
    else if (op === OPS.WRITE) counts.writes++;
    if (error === '') {
      tag.failuresInRow = 0;
      counts.bytes += lengthBytes;
      if (op === OPS.READ) counts.readBytes += lengthBytes;
      else if (op === OPS.WRITE) counts.writeBytes += lengthBytes;
    } else {
      if (counts.errors++ === 0) counts.firstError = error;
      if (++tag.failuresInRow === FAILURES_IN_ROW_MAX) {
        this.#givenUp = `${String(FAILURES_IN_ROW_MAX)} requests of one tag failed in a row, the last with: ${error}`;
        this.stop();
      }
    }
    const { untilCost } = this.#stop;
    if (untilCost > 0 && before < untilCost && counts.cost >= untilCost && --this.#belowCost === 0) this.stop();
  }

  #next(tag: TagState): void {
    const { pace } = tag.run;
    if (pace.kind === 'closed' && pace.thinkNs > 0 && !tag.ended) {
      tag.thinking++;
      this.#clock.after(pace.thinkNs, tag.thought);
    } else if (pace.kind === 'closed' || tag.blocked) this.#go(tag);
  }

  #go(tag: TagState): void {
    // A target that answers within issue comes back here from inside the loop below.
    if (tag.pumping || tag.ended) return;
    tag.pumping = true;
    if (tag.run.pace.kind === 'closed') this.#fill(tag, tag.run.pace.outstanding);
    else this.#due(tag, tag.run.pace.outstandingMax);
    tag.pumping = false;
    if (this.#outstanding === 0) this.#endIfOver();
  }

  #fill(tag: TagState, outstanding: number): void {
    let issues = 0;
    // stop() may come from a reply inside issue.
    while (!tag.ended && tag.outstanding + tag.thinking < outstanding) {
      if (issues++ === ISSUES_A_TURN + outstanding) {
        tag.timer ??= this.#clock.after(0, tag.wake);
        return;
      }
      if (!this.#load(tag)) return;
      this.#issue(tag);
    }
  }

  #due(tag: TagState, outstandingMax: number): void {
    const { source } = tag.run;
    while (!tag.ended && this.#load(tag)) {
      const waitNs = this.#startNs + source.dueNs - this.#clock.nowNs();
      if (waitNs > 0) {
        tag.timer ??= this.#clock.after(waitNs, tag.wake);
        return;
      }
      if (tag.outstanding >= outstandingMax) {
        if (!tag.blocked) tag.counts.late++;
        tag.blocked = true;
        return;
      }
      tag.blocked = false;
      this.#issue(tag);
    }
  }

  /** Makes the source stand at a request to issue; false, and the tag's end, where there is none. */
  #load(tag: TagState): boolean {
    if (tag.loaded) return true;
    const { requestsMax, source } = tag.run;
    tag.loaded = (requestsMax === 0 || tag.issued < requestsMax) && source.next();
    if (!tag.loaded) tag.ended = true;
    return tag.loaded;
  }

  #issue(tag: TagState): void {
    const { op, offset, lengthBytes } = tag.run.source;
    tag.loaded = false;
    tag.issued++;
    tag.outstanding++;
    this.#outstanding++;
    this.#target.issue(tag.index, op, offset, lengthBytes, this.#slots.take(tag.index, op, lengthBytes));
  }

  #endIfOver(): void {
    if (this.#over || !this.#started || this.#outstanding > 0) return;
    for (const tag of this.#tags) if (!tag.ended) return;
    this.#over = true;
    this.#stopTimer?.cancel();
    this.#onEnd();
  }
}
