/**
 * `cfq`: the scheduler that the paper compares with, after the rules of Linux 3.2, for synchronous requests of the
 * best-effort class (QEMU's were: reads, and writes that go through).
 *
 *   queues with an idle window   ── tree "idling":  one after the other, a time slice each, longer with higher
 *                                   priority; when one has nothing to send, the disk waits up to 8 ms for it
 *   queues that seek, or think   ── tree "no-idle": one after the other, none waited for but the last: what each
 *                                   has is sent, and the next one is asked
 *
 * So a process that reads here and there with one request out is never waited for: all such processes'
 * requests come to the disk together, and the order among them is the disk's. Priority then moves only the place
 * at which a queue comes back in (`key`).
 *
 * Left out: sorting by sector within a queue (a flow is first come, first served here), cooperating queues, cgroups,
 * real-time and idle classes, asynchronous queues.
 */
import type { RequestView } from '../../model/request.js';
import type { AlgorithmFactory, Next, SchedulingAlgorithm } from '../algorithm.js';
import { GrantAnswer, IDLE } from '../answers.js';
import { LEAVES_MAX, LeafTable } from '../leaf-table.js';
import { CFQ, sliceNs } from './cfq-parameters.js';
import { CfqQueue } from './cfq-queue.js';
import type { Tree } from './cfq-queue.js';

/** CFQ's priority of a tag, 0 (highest) to 7. */
export type PriorityOf = (tag: string) => number;

const TREES = ['idling', 'no-idle'] as const;

class CfqLeaves extends LeafTable {
  readonly queues: CfqQueue[] = [];
  private readonly priorityOf: PriorityOf;

  constructor(priorityOf: PriorityOf, leavesMax: number) {
    super(leavesMax);
    this.priorityOf = priorityOf;
  }

  protected override made(leaf: number, tag: string): void {
    this.queues[leaf] = new CfqQueue(this.priorityOf(tag));
  }

  /** What it has learnt of a process it keeps while the process lives: here, for good. */
  protected override mayForget(): boolean {
    return false;
  }
}

const NONE = -1;

export class CfqAlgorithm implements SchedulingAlgorithm {
  private readonly leaves: CfqLeaves;
  private readonly answer = new GrantAnswer();
  private readonly waitAnswer = { kind: 'wait' as const, untilNs: 0 };
  /** The queue whose turn it is; its tree, and until when that tree's turn lasts. */
  private active = NONE;
  private serving: Tree = 'idling';
  private servingUntilNs = 0;
  /** Until when the active queue is waited for with the disk idle; 0: it is not. */
  private idleUntilNs = 0;

  constructor(priorityOf: PriorityOf, leavesMax = LEAVES_MAX) {
    this.leaves = new CfqLeaves(priorityOf, leavesMax);
  }

  open(tag: string, nowNs: number, last?: number): number {
    return this.leaves.open(tag, nowNs, last);
  }

  arrived(leaf: number, request: RequestView, nowNs: number): void {
    const queue = this.queue(leaf);
    this.leaves.touch(leaf);
    this.leaves.backlog[leaf]! += 1;
    queue.learn(request, nowNs);
    queue.queued += 1;
    if (queue.tree === null) this.join(queue, nowNs);
    if (leaf === this.active) this.idleUntilNs = 0;
    else if (this.preempts(queue, nowNs)) {
      this.expire(nowNs, true);
      queue.key = -Infinity;
    }
  }

  cancelled(leaf: number, _request: RequestView, nowNs: number): void {
    const queue = this.queue(leaf);
    this.leaves.backlog[leaf]! -= 1;
    queue.queued -= 1;
    if (queue.queued === 0 && leaf !== this.active) queue.tree = null;
    if (queue.queued === 0 && leaf === this.active && queue.dispatched === 0) this.expire(nowNs, false);
  }

  next(nowNs: number): Next {
    const leaf = this.select(nowNs);
    if (leaf === NONE) {
      if (this.idleUntilNs === 0) return IDLE;
      this.waitAnswer.untilNs = this.idleUntilNs;
      return this.waitAnswer;
    }
    const queue = this.queue(leaf);
    if (!this.mayDispatch(queue, nowNs)) return IDLE;
    queue.queued -= 1;
    queue.dispatched += 1;
    this.leaves.backlog[leaf]! -= 1;
    this.leaves.outstanding[leaf]! += 1;
    this.answer.leaf = leaf;
    return this.answer;
  }

  finished(leaf: number, _request: RequestView, _latencyNs: number, nowNs: number): void {
    const queue = this.queue(leaf);
    this.leaves.outstanding[leaf]! -= 1;
    queue.dispatched -= 1;
    queue.finished(nowNs);
    if (leaf !== this.active) return;
    if (queue.sliceNew) this.beginSlice(queue, nowNs);
    if (queue.sliceUsed(nowNs)) this.expire(nowNs, true);
    else if (queue.queued === 0) this.waitFor(queue, nowNs);
  }

  handBack(leaf: number): void {
    this.leaves.outstanding[leaf]! -= 1;
    this.queue(leaf).dispatched -= 1;
  }

  sharesChanged(): void {
    /* Knows priorities, which are given when it is made. */
  }

  configure(): void {
    /* Its parameters are not a device's. */
  }

  private queue(leaf: number): CfqQueue {
    return this.leaves.queues[leaf]!;
  }

