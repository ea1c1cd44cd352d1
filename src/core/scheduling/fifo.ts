/**
 * `fifo`: requests go in the order in which they arrived, whoever they are for (Linux's noop). The
 * baseline that shares are measured against.
 *
 * Each waiting request has a token (leaf, sequence) in a ring; the token at the front goes. A
 * request that is scheduled in pieces arrives once a piece and so joins the end again. The ring may
 * then hold a later request of the same leaf in front of the rest of an earlier one: the grant goes
 * to the leaf's head all the same, and the two exchange their places in the ring.
 */
import type { RequestView } from '../model/request.js';
import type { AlgorithmContext, Heads, Next, SchedulingAlgorithm } from './algorithm.js';
import { GrantAnswer, IDLE } from './answers.js';
import { LEAVES_MAX, LeafTable } from './leaf-table.js';

/** In a slot whose request was cancelled. */
const CANCELLED = -1;

/** Nothing is kept of a tag but its numbers, so any idle one may go. */
class FifoLeaves extends LeafTable {
  protected override made(): void {
    /* Nothing kept beside it. */
  }

  protected override mayForget(): boolean {
    return true;
  }
}

export class FifoAlgorithm implements SchedulingAlgorithm {
  private readonly leaves: FifoLeaves;
  private readonly heads: Heads;
  private readonly answer = new GrantAnswer();
  /** A power of two long; slot of token t is t modulo that. */
  private ringLeaf = new Int32Array(16);
  private ringSequence = new Float64Array(16);
  /** Token numbers: the front one, and the next to be given out. */
  private front = 0;
  private back = 0;
  private cancelledTokens = 0;
  /** Where the token of a waiting request is. */
  private readonly tokenOf = new Map<number, number>();

  constructor(context: AlgorithmContext, leavesMax = LEAVES_MAX) {
    this.heads = context.heads;
    this.leaves = new FifoLeaves(leavesMax);
  }

  open(tag: string, nowNs: number, last?: number): number {
    return this.leaves.open(tag, nowNs, last);
  }

  arrived(leaf: number, request: RequestView): void {
    if (this.back - this.front === this.ringLeaf.length) this.makeRoom();
    const slot = this.back & (this.ringLeaf.length - 1);
    this.ringLeaf[slot] = leaf;
    this.ringSequence[slot] = request.sequence;
    this.tokenOf.set(request.sequence, this.back);
    this.back += 1;
    this.leaves.backlog[leaf]! += 1;
    this.leaves.touch(leaf);
  }

  cancelled(leaf: number, request: RequestView): void {
    const token = this.tokenOf.get(request.sequence)!;
    this.tokenOf.delete(request.sequence);
    this.ringLeaf[token & (this.ringLeaf.length - 1)] = CANCELLED;
    this.cancelledTokens += 1;
    this.leaves.backlog[leaf]! -= 1;
  }

  next(): Next {
    const mask = this.ringLeaf.length - 1;
    while (this.front < this.back) {
      const slot = this.front & mask;
      this.front += 1;
      const leaf = this.ringLeaf[slot]!;
      if (leaf === CANCELLED) {
        this.cancelledTokens -= 1;
        continue;
      }
      this.useToken(this.ringSequence[slot]!, this.heads.head(leaf).sequence, mask);
      this.leaves.backlog[leaf]! -= 1;
      this.leaves.outstanding[leaf]! += 1;
      this.answer.leaf = leaf;
      return this.answer;
    }
    return IDLE;
  }

  /** The token of `sequence` is used up by the request `head` of the same leaf. */
  private useToken(sequence: number, head: number, mask: number): void {
    if (sequence !== head) {
      const token = this.tokenOf.get(head)!;
      this.ringSequence[token & mask] = sequence;
      this.tokenOf.set(sequence, token);
    }
    this.tokenOf.delete(head);
  }

  finished(leaf: number): void {
    this.leaves.outstanding[leaf]! -= 1;
  }

  handBack(leaf: number): void {
    this.leaves.outstanding[leaf]! -= 1;
  }

  sharesChanged(): void {
    /* Arrival order knows no shares. */
  }

  configure(): void {
    /* No parameters. */
  }

  /** Closes the gaps that cancelled requests left; doubles the ring where they are few. */
  private makeRoom(): void {
    const { ringLeaf, ringSequence } = this;
    const mask = ringLeaf.length - 1;
    const live = this.back - this.front - this.cancelledTokens;
    // At least half free afterwards: the copy is paid for by as many arrivals.
    const capacity = live * 2 > ringLeaf.length ? ringLeaf.length * 2 : ringLeaf.length;
    this.ringLeaf = new Int32Array(capacity);
    this.ringSequence = new Float64Array(capacity);
    let token = 0;
    for (let from = this.front; from < this.back; from++) {
      const leaf = ringLeaf[from & mask]!;
      if (leaf === CANCELLED) continue;
      const sequence = ringSequence[from & mask]!;
      this.ringLeaf[token] = leaf;
      this.ringSequence[token] = sequence;
      this.tokenOf.set(sequence, token);
      token += 1;
    }
    this.front = 0;
    this.back = token;
    this.cancelledTokens = 0;
  }
}

export function fifo(context: AlgorithmContext): SchedulingAlgorithm {
  return new FifoAlgorithm(context);
}
