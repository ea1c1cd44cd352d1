/**
 * Many histograms in little room. Most tags of most intervals have seen one latency, some a dozen,
 * few hundreds, and there are millions of intervals: an object each would cost more than what it
 * holds. So a histogram is a 32-bit reference, and grows through three forms:
 *
 *   0            empty
 *   < 0          one bucket: the reference itself holds bucket and count
 *   > 0          sparse: a block of 4..256 words in a shared slab, [length, bucket<<22 | count, …]
 *                by bucket
 *   bit 30 set   dense: an array of doubles, a bucket each; from 256 buckets or a count of 2^22 on
 *
 * `add` and `merge` return the reference to keep from then on; the one passed in is no longer valid.
 */
import { BUCKETS, bucketNs } from './histogram.js';

export const EMPTY_HISTOGRAM = 0;

const BUCKET_BITS = 10;
const BUCKET_MASK = (1 << BUCKET_BITS) - 1;
const INLINE_COUNT_MAX = 2 ** (31 - BUCKET_BITS) - 1;
const COUNT_BITS = 22;
const COUNT_MAX = 2 ** COUNT_BITS - 1;
const DENSE = 1 << 30;
const CLASS_BITS = 4;
const CLASS_MAX = 6;
/** Blocks begin at multiples of the smallest one. */
const UNIT_BITS = 2;
const CHUNK_BITS = 16;
const CHUNK_WORDS = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_WORDS - 1;

function words(sizeClass: number): number {
  return 1 << (UNIT_BITS + sizeClass);
}

export class HistogramPool {
  private readonly chunks: Uint32Array[] = [];
  /** Words handed out of the chunks so far; the first unit is never, so that no reference is 0. */
  private end = words(0);
  /** By size class: the first free block's word number, 0 = none; the next is in its first word. */
  private readonly freeBlocks = new Float64Array(CLASS_MAX + 1);
  private readonly dense: Float64Array[] = [];
  private readonly freeDense: number[] = [];
  /** Bytes in use by histograms that do not fit their reference. */
  bytesUsed = 0;

  add(ref: number, bucket: number, count: number): number {
    if (ref > 0 && ref < DENSE) return this.addSparse(ref, bucket, count);
    if (ref >= DENSE) {
      this.dense[ref - DENSE]![bucket]! += count;
      return ref;
    }
    if (ref === EMPTY_HISTOGRAM) {
      if (count <= INLINE_COUNT_MAX) return ~((count << BUCKET_BITS) | bucket);
      return this.add(this.allocateDense(), bucket, count);
    }
    const oldBucket = ~ref & BUCKET_MASK;
    const oldCount = ~ref >>> BUCKET_BITS;
    if (oldBucket === bucket && oldCount + count <= INLINE_COUNT_MAX) {
      return ~(((oldCount + count) << BUCKET_BITS) | bucket);
    }
    const sparse = this.addSparse(this.allocateBlock(0), oldBucket, oldCount);
    return this.addSparse(sparse, bucket, count);
  }

  /** Adds what `other` holds under `otherRef`, which stays. */
  merge(ref: number, other: HistogramPool, otherRef: number): number {
    if (otherRef < 0) return this.add(ref, ~otherRef & BUCKET_MASK, ~otherRef >>> BUCKET_BITS);
    let merged = ref;
    other.forEach(otherRef, (bucket, count) => {
      merged = this.add(merged, bucket, count);
    });
    return merged;
  }

  free(ref: number): void {
    if (ref <= 0) return;
    if (ref >= DENSE) {
      this.dense[ref - DENSE]!.fill(0);
      this.freeDense.push(ref - DENSE);
      this.bytesUsed -= BUCKETS * Float64Array.BYTES_PER_ELEMENT;
      return;
    }
    this.freeBlock(ref);
  }

  /** How many buckets are used. */
  bucketsOf(ref: number): number {
    if (ref === EMPTY_HISTOGRAM) return 0;
    if (ref < 0) return 1;
    if (ref >= DENSE) return this.dense[ref - DENSE]!.reduce((used, count) => used + (count === 0 ? 0 : 1), 0);
    const at = (ref >>> CLASS_BITS) << UNIT_BITS;
    return this.chunks[at >>> CHUNK_BITS]![at & CHUNK_MASK]!;
  }