  /** The queue that may send; NONE where the disk waits: for the active queue, or with nothing to do. */
  private select(nowNs: number): number {
    if (this.active !== NONE) {
      const queue = this.queue(this.active);
      if (!queue.sliceUsed(nowNs)) {
        if (queue.queued > 0) return this.active;
        if (this.idleUntilNs > nowNs) return NONE;
        if (this.idleUntilNs > 0) queue.deep = false;
        // Half of the slice is left and all is served: this disk is fast enough not to wait for one who seeks.
        const early = queue.sliceNew || queue.sliceEndNs - nowNs > nowNs - queue.sliceStartNs;
        if (queue.seeky && queue.idleWindow && early) {
          queue.deep = false;
          queue.idleWindow = false;
        }
        if (this.idleUntilNs === 0 && queue.dispatched > 0 && this.isWaitedFor(queue)) return NONE;
      }
      this.expire(nowNs, this.idleUntilNs > 0);
    }
    this.chooseTree(nowNs);
    this.active = this.first(this.serving);
    if (this.active !== NONE) {
      const queue = this.queue(this.active);
      queue.sliceNew = true;
      this.idleUntilNs = 0;
    }
    return this.active;
  }

  private mayDispatch(queue: CfqQueue, nowNs: number): boolean {
    if (queue.dispatched < CFQ.quantum / 2) return true;
    const busy = this.busy();
    if (busy === 1) return true;
    // Near the end of its slice no more than half the quantum.
    const soonUsed = queue.sliceNew || nowNs + CFQ.idleNs * queue.dispatched > queue.sliceEndNs;
    return !soonUsed && queue.dispatched < CFQ.quantum;
  }

  /** Whether the disk is to stay idle for it: it has the window, or is the last of its tree. */
  private isWaitedFor(queue: CfqQueue): boolean {
    if (queue.idleWindow) return true;
    const slow = queue.thinkKnown && queue.thinkMeanNs > CFQ.idleNs;
    return this.count(queue.tree) === 1 && !slow;
  }

  private waitFor(queue: CfqQueue, nowNs: number): void {
    if (!this.isWaitedFor(queue) || queue.dispatched > 0) return;
    if (queue.thinkKnown && queue.sliceEndNs - nowNs < queue.thinkMeanNs) return;
    this.idleUntilNs = nowNs + CFQ.idleNs;
  }

  /** A newcomer of the no-idle tree goes ahead where the disk idles for the only other one there. */
  private preempts(queue: CfqQueue, nowNs: number): boolean {
    if (this.active === NONE) return false;
    const active = this.queue(this.active);
    if (active.sliceUsed(nowNs)) return true;
    return this.serving === 'no-idle' && queue.tree === 'no-idle' && active.queued === 0 && this.count('no-idle') === 2;
  }

  private beginSlice(queue: CfqQueue, nowNs: number): void {
    const whole = sliceNs(queue.priority);
    const busy = Math.max(1, this.busy());
    const together = busy * CFQ.sliceNs;
    const least = Math.min(whole, (2 * CFQ.idleNs * whole) / CFQ.sliceNs);
    const cut = together > CFQ.targetNs ? Math.max((whole * CFQ.targetNs) / together, least) : whole;
    queue.sliceNew = false;
    queue.sliceStartNs = nowNs;
    queue.sliceEndNs = nowNs + cut;
  }

  /** The active queue's turn is over. @param timedOut it keeps what it had left for its next place */
  private expire(nowNs: number, timedOut: boolean): void {
    if (this.active === NONE) return;
    const queue = this.queue(this.active);
    queue.residueNs = !timedOut ? 0 : queue.sliceNew ? sliceNs(queue.priority) : queue.sliceEndNs - nowNs;
    this.active = NONE;
    this.idleUntilNs = 0;
    queue.tree = null;
    if (queue.queued > 0) this.join(queue, nowNs);
  }

  /** Takes its place: later by what its slice is shorter than the highest priority's, times the others. */
  private join(queue: CfqQueue, nowNs: number): void {
    const offset = Math.max(0, this.busy() - 1) * (sliceNs(0) - sliceNs(queue.priority));
    queue.tree = queue.idleWindow ? 'idling' : 'no-idle';
    queue.key = nowNs + offset - queue.residueNs;
    queue.residueNs = 0;
  }

  /** When the turn of the tree being served is over, that with the earliest queue has its own. */
  private chooseTree(nowNs: number): void {
    if (this.count(this.serving) > 0 && nowNs <= this.servingUntilNs) return;
    let earliest = Infinity;
    for (const tree of TREES) {
      const first = this.first(tree);
      if (first === NONE || this.queue(first).key >= earliest) continue;
      earliest = this.queue(first).key;
      this.serving = tree;
    }
    const part = this.count(this.serving) / Math.max(1, this.busy());
    this.servingUntilNs = nowNs + Math.max(2 * CFQ.idleNs, CFQ.targetNs * part);
  }

  private first(tree: Tree): number {
    const { queues } = this.leaves;
    let first = NONE;
    for (let leaf = 0; leaf < queues.length; leaf++) {
      const queue = queues[leaf]!;
      if (queue.tree !== tree || queue.queued === 0) continue;
      if (first === NONE || queue.key < queues[first]!.key) first = leaf;
    }
    return first;
  }

  private count(tree: Tree | null): number {
    let count = 0;
    for (const queue of this.leaves.queues) if (queue.tree === tree && tree !== null) count++;
    return count;
  }

  private busy(): number {
    let count = 0;
    for (const queue of this.leaves.queues) if (queue.tree !== null) count++;
    return count;
  }
}

export function cfq(priorityOf: PriorityOf): AlgorithmFactory {
  return () => new CfqAlgorithm(priorityOf);
}
