/** The closed intervals of one step: by start, what was served in them, packed. */
import type { UsageBlock } from './block.js';

/** What a block costs beyond its bytes: its object, three views and their buffers. */
const BLOCK_OVERHEAD_BYTES = 400;

const NO_HISTOGRAMS = new Uint8Array(0);

export class BlockSeries {
  /** An interval has several blocks where the wall clock came back to it. */
  private readonly blocks = new Map<number, UsageBlock[]>();
  private lastIds: Uint32Array | null = null;
  bytesUsed = 0;

  /** @returns the block as it is kept */
  add(startS: number, block: UsageBlock): UsageBlock {
    const kept = this.withSharedIds(block);
    const there = this.blocks.get(startS);
    if (there === undefined) this.blocks.set(startS, [kept]);
    else there.push(kept);
    this.bytesUsed += this.bytesOf(kept);
    return kept;
  }

  /** Lets go of what starts before. */
  expire(beforeS: number): void {
    for (const start of [...this.blocks.keys()]) if (start < beforeS) this.drop(start);
  }

  /** Lets go of the histograms of what starts before. */
  expireHistograms(beforeS: number): void {
    for (const [start, blocks] of this.blocks) {
      if (start >= beforeS) continue;
      for (const [i, block] of blocks.entries()) {
        if (block.histograms.length === 0) continue;
        this.bytesUsed -= block.histograms.length;
        blocks[i] = { ...block, histograms: NO_HISTOGRAMS };
      }
    }
  }

  /** Lets go of the oldest interval, unless only `keep` are left. @returns its start; null where none was let go */
  dropOldest(keep: number): number | null {
    if (this.blocks.size <= keep) return null;
    let oldest = Infinity;
    for (const start of this.blocks.keys()) oldest = Math.min(oldest, start);
    this.drop(oldest);
    return oldest;
  }

  /** What starts in [fromS, toS), by time. */
  between(fromS: number, toS: number): { startS: number; block: UsageBlock }[] {
    const found: { startS: number; block: UsageBlock }[] = [];
    for (const [startS, blocks] of this.blocks) {
      if (startS >= fromS && startS < toS) for (const block of blocks) found.push({ startS, block });
    }
    return found.sort((a, b) => a.startS - b.startS);
  }

  /** Busy tags are the same from one interval to the next: their numbers are kept once. */
  private withSharedIds(block: UsageBlock): UsageBlock {
    const { lastIds } = this;
    if (lastIds !== null && sameNumbers(lastIds, block.ids)) return { ...block, ids: lastIds };
    this.lastIds = block.ids;
    return block;
  }

  private drop(startS: number): void {
    for (const block of this.blocks.get(startS) ?? []) this.bytesUsed -= this.bytesOf(block);
    this.blocks.delete(startS);
  }

  /** Numbers are counted with every block, shared or not: the bound is met sooner, never later. */
  private bytesOf(block: UsageBlock): number {
    return BLOCK_OVERHEAD_BYTES + block.ids.byteLength + block.sums.length + block.histograms.length;
  }
}

function sameNumbers(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
