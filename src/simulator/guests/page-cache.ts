/**
 * A page cache as far as hits and misses go: which pages are in memory. Replacement is CLOCK (second
 * chance), which stands for Linux's two lists as it stands for them in textbooks: a page that was used again
 * since the hand last passed stays.
 *
 * Two bits say all there is to say of a page, in one table of the whole disk: what a simulation of random
 * reads waits for is the machine's memory, and so the table is as small as it can be. The hand goes by the
 * frames, which know their pages.
 */
import { invalid } from '../../core/model/errors.js';

/** Pages that one word of the table tells of: bit 2i says that page i is in memory, bit 2i + 1 that it was used since the hand passed. */
const WORD_PAGES_LOG2 = 4;
const WORD_PAGES = 1 << WORD_PAGES_LOG2;
const IN_WORD = WORD_PAGES - 1;
const IN = 0x5555_5555;
/** Numbers of pages are integers of 32 bits. */
const DISK_PAGES_MAX = 2 ** 31;
const FRAMES_START = 1_024;

export class PageCache {
  readonly pageBytes: number;
  readonly #diskBytes: number;
  readonly #pagesAByte: number;
  readonly #framesMax: number;
  readonly #table: Int32Array;
  /** By frame: the page in it. */
  #pages: Uint32Array;
  #count = 0;
  #hand = 0;

  /**
   * @param bytes of memory
   * @param pageBytes a power of two
   * @param diskBytes what it is asked for lies below it
   */
  constructor(bytes: number, pageBytes: number, diskBytes: number) {
    if (!Number.isInteger(Math.log2(pageBytes))) throw invalid('pageBytes', 'a power of two', pageBytes);
    const diskPages = Math.ceil(diskBytes / pageBytes);
    if (!(diskPages <= DISK_PAGES_MAX))
      throw invalid('diskBytes', `at most 2^31 pages of ${String(pageBytes)}`, diskBytes);
    this.pageBytes = pageBytes;
    this.#diskBytes = diskBytes;
    this.#pagesAByte = 1 / pageBytes;
    this.#framesMax = framesOf(bytes, pageBytes);
    this.#table = new Int32Array(Math.ceil(diskPages / WORD_PAGES));
    this.#pages = new Uint32Array(Math.min(this.#framesMax, FRAMES_START));
  }

  /** Pages in memory. */
  get count(): number {
    return this.#count;
  }

  /** Whether one made of these would be the same. */
  isFor(bytes: number, pageBytes: number, diskBytes: number): boolean {
    return (
      pageBytes === this.pageBytes && diskBytes === this.#diskBytes && framesOf(bytes, pageBytes) === this.#framesMax
    );
  }

  /** As it was made: nothing is in memory. */
  clear(): void {
    const table = this.#table;
    if (this.#count * WORD_PAGES < table.length) {
      for (let frame = 0; frame < this.#count; frame++) table[this.#pages[frame]! >> WORD_PAGES_LOG2] = 0;
    } else {
      table.fill(0);
    }
    this.#count = 0;
    this.#hand = 0;
  }

  /** Whether all of the range is in memory; what is counts as used. */
  has(offset: number, lengthBytes: number): boolean {
    const table = this.#table;
    const first = (offset * this.#pagesAByte) | 0;
    const last = ((offset + lengthBytes - 1) * this.#pagesAByte) | 0;
    const lastWord = last >> WORD_PAGES_LOG2;
    let all = true;
    let asked = IN << (2 * (first & IN_WORD));
    for (let word = first >> WORD_PAGES_LOG2; word <= lastWord; word++) {
      if (word === lastWord) asked &= IN >>> (2 * (IN_WORD - (last & IN_WORD)));
      const states = table[word]!;
      const found = states & asked;
      if (found !== asked) all = false;
      if (found !== 0) table[word] = states | (found << 1);
      asked = IN;
    }
    return all;
  }

  insert(offset: number, lengthBytes: number): void {
    const table = this.#table;
    const last = ((offset + lengthBytes - 1) * this.#pagesAByte) | 0;
    for (let page = (offset * this.#pagesAByte) | 0; page <= last; page++) {
      const word = page >> WORD_PAGES_LOG2;
      const bit = 1 << (2 * (page & IN_WORD));
      if ((table[word]! & bit) !== 0) continue;
      // First, since it may put a larger array in the place of #pages.
      const frame = this.#frame();
      this.#pages[frame] = page;
      table[word]! |= bit;
    }
  }

  /** A frame that is free, or that the hand has made so. */
  #frame(): number {
    if (this.#count < this.#framesMax) {
      if (this.#count === this.#pages.length) this.#grow();
      return this.#count++;
    }
    const table = this.#table;
    for (;;) {
      const frame = this.#hand;
      this.#hand = frame + 1 === this.#framesMax ? 0 : frame + 1;
      const page = this.#pages[frame]!;
      const word = page >> WORD_PAGES_LOG2;
      const shift = 2 * (page & IN_WORD);
      const states = table[word]!;
      if (((states >>> shift) & 2) === 0) {
        table[word] = states & ~(1 << shift);
        return frame;
      }
      table[word] = states & ~(2 << shift);
    }
  }

  #grow(): void {
    const pages = new Uint32Array(Math.min(this.#framesMax, this.#pages.length * 2));
    pages.set(this.#pages);
    this.#pages = pages;
  }
}

function framesOf(bytes: number, pageBytes: number): number {
  return Math.max(1, Math.floor(bytes / pageBytes));
}
