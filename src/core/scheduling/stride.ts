/**
 * `stride`: the paper's scheduler (section 4.1), flat over full tags, with its weaknesses.
 *
 *   Stride_i = GlobalShares / Shares_i
 *   dispatch: k = the ID with a waiting request and the lowest VIO
 *             VIO_k += Stride_k
 *             if k slept for a long time: VIO_k = max(min over i of the non-zero VIO_i, VIO_k)
 *             if VIO_k reaches the threshold: every VIO = 0
 *
 * Sleep rule `as-written`: the line above does nothing. VIO_k was just raised by a positive stride,
 * so it is non-zero and among those that the minimum is taken over: min <= VIO_k, and
 * max(min, VIO_k) = VIO_k, whoever slept. So no code stands for it.
 * Sleep rule `before-pick`, what the authors plainly mean: on waking, before it is compared, k's
 * counter is raised to the lowest of the others that have work. An ID never seen has slept for ever.
 *
 * The paper charges one stride a request whatever it asks for: costs are ignored.
 */
import { NS_PER_MS } from '../model/units.js';
import type { DeviceSettings, StrideSettings } from '../model/device.js';
import type { RequestView } from '../model/request.js';
import type { SharesOf } from '../ports.js';
import type { AlgorithmContext, Next, SchedulingAlgorithm } from './algorithm.js';
import { GrantAnswer, IDLE } from './answers.js';
import { Heaps } from './heaps.js';
import { LEAVES_MAX, LeafTable } from './leaf-table.js';
import { grown } from './typed-growth.js';

/** All tags compete in one heap. */
const HEAP = 0;

/** What the algorithm keeps of each ID. */
class StrideLeaves extends LeafTable {
  vio = new Float64Array(16);
  /** What a refund may not take vio below: where it was raised to when it last woke. */
  floor = new Float64Array(16);
  shares = new Uint16Array(16);
  /** Clock time since when nothing of it waits or is outstanding. */
  idleSinceNs = new Float64Array(16);
  position = new Int32Array(16);
  sleepNs = 0;
  lowestWaitingVio = (): number => Infinity;
  private readonly sharesOf: SharesOf;

  constructor(sharesOf: SharesOf, leavesMax: number) {
    super(leavesMax);
    this.sharesOf = sharesOf;
  }

  protected override made(leaf: number, tag: string): void {
    this.vio[leaf] = 0;
    this.floor[leaf] = 0;
    this.shares[leaf] = this.sharesOf(tag).shares;
    this.idleSinceNs[leaf] = -Infinity;
    this.position[leaf] = -1;
  }

  /** A name that comes back starts at 0: only one that slept long and is not ahead of the others may go. */
  protected override mayForget(leaf: number, nowNs: number): boolean {
    return nowNs - this.idleSinceNs[leaf]! >= this.sleepNs && this.vio[leaf]! <= this.lowestWaitingVio();
  }

  protected override grow(capacity: number): void {
    super.grow(capacity);
    this.vio = grown(this.vio, capacity);
    this.floor = grown(this.floor, capacity);
    this.shares = grown(this.shares, capacity);
    this.idleSinceNs = grown(this.idleSinceNs, capacity);
    this.position = grown(this.position, capacity);
  }
}

export class StrideAlgorithm implements SchedulingAlgorithm {
  private readonly leaves: StrideLeaves;
  private readonly heaps: Heaps;
  private readonly sharesOf: SharesOf;
  private readonly answer = new GrantAnswer();
  private settings: StrideSettings;
  private activations = 0;

  constructor(context: AlgorithmContext, leavesMax = LEAVES_MAX) {
    this.settings = context.settings.stride;
    this.sharesOf = context.sharesOf;
    this.leaves = new StrideLeaves(context.sharesOf, leavesMax);
    this.leaves.sleepNs = this.settings.sleepMs * NS_PER_MS;
    this.heaps = new Heaps(this.leaves);
    this.heaps.create(HEAP);
    this.leaves.lowestWaitingVio = () => (this.heaps.size(HEAP) > 0 ? this.heaps.topKey(HEAP) : Infinity);
  }

