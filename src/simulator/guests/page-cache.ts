/**
 * A page cache as far as hits and misses go: which pages are in memory. Replacement is CLOCK (second
 * chance), which stands for Linux's two lists as it stands for them in textbooks: a page that was used again
 * since the hand last passed stays.
 *
 * One byte says all there is to say of a page, in a table of two levels, as in Linux: neighbours on the disk
 * are neighbours in memory, a read of some pages touches one line of the processor's cache, and a table of
 * millions of pages stays in it. The hand goes by the frames, which know their pages.
 */
const OUT = 0;
const IN = 1;
/** In memory, and used since the hand passed. */
const USED = 2;
const FRAMES_START = 1_024;
/** Pages that one leaf of the table tells of. */
const LEAF_PAGES = 65_536;
const LEAF_MASK = LEAF_PAGES - 1;

export class PageCache {
  readonly pageBytes: number;
  readonly #framesMax: number;
  /** By frame: the page in it. */
  #pages: Float64Array;
  /** By page: OUT, IN or USED. A leaf is made when a page of it first comes in. */
  readonly #leaves: (Uint8Array | undefined)[] = [];
  #count = 0;
  #hand = 0;

  constructor(bytes: number, pageBytes: number) {
    this.pageBytes = pageBytes;
    this.#framesMax = Math.max(1, Math.floor(bytes / pageBytes));
    this.#pages = new Float64Array(Math.min(this.#framesMax, FRAMES_START));
  }

  /** Pages in memory. */
  get count(): number {
    return this.#count;
  }

  /** Whether all of the range is in memory; what is counts as used. */
  has(offset: number, lengthBytes: number): boolean {
    const last = Math.floor((offset + lengthBytes - 1) / this.pageBytes);
    let all = true;
    for (let page = Math.floor(offset / this.pageBytes); page <= last; page++) {
      const leaf = this.#leafOf(page);
      if (leaf === undefined || leaf[page & LEAF_MASK] === OUT) all = false;
      else leaf[page & LEAF_MASK] = USED;
    }
    return all;
  }

  insert(offset: number, lengthBytes: number): void {
    const last = Math.floor((offset + lengthBytes - 1) / this.pageBytes);
    for (let page = Math.floor(offset / this.pageBytes); page <= last; page++) {
      const leaf = this.#leafOf(page) ?? this.#newLeaf(page);
      if (leaf[page & LEAF_MASK] !== OUT) continue;
      // First, since it may put a larger array in the place of #pages.
      const frame = this.#frame();
      this.#pages[frame] = page;
      leaf[page & LEAF_MASK] = IN;
    }
  }

  #leafOf(page: number): Uint8Array | undefined {
    const index = Math.floor(page / LEAF_PAGES);
    // Past the end is asked for first: an access out of bounds is slow, and makes all others slow.
    return index < this.#leaves.length ? this.#leaves[index] : undefined;
  }

  #newLeaf(page: number): Uint8Array {
    const index = Math.floor(page / LEAF_PAGES);
    while (this.#leaves.length <= index) this.#leaves.push(undefined);
    return (this.#leaves[index] = new Uint8Array(LEAF_PAGES));
  }

  /** A frame that is free, or that the hand has made so. */
  #frame(): number {
    if (this.#count < this.#framesMax) {
      if (this.#count === this.#pages.length) this.#grow();
      return this.#count++;
    }
    for (;;) {
      const frame = this.#hand;
      this.#hand = frame + 1 === this.#framesMax ? 0 : frame + 1;
      const page = this.#pages[frame]!;
      const leaf = this.#leafOf(page)!;
      if (leaf[page & LEAF_MASK] === IN) {
        leaf[page & LEAF_MASK] = OUT;
        return frame;
      }
      leaf[page & LEAF_MASK] = IN;
    }
  }

  #grow(): void {
    const pages = new Float64Array(Math.min(this.#framesMax, this.#pages.length * 2));
    pages.set(this.#pages);
    this.#pages = pages;
  }
}
