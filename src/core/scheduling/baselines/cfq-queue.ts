/** What CFQ knows of one identity (a process; under a hypervisor a virtual machine), and its guesses about it. */
import type { RequestView } from '../../model/request.js';
import { CFQ } from './cfq-parameters.js';

/** Queues that the scheduler waits for with the disk idle, and those it does not. */
export type Tree = 'idling' | 'no-idle';

export class CfqQueue {
  readonly priority: number;
  /** Waiting, at the disk. */
  queued = 0;
  dispatched = 0;

  /** In the tree that it stands in; null where it is in none. */
  tree: Tree | null = null;
  /** Order in the tree: the lowest goes first. */
  key = 0;

  /** Its time slice begins with the first completion: before that `sliceNew`. */
  sliceNew = true;
  sliceStartNs = 0;
  sliceEndNs = 0;
  /** What of the last slice it did not use. */
  residueNs = 0;

  /** Is waited for when it has nothing left to send: every new queue, until something speaks against it. */
  idleWindow = true;
  /** Had several requests waiting at once. */
  deep = false;
  /** The last 32 requests, a bit each: whether it was far from the one before. */
  private seeks = 0;
  private lastEnd = -1;
  /** Think time: decaying sums, as the kernel keeps them. */
  private samples = 0;
  private thinkSumNs = 0;
  private finishedNs = -1;

  constructor(priority: number) {
    this.priority = priority;
  }

  get seeky(): boolean {
    return bits(this.seeks) > CFQ.seekyBits;
  }

  get thinkMeanNs(): number {
    return this.samples === 0 ? 0 : this.thinkSumNs / this.samples;
  }

  /** Enough is known of its think time. */
  get thinkKnown(): boolean {
    return this.samples > CFQ.samplesValid;
  }

  finished(nowNs: number): void {
    this.finishedNs = nowNs;
  }

  /** A request joins it: what can be learnt from that. */
  learn(request: RequestView, nowNs: number): void {
    if (this.finishedNs >= 0) {
      // Each new sample counts an eighth. Long pauses count as no more than two idle waits.
      const thinkNs = Math.min(nowNs - this.finishedNs, 2 * CFQ.idleNs);
      this.samples = (7 * this.samples + CFQ.sampleWeight) / 8;
      this.thinkSumNs = (7 * this.thinkSumNs + CFQ.sampleWeight * thinkNs) / 8;
    }
    const far = this.lastEnd >= 0 && Math.abs(request.offset - this.lastEnd) > CFQ.seekBytes;
    this.seeks = (this.seeks << 1) | (far ? 1 : 0);
    this.lastEnd = request.offset + request.lengthBytes;
    if (this.queued + 1 >= CFQ.deepRequests) this.deep = true;
    if (!this.deep && this.seeky) this.idleWindow = false;
    else if (this.thinkKnown) this.idleWindow = this.thinkMeanNs <= CFQ.idleNs;
  }

  sliceUsed(nowNs: number): boolean {
    return !this.sliceNew && nowNs >= this.sliceEndNs;
  }
}

function bits(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}