  configure(settings: DeviceSettings): void {
    this.settings = settings.stride;
    this.leaves.sleepNs = settings.stride.sleepMs * NS_PER_MS;
  }

  open(tag: string, nowNs: number, last?: number): number {
    return this.leaves.open(tag, nowNs, last);
  }

  arrived(leaf: number, _request: RequestView, nowNs: number): void {
    const { leaves, heaps } = this;
    if (leaves.backlog[leaf] === 0) {
      if (leaves.outstanding[leaf] === 0) this.wake(leaf, nowNs);
      heaps.push(HEAP, leaf, leaves.vio[leaf]!, ++this.activations);
    }
    leaves.backlog[leaf]! += 1;
  }

  private wake(leaf: number, nowNs: number): void {
    const { leaves, heaps } = this;
    leaves.touch(leaf);
    leaves.floor[leaf] = 0;
    switch (this.settings.sleepRule) {
      case 'as-written':
        return;
      case 'before-pick':
        if (nowNs - leaves.idleSinceNs[leaf]! < leaves.sleepNs || heaps.size(HEAP) === 0) return;
        leaves.vio[leaf] = Math.max(leaves.vio[leaf]!, heaps.topKey(HEAP));
        leaves.floor[leaf] = leaves.vio[leaf]!;
    }
  }

  cancelled(leaf: number, _request: RequestView, nowNs: number): void {
    const { leaves } = this;
    leaves.backlog[leaf]! -= 1;
    if (leaves.backlog[leaf] === 0) this.heaps.remove(HEAP, leaf);
    if (!leaves.isBusy(leaf)) leaves.idleSinceNs[leaf] = nowNs;
  }

  next(): Next {
    const { leaves, heaps } = this;
    if (heaps.size(HEAP) === 0) return IDLE;
    const leaf = heaps.top(HEAP);
    const vio = leaves.vio[leaf]! + this.settings.globalShares / leaves.shares[leaf]!;
    leaves.vio[leaf] = vio;
    leaves.backlog[leaf]! -= 1;
    leaves.outstanding[leaf]! += 1;
    if (leaves.backlog[leaf] === 0) heaps.pop(HEAP);
    else heaps.raiseTop(HEAP, vio);
    if (vio >= this.settings.threshold) this.reset();
    this.answer.leaf = leaf;
    return this.answer;
  }

  /** The paper's reinitialisation: every VIO = 0, and who was owed is forgotten. */
  private reset(): void {
    this.leaves.vio.fill(0);
    this.leaves.floor.fill(0);
    this.heaps.level(HEAP, 0);
  }

  finished(leaf: number, _request: RequestView, _latencyNs: number, nowNs: number): void {
    const { leaves } = this;
    leaves.outstanding[leaf]! -= 1;
    if (!leaves.isBusy(leaf)) leaves.idleSinceNs[leaf] = nowNs;
  }

  handBack(leaf: number, request: RequestView, nowNs: number): void {
    const { leaves, heaps } = this;
    const vio = leaves.vio[leaf]! - this.settings.globalShares / leaves.shares[leaf]!;
    leaves.vio[leaf] = Math.max(vio, leaves.floor[leaf]!);
    if (leaves.position[leaf]! >= 0) heaps.update(HEAP, leaf, leaves.vio[leaf]);
    this.finished(leaf, request, 0, nowNs);
  }

  /** The paper has no more to say than a new stride from the next dispatch on. */
  sharesChanged(tag: string): void {
    const leaf = this.leaves.find(tag);
    if (leaf !== undefined) this.leaves.shares[leaf] = this.sharesOf(tag).shares;
  }
}

export function stride(context: AlgorithmContext): SchedulingAlgorithm {
  return new StrideAlgorithm(context);
}
