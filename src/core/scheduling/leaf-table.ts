/**
 * The tags that a flat algorithm knows, a number each. Tags without anything waiting or outstanding
 * are forgotten as new ones come: a clock hand passes a few places for each tag opened, clears the
 * touch of what it finds in use lately, and forgets on its next turn.
 */
import { SluiceError } from '../model/errors.js';
import { grown } from './typed-growth.js';

/** Most tags of a device that a flat algorithm knows at a time. */
export const LEAVES_MAX = 1_000_000;
const SWEEP_STEPS = 4;
const SWEEP_STEPS_AT_BOUND = 1_024;

export abstract class LeafTable {
  /** Requests waiting, requests at the device. */
  backlog = new Int32Array(16);
  outstanding = new Int32Array(16);
  /** One past the highest number ever used. */
  end = 0;
  private touched = new Uint8Array(16);
  private readonly ids = new Map<string, number>();
  private readonly tags: string[] = [];
  private readonly free: number[] = [];
  private readonly leavesMax: number;
  private hand = 0;

  constructor(leavesMax: number) {
    this.leavesMax = leavesMax;
  }

  get live(): number {
    return this.ids.size;
  }

  find(tag: string): number | undefined {
    return this.ids.get(tag);
  }

  isUsed(leaf: number): boolean {
    return this.tags[leaf] !== '';
  }

  isBusy(leaf: number): boolean {
    return this.backlog[leaf]! > 0 || this.outstanding[leaf]! > 0;
  }

  /**
   * The tag's number; made where it has none.
   * @param last the number that it had last, -1 where it had none
   * @throws SluiceError QUEUE_FULL naming the bound
   */
  open(tag: string, nowNs: number, last = -1): number {
    const known = last >= 0 && this.tags[last] === tag ? last : this.ids.get(tag);
    if (known !== undefined) {
      this.touched[known] = 1;
      return known;
    }
    this.sweep(SWEEP_STEPS, nowNs);
    if (this.live >= this.leavesMax) this.sweep(SWEEP_STEPS_AT_BOUND, nowNs);
    if (this.live >= this.leavesMax) {
      throw new SluiceError(
        'QUEUE_FULL',
        `a device holds at most ${this.leavesMax} tags; tag ${JSON.stringify(tag)} would pass that`,
      );
    }
    const leaf = this.free.pop() ?? this.end++;
    if (leaf >= this.backlog.length) this.grow(this.backlog.length * 2);
    this.ids.set(tag, leaf);
    this.tags[leaf] = tag;
    this.touched[leaf] = 1;
    this.backlog[leaf] = 0;
    this.outstanding[leaf] = 0;
    this.made(leaf, tag);
    return leaf;
  }

  touch(leaf: number): void {
    this.touched[leaf] = 1;
  }

  /** Sets what an algorithm keeps beside it. */
  protected abstract made(leaf: number, tag: string): void;

  /** Whether an idle leaf may go. */
  protected abstract mayForget(leaf: number, nowNs: number): boolean;

  protected grow(capacity: number): void {
    this.backlog = grown(this.backlog, capacity);
    this.outstanding = grown(this.outstanding, capacity);
    this.touched = grown(this.touched, capacity);
  }

  private sweep(steps: number, nowNs: number): void {
    for (let i = Math.min(steps, this.end); i > 0; i--) {
      if (this.hand >= this.end) this.hand = 0;
      const leaf = this.hand++;
      if (!this.isUsed(leaf)) continue;
      const touched = this.touched[leaf]! === 1;
      this.touched[leaf] = 0;
      if (touched || this.isBusy(leaf) || !this.mayForget(leaf, nowNs)) continue;
      this.ids.delete(this.tags[leaf]!);
      this.tags[leaf] = '';
      this.free.push(leaf);
    }
  }
}
