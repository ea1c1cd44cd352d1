/**
 * `lottery`: who waits holds tickets, as many as it has shares; each grant is a draw. Waldspurger and Weihl,
 * "Lottery scheduling: flexible proportional-share resource management", OSDI 1994.
 *
 * Shares hold on average: after n grants a tag with part p of the tickets has np, give or take sqrt(np(1 - p)).
 * Requests of different cost: the head's tickets are worth 1 / cost of what they would be, the paper's
 * compensation tickets (section 3.4), so that expected cost, not expected count, follows shares.
 * A tag that waits for nothing holds no tickets, and so saves nothing up.
 *
 * The draw descends a tree of partial ticket sums (section 4.2): O(log n) for n tags.
 */
import type { Rng, SharesOf } from '../../ports.js';
import { SeededRng } from '../../rng.js';
import type { AlgorithmContext, AlgorithmFactory, Heads, Next, SchedulingAlgorithm } from '../algorithm.js';
import { GrantAnswer, IDLE } from '../answers.js';
import { LEAVES_MAX, LeafTable } from '../leaf-table.js';
import { TicketTree } from './ticket-tree.js';

/** Nothing is kept of a tag that waits for nothing, so any idle one may go. */
class LotteryLeaves extends LeafTable {
  readonly tagOf: string[] = [];

  protected override made(leaf: number, tag: string): void {
    this.tagOf[leaf] = tag;
  }

  protected override mayForget(): boolean {
    return true;
  }
}

const NONE = -1;

export class LotteryAlgorithm implements SchedulingAlgorithm {
  private readonly leaves: LotteryLeaves;
  private readonly heads: Heads;
  private readonly sharesOf: SharesOf;
  private readonly rng: Rng;
  private readonly tickets = new TicketTree();
  private readonly answer = new GrantAnswer();
  /** Won, and its head not taken off yet: its tickets are those of the request that it won with. */
  private stale = NONE;
  /** Winners that gave their prize back: they have it again without a draw. */
  private readonly owed: number[] = [];

  constructor(context: AlgorithmContext, seed: number, leavesMax = LEAVES_MAX) {
    this.heads = context.heads;
    this.sharesOf = context.sharesOf;
    this.rng = new SeededRng(seed);
    this.leaves = new LotteryLeaves(leavesMax);
  }

  open(tag: string, nowNs: number, last?: number): number {
    this.refresh();
    return this.leaves.open(tag, nowNs, last);
  }

  arrived(leaf: number): void {
    this.refresh();
    this.leaves.touch(leaf);
    this.leaves.backlog[leaf]! += 1;
    if (this.leaves.backlog[leaf] === 1) this.setTickets(leaf);
  }

  cancelled(leaf: number): void {
    // First, since the last winner may be this very leaf, with nothing left to ask for.
    this.leaves.backlog[leaf]! -= 1;
    this.refresh();
    this.setTickets(leaf);
  }

  next(): Next {
    this.refresh();
    const leaf = this.winner();
    if (leaf === NONE) return IDLE;
    this.leaves.backlog[leaf]! -= 1;
    this.leaves.outstanding[leaf]! += 1;
    this.stale = leaf;
    this.answer.leaf = leaf;
    return this.answer;
  }

  private winner(): number {
    for (let leaf = this.owed.pop(); leaf !== undefined; leaf = this.owed.pop()) {
      if (this.leaves.backlog[leaf]! > 0) return leaf;
    }
    if (this.tickets.total <= 0) return NONE;
    return this.tickets.holderOf(this.rng.next() * this.tickets.total);
  }

  finished(leaf: number): void {
    this.refresh();
    this.leaves.outstanding[leaf]! -= 1;
  }

  handBack(leaf: number): void {
    this.finished(leaf);
    this.owed.push(leaf);
  }

  sharesChanged(tag: string): void {
    this.refresh();
    const leaf = this.leaves.find(tag);
    if (leaf !== undefined) this.setTickets(leaf);
  }

  configure(): void {
    /* No parameters. */
  }

  /** The caller has taken the last winner's head off by now: its tickets are those of the next. */
  private refresh(): void {
    const leaf = this.stale;
    this.stale = NONE;
    if (leaf !== NONE) this.setTickets(leaf);
  }

  private setTickets(leaf: number): void {
    const waits = this.leaves.backlog[leaf]! > 0;
    const shares = this.sharesOf(this.leaves.tagOf[leaf]!).shares;
    this.tickets.set(leaf, waits ? shares / this.heads.head(leaf).cost : 0);
  }
}

/** @param seed of the draws: the same history and seed give the same grants */
export function lottery(seed: number): AlgorithmFactory {
  return (context) => new LotteryAlgorithm(context, seed);
}