  /** Used buckets in ascending order. */
  forEach(ref: number, visit: (bucket: number, count: number) => void): void {
    if (ref === EMPTY_HISTOGRAM) return;
    if (ref < 0) {
      visit(~ref & BUCKET_MASK, ~ref >>> BUCKET_BITS);
    } else if (ref >= DENSE) {
      const counts = this.dense[ref - DENSE]!;
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        const count = counts[bucket]!;
        if (count !== 0) visit(bucket, count);
      }
    } else {
      const at = (ref >>> CLASS_BITS) << UNIT_BITS;
      const chunk = this.chunks[at >>> CHUNK_BITS]!;
      const base = at & CHUNK_MASK;
      const length = chunk[base]!;
      for (let i = base + 1; i <= base + length; i++) visit(chunk[i]! >>> COUNT_BITS, chunk[i]! & COUNT_MAX);
    }
  }

  /**
   * By nearest rank: the value at position ceil(q n) of the n values in order, microseconds.
   * @param quantiles each in (0, 1), in any order
   * @returns one a quantile; 0 where nothing was counted
   */
  quantilesUs(ref: number, quantiles: readonly number[]): number[] {
    let total = 0;
    this.forEach(ref, (_bucket, count) => (total += count));
    const result = quantiles.map(() => 0);
    const ranks = quantiles.map((q) => Math.max(1, Math.ceil(q * total)));
    let below = 0;
    this.forEach(ref, (bucket, count) => {
      for (let i = 0; i < ranks.length; i++) {
        if (ranks[i]! > below && ranks[i]! <= below + count) result[i] = bucketNs(bucket) / 1_000;
      }
      below += count;
    });
    return result;
  }

  private addSparse(ref: number, bucket: number, count: number): number {
    const at = (ref >>> CLASS_BITS) << UNIT_BITS;
    const chunk = this.chunks[at >>> CHUNK_BITS]!;
    const base = at & CHUNK_MASK;
    const length = chunk[base]!;
    let low = base + 1;
    let high = base + 1 + length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (chunk[middle]! >>> COUNT_BITS < bucket) low = middle + 1;
      else high = middle;
    }
    const found = low <= base + length && chunk[low]! >>> COUNT_BITS === bucket;
    const sum = found ? (chunk[low]! & COUNT_MAX) + count : count;
    if (sum > COUNT_MAX) return this.add(this.toDense(ref), bucket, count);
    if (!found) {
      if (length + 1 >= words(ref & ((1 << CLASS_BITS) - 1))) return this.add(this.grow(ref), bucket, count);
      chunk.copyWithin(low + 1, low, base + 1 + length);
      chunk[base] = length + 1;
    }
    // Stored as unsigned: bucket takes the top ten bits.
    chunk[low] = (bucket << COUNT_BITS) | sum;
    return ref;
  }

  private grow(ref: number): number {
    const sizeClass = ref & ((1 << CLASS_BITS) - 1);
    if (sizeClass === CLASS_MAX) return this.toDense(ref);
    const grown = this.allocateBlock(sizeClass + 1);
    const from = (ref >>> CLASS_BITS) << UNIT_BITS;
    const to = (grown >>> CLASS_BITS) << UNIT_BITS;
    const source = this.chunks[from >>> CHUNK_BITS]!;
    const base = from & CHUNK_MASK;
    this.chunks[to >>> CHUNK_BITS]!.set(source.subarray(base, base + 1 + source[base]!), to & CHUNK_MASK);
    this.freeBlock(ref);
    return grown;
  }

  private toDense(ref: number): number {
    const dense = this.allocateDense();
    const counts = this.dense[dense - DENSE]!;
    this.forEach(ref, (bucket, count) => (counts[bucket] = count));
    this.free(ref);
    return dense;
  }

  private allocateDense(): number {
    this.bytesUsed += BUCKETS * Float64Array.BYTES_PER_ELEMENT;
    const index = this.freeDense.pop();
    if (index !== undefined) return DENSE + index;
    this.dense.push(new Float64Array(BUCKETS));
    return DENSE + this.dense.length - 1;
  }

  private allocateBlock(sizeClass: number): number {
    this.bytesUsed += words(sizeClass) * Uint32Array.BYTES_PER_ELEMENT;
    let at = this.freeBlocks[sizeClass]!;
    if (at !== 0) {
      const chunk = this.chunks[at >>> CHUNK_BITS]!;
      this.freeBlocks[sizeClass] = chunk[at & CHUNK_MASK]!;
      chunk[at & CHUNK_MASK] = 0;
    } else {
      at = this.carve(sizeClass);
    }
    return ((at >>> UNIT_BITS) << CLASS_BITS) | sizeClass;
  }

  /** A block off the end of the last chunk; what is too small for it there becomes free blocks. */
  private carve(sizeClass: number): number {
    while ((this.end & CHUNK_MASK) + words(sizeClass) > CHUNK_WORDS) {
      const left = CHUNK_WORDS - (this.end & CHUNK_MASK);
      const fitting = Math.min(31 - Math.clz32(left) - UNIT_BITS, CLASS_MAX);
      this.pushFree(this.end, fitting);
      this.end += words(fitting);
    }
    if (this.chunks.length <= this.end >>> CHUNK_BITS) this.chunks.push(new Uint32Array(CHUNK_WORDS));
    const at = this.end;
    this.end += words(sizeClass);
    return at;
  }

  private freeBlock(ref: number): void {
    const sizeClass = ref & ((1 << CLASS_BITS) - 1);
    this.bytesUsed -= words(sizeClass) * Uint32Array.BYTES_PER_ELEMENT;
    this.pushFree((ref >>> CLASS_BITS) << UNIT_BITS, sizeClass);
  }

  private pushFree(at: number, sizeClass: number): void {
    this.chunks[at >>> CHUNK_BITS]![at & CHUNK_MASK] = this.freeBlocks[sizeClass]!;
    this.freeBlocks[sizeClass] = at;
  }
}
