/**
 * The rows of one host at one device: for each tag the absolute counters that the exchange speaks of,
 * in columns by row number.
 *
 *   free ── open ──▶ open ── nothing waits, nothing at the device, all told ──▶ quiet
 *    ▲                ▲                                                           │
 *    │                └──────────────── the tag comes again ─────────────────────┤
 *    └──── the call that named it in `forget` is answered ◀── forgotten ◀── too many, or too long quiet
 *
 * A row that is told of in a call in flight may change meanwhile: it is dirty again then, and goes with
 * the next call. A call that is not answered makes all its rows dirty.
 */
import { SluiceError } from '../../core/model/errors.js';
import { NS_PER_US } from '../../core/model/units.js';
import type { FlowView } from '../../core/ports.js';
import { grown } from '../../core/scheduling/typed-growth.js';
import { HEAD_COSTS_MAX, type RowState } from './protocol.js';
import { RowList } from './row-list.js';

/** Most tags with something waiting, at the device or lately so, on one host at one device. */
export const ROWS_MAX = 262_144;
/** Most rows that one call tells of, but for those of a join that have something at the device. */
const ROWS_PER_CALL = 1_000;
/** Quiet rows kept for the next request of their tag. */
const QUIET_MAX = 1_024;
const NONE = -1;

const OPEN = 1;
const DIRTY = 2;
/** Stands in the ring of those with something waiting. Stays with the number, whatever row it becomes. */
const RINGED = 4;

export class RowTable {
  tags: string[] = [];
  /** The flow while it has a request waiting or at the device. */
  flows: (FlowView | undefined)[] = [];
  atDevice = new Int32Array(64);
  used = new Float64Array(64);
  handedBack = new Float64Array(64);
  advanced = new Float64Array(64);
  finished = new Float64Array(64);
  cost = new Float64Array(64);
  /** Backlog in the last call that told of it; NONE where the state has not opened it. */
  toldBacklog = new Int32Array(64);
  /** Since when it waits without a break. */
  untoldSinceNs = new Float64Array(64);
  /** Sequence of the call that first told of what waits. */
  toldByCall = new Float64Array(64);
  private toldCost = new Float64Array(64);
  private flags = new Uint8Array(64);
  private readonly ids = new Map<string, number>();
  private readonly free: number[] = [];
  private end = 0;
  private readonly quiet = new RowList();
  private dirty: number[] = [];
  /** Where the walk over `dirty` stands; what lies before is done with. */
  private dirtyAt = 0;
  private ring: number[] = [];
  private ringAt = 0;
  private forgotten: number[] = [];

  /** Rows that the state may know of. */
  get size(): number {
    return this.ids.size;
  }

  get anyDirty(): boolean {
    return this.dirtyAt < this.dirty.length;
  }

  get anyForgotten(): boolean {
    return this.forgotten.length > 0;
  }

  /**
   * The row of a flow that had nothing waiting or at the device.
   * @throws SluiceError QUEUE_FULL naming the bound
   */
  open(flow: FlowView): number {
    const known = this.ids.get(flow.tag);
    if (known !== undefined) {
      this.quiet.remove(known);
      this.flows[known] = flow;
      return known;
    }
    if (this.ids.size >= ROWS_MAX) {
      throw new SluiceError(
        'QUEUE_FULL',
        `a host holds at most ${String(ROWS_MAX)} tags of a device; tag ${JSON.stringify(flow.tag)} would pass that`,
      );
    }
    const row = this.free.pop() ?? this.end++;
    if (row >= this.flags.length) this.grow(this.flags.length * 2);
    this.ids.set(flow.tag, row);
    this.tags[row] = flow.tag;
    this.flows[row] = flow;
    this.flags[row] = (this.flags[row]! & RINGED) | OPEN;
    this.restart(row);
    this.cost[row] = 0;
    return row;
  }

