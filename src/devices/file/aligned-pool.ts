/**
 * Memory that O_DIRECT takes, in bounded quantity.
 *
 * O_DIRECT wants the address aligned to the logical block, and no Buffer of Node's promises that. The
 * memory of a WebAssembly.Memory begins at a page of 64 KiB of its own; nothing is resident before it
 * is touched. One such slab is cut by halves (Knuth, The Art of Computer Programming 1, 2.5, the buddy
 * system): a buffer of 2^n bytes lies at a multiple of 2^n from the slab's start, so it is aligned to
 * any block up to 64 KiB that divides its size, and buffers given back join again, so that whatever
 * has been taken before, a slab that is all free serves the largest size.
 *
 * Who finds no room waits, and all who come later wait behind: first come, first served. That cannot
 * starve: those ahead end, and the halves join until the first in line fits.
 */
import { KIB, MIB } from '../../core/model/units.js';

/** As much of it as is used: the types of Node leave it to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

/** Whoever takes a buffer. One that waits is in the pool's line by its own `nextInLine`. */
export interface BufferTaker {
  /** What it needs, 1..BUFFER_BYTES_MAX. */
  readonly bufferBytes: number;
  nextInLine: BufferTaker | null;
  /** Once for each take, possibly within it: the buffer begins at this offset of `bytes`. */
  granted(at: number): void;
}

const PAGE_BYTES = 64 * KIB;
/** Smallest buffer, and what offsets are counted in. */
const UNIT_BYTES = 4 * KIB;
export const BUFFER_BYTES_MAX = MIB;
const TOP = Math.log2(BUFFER_BYTES_MAX / UNIT_BYTES);
const NONE = -1;

/** Memory aligned to 64 KiB, all zeros. `bytes` a multiple of 64 KiB. */
export function alignedBytes(bytes: number): Buffer {
  const pages = bytes / PAGE_BYTES;
  return Buffer.from(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer);
}

export class AlignedPool {
  readonly bytes: Buffer;
  /** By unit: log2 of the units of the free block, or the block in use, that begins there; NONE. */
  readonly #free: Int8Array;
  readonly #used: Int8Array;
  /** Free blocks of each order, doubly linked by unit; the last given back first: its memory is warm. */
  readonly #heads = new Int32Array(TOP + 1).fill(NONE);
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #first: BufferTaker | null = null;
  #last: BufferTaker | null = null;

  /** @param sizeBytes a multiple of BUFFER_BYTES_MAX */
  constructor(sizeBytes: number) {
    if (!(sizeBytes > 0 && sizeBytes % BUFFER_BYTES_MAX === 0)) {
      throw new RangeError(`a slab has whole buffers of ${String(BUFFER_BYTES_MAX)} bytes, not ${String(sizeBytes)}`);
    }
    this.bytes = alignedBytes(sizeBytes);
    const units = sizeBytes / UNIT_BYTES;
    this.#free = new Int8Array(units).fill(NONE);
    this.#used = new Int8Array(units).fill(NONE);
    this.#next = new Int32Array(units);
    this.#previous = new Int32Array(units);
    for (let unit = units - (1 << TOP); unit >= 0; unit -= 1 << TOP) this.#link(unit, TOP);
  }

  /** Grants a buffer of at least `taker.bufferBytes`, at once or when those ahead have theirs. */
  take(taker: BufferTaker): void {
    const at = this.#first === null ? this.#cut(taker.bufferBytes) : NONE;
    if (at !== NONE) {
      taker.granted(at);
      return;
    }
    taker.nextInLine = null;
    if (this.#last === null) this.#first = taker;
    else this.#last.nextInLine = taker;
    this.#last = taker;
  }

  /** Takes the buffer at that offset back, and grants to those who wait. */
  give(at: number): void {
    this.#join(at / UNIT_BYTES);
    for (let taker = this.#first; taker !== null; taker = this.#first) {
      const found = this.#cut(taker.bufferBytes);
      if (found === NONE) return;
      this.#first = taker.nextInLine;
      if (this.#first === null) this.#last = null;
      taker.nextInLine = null;
      taker.granted(found);
    }
  }

  /** The offset of a buffer of so many bytes; NONE where none is free. */
  #cut(bytes: number): number {
    const wanted = bytes <= UNIT_BYTES ? 0 : 32 - Math.clz32((bytes - 1) / UNIT_BYTES);
    let order = wanted;
    while (order <= TOP && this.#heads[order] === NONE) order++;
    if (order > TOP) return NONE;
    const unit = this.#heads[order]!;
    this.#unlink(unit, order);
    while (order > wanted) {
      order--;
      this.#link(unit + (1 << order), order);
    }
    this.#used[unit] = order;
    return unit * UNIT_BYTES;
  }

  #join(from: number): void {
    let unit = from;
    let order = this.#used[unit] ?? NONE;
    if (order === NONE) throw new Error(`no buffer begins at unit ${String(unit)}, or it was given back before`);
    this.#used[unit] = NONE;
    for (; order < TOP; order++) {
      const buddy = unit ^ (1 << order);
      if (this.#free[buddy] !== order) break;
      this.#unlink(buddy, order);
      unit = Math.min(unit, buddy);
    }
    this.#link(unit, order);
  }

  #link(unit: number, order: number): void {
    const head = this.#heads[order]!;
    this.#free[unit] = order;
    this.#next[unit] = head;
    this.#previous[unit] = NONE;
    if (head !== NONE) this.#previous[head] = unit;
    this.#heads[order] = unit;
  }

  #unlink(unit: number, order: number): void {
    const next = this.#next[unit]!;
    const previous = this.#previous[unit]!;
    this.#free[unit] = NONE;
    if (previous === NONE) this.#heads[order] = next;
    else this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
  }
}