  /** Something of the row changed that the state has to hear of. */
  touch(row: number): void {
    if ((this.flags[row]! & DIRTY) !== 0) return;
    this.flags[row]! |= DIRTY;
    this.dirty.push(row);
    this.quiet.remove(row);
  }

  /** Its backlog began then. */
  waitsSince(row: number, atNs: number): void {
    this.untoldSinceNs[row] = atNs;
    this.toldByCall[row] = NONE;
  }

  /** The row has something waiting. */
  enring(row: number): void {
    if ((this.flags[row]! & RINGED) !== 0) return;
    this.flags[row]! |= RINGED;
    this.ring.push(row);
  }

  get ringIsEmpty(): boolean {
    return this.ringAt === this.ring.length;
  }

  /** Takes out the row that has stood in the ring longest and has something waiting; NONE where there is none. */
  takeRinged(): number {
    while (this.ringAt < this.ring.length) {
      const row = this.ring[this.ringAt++]!;
      this.flags[row]! &= ~RINGED;
      if (this.ringAt > 1_024 && this.ringAt * 2 > this.ring.length) {
        this.ring = this.ring.slice(this.ringAt);
        this.ringAt = 0;
      }
      if (this.flows[row]?.head != null) return row;
    }
    this.ring.length = 0;
    this.ringAt = 0;
    return NONE;
  }

  /** Flows with something waiting. */
  waiting(): FlowView[] {
    const flows: FlowView[] = [];
    for (let row = 0; row < this.end; row++) {
      const flow = this.flows[row];
      if (flow?.head != null) flows.push(flow);
    }
    return flows;
  }

  /** What a call tells: rows that changed, at most ROWS_PER_CALL of them. The rest goes with the next. */
  takeDirty(callNumber: number, nowNs: number): RowState[] {
    const states: RowState[] = [];
    while (this.dirtyAt < this.dirty.length && states.length < ROWS_PER_CALL) {
      const row = this.dirty[this.dirtyAt++]!;
      if ((this.flags[row]! & DIRTY) === 0) continue;
      this.flags[row]! &= ~DIRTY;
      states.push(this.state(row, callNumber, nowNs));
    }
    if (this.dirtyAt === this.dirty.length) {
      this.dirty.length = 0;
      this.dirtyAt = 0;
    }
    return states;
  }

  /** What a call names as forgotten: until one is answered, every call names it. */
  takeForgotten(): number[] {
    return this.forgotten.slice(0, ROWS_PER_CALL);
  }

  /** A call was taken in: what it told is known, what it forgot is free. */
  answered(states: readonly RowState[], forgotten: readonly number[], nowNs: number): void {
    for (const { row, backlog, dispatchedCost } of states) {
      this.toldCost[row] = dispatchedCost;
      this.toldBacklog[row] = backlog;
      if (this.flows[row] === undefined && (this.flags[row]! & DIRTY) === 0) this.quiet.append(row, nowNs);
    }
    for (const row of forgotten) this.free.push(row);
    if (forgotten.length > 0) this.forgotten = this.forgotten.slice(forgotten.length);
  }

  /** Whether a call was taken in is not known. */
  unanswered(states: readonly RowState[]): void {
    for (const { row } of states) this.touch(row);
  }

  /** The state has not opened the row: its number is free once nothing of it is at the device. */
  refused(row: number): void {
    this.toldBacklog[row] = NONE;
    if (this.flows[row] !== undefined) return;
    this.quiet.remove(row);
    this.close(row);
    this.free.push(row);
  }

  /** Quiet rows that are too many, or quiet since before the time, are to be forgotten. */
  forgetQuiet(beforeNs: number): void {
    for (let row = this.quiet.first; row !== NONE; row = this.quiet.first) {
      if (this.quiet.size <= QUIET_MAX && this.quiet.sinceNs(row) >= beforeNs) return;
      this.quiet.remove(row);
      this.close(row);
      this.forgotten.push(row);
    }
  }

  /**
   * An epoch begins: what is at the device counts as advanced, costs that the state has not heard of as
   * dispatched, all else from 0. Rows with nothing to say are gone. Dirty first are those that a join must state.
   */
  restate(): void {
    for (const row of this.forgotten) this.free.push(row);
    this.forgotten = [];
    this.dirty = [];
    this.dirtyAt = 0;
    const later: number[] = [];
    for (let row = 0; row < this.end; row++) {
      if ((this.flags[row]! & OPEN) === 0) continue;
      this.flags[row]! &= ~DIRTY;
      const untold = this.cost[row]! - this.toldCost[row]!;
      if (this.flows[row] === undefined && untold === 0) {
        this.quiet.remove(row);
        this.close(row);
        this.free.push(row);
        continue;
      }
      this.restart(row);
      this.advanced[row] = this.atDevice[row]!;
      this.cost[row] = Math.max(0, untold);
      if (this.atDevice[row]! > 0) this.touch(row);
      else later.push(row);
    }
    for (const row of later) this.touch(row);
  }

  /** Rows of a join that go with it whatever their number: those with something at the device. */
  joinStates(callNumber: number, nowNs: number): RowState[] {
    const states: RowState[] = [];
    while (this.dirtyAt < this.dirty.length && this.atDevice[this.dirty[this.dirtyAt]!]! > 0) {
      const row = this.dirty[this.dirtyAt++]!;
      this.flags[row]! &= ~DIRTY;
      states.push(this.state(row, callNumber, nowNs));
    }
    states.push(...this.takeDirty(callNumber, nowNs));
    return states;
  }

  private state(row: number, callNumber: number, nowNs: number): RowState {
    const flow = this.flows[row];
    const headCosts: number[] = [];
    const headAgesUs: number[] = [];
    const backlog = flow === undefined ? 0 : flow.backlog;
    if (flow !== undefined && backlog > 0) {
      for (const request of flow.queued()) {
        headCosts.push(request.cost);
        headAgesUs.push(Math.max(0, Math.floor((nowNs - request.arrivedNs) / NS_PER_US)));
        if (headCosts.length === HEAD_COSTS_MAX) break;
      }
    }
    if (backlog > 0 && this.toldByCall[row]! < 0) this.toldByCall[row] = callNumber;
    const isNew = this.toldBacklog[row]! === NONE;
    const seen = this.used[row]! + this.handedBack[row]!;
    return {
      row,
      tag: isNew ? this.tags[row]! : '',
      backlog,
      headCosts,
      headAgesUs,
      seen,
      used: this.used[row]!,
      handedBack: this.handedBack[row]!,
      advanced: this.advanced[row]!,
      dispatchedCost: this.cost[row]!,
      finished: this.finished[row]!,
    };
  }

  private restart(row: number): void {
    this.used[row] = 0;
    this.handedBack[row] = 0;
    this.advanced[row] = 0;
    this.finished[row] = 0;
    this.toldCost[row] = 0;
    this.toldBacklog[row] = NONE;
    this.toldByCall[row] = NONE;
  }

  private close(row: number): void {
    this.ids.delete(this.tags[row]!);
    this.tags[row] = '';
    this.flags[row]! &= RINGED;
  }

  private grow(capacity: number): void {
    this.atDevice = grown(this.atDevice, capacity);
    this.used = grown(this.used, capacity);
    this.handedBack = grown(this.handedBack, capacity);
    this.advanced = grown(this.advanced, capacity);
    this.finished = grown(this.finished, capacity);
    this.cost = grown(this.cost, capacity);
    this.toldBacklog = grown(this.toldBacklog, capacity);
    this.untoldSinceNs = grown(this.untoldSinceNs, capacity);
    this.toldByCall = grown(this.toldByCall, capacity);
    this.toldCost = grown(this.toldCost, capacity);
    this.flags = grown(this.flags, capacity);
  }
}
