/**
 * A page cache as far as hits and misses go: which pages are in memory. Replacement is CLOCK (second
 * chance), which stands for Linux's two lists as it stands for them in textbooks: a page that was used again
 * since the hand last passed stays.
 *
 * Where a page lies is looked up in a table of two levels, as in Linux: neighbours on the disk are
 * neighbours in the table, so that a read of some pages touches one line of the processor's cache.
 */
const NONE = 0;
const FRAMES_START = 1_024;
/** Pages that one leaf of the table tells of. */
const LEAF_PAGES = 65_536;

export class PageCache {
  readonly pageBytes: number;
  readonly #framesMax: number;
  /** By frame: the page in it, and whether it was used since the hand passed. */
  #pages: Float64Array;
  #used: Uint8Array;
  /** By page: its frame and one more, or NONE. A leaf is made when a page of it first comes in. */
  readonly #leaves: (Int32Array | undefined)[] = [];
  #count = 0;
  #hand = 0;

  constructor(bytes: number, pageBytes: number) {
    this.pageBytes = pageBytes;
    this.#framesMax = Math.max(1, Math.floor(bytes / pageBytes));
    const frames = Math.min(this.#framesMax, FRAMES_START);
    this.#pages = new Float64Array(frames);
    this.#used = new Uint8Array(frames);
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
      const place = this.#placeOf(page);
      if (place === NONE) all = false;
      else this.#used[place - 1] = 1;
    }
    return all;
  }

  insert(offset: number, lengthBytes: number): void {
    const last = Math.floor((offset + lengthBytes - 1) / this.pageBytes);
    for (let page = Math.floor(offset / this.pageBytes); page <= last; page++) {
      if (this.#placeOf(page) === NONE) this.#put(page);
    }
  }

  #placeOf(page: number): number {
    const index = Math.floor(page / LEAF_PAGES);
    // Past the end is asked for first: an access out of bounds is slow, and makes all others slow.
    if (index >= this.#leaves.length) return NONE;
    const leaf = this.#leaves[index];
    return leaf === undefined ? NONE : leaf[page - index * LEAF_PAGES]!;
  }

  #put(page: number): void {
    const frame = this.#frame();
    this.#pages[frame] = page;
    this.#used[frame] = 0;
    this.#setPlace(page, frame + 1);
  }

  #setPlace(page: number, place: number): void {
    const index = Math.floor(page / LEAF_PAGES);
    while (this.#leaves.length <= index) this.#leaves.push(undefined);
    const leaf = (this.#leaves[index] ??= new Int32Array(LEAF_PAGES));
    leaf[page - index * LEAF_PAGES] = place;
  }

  #frame(): number {
    if (this.#count < this.#framesMax) {
      if (this.#count === this.#pages.length) this.#grow();
      return this.#count++;
    }
    while (this.#used[this.#hand] === 1) {
      this.#used[this.#hand] = 0;
      this.#hand = (this.#hand + 1) % this.#framesMax;
    }
    const frame = this.#hand;
    this.#hand = (frame + 1) % this.#framesMax;
    this.#setPlace(this.#pages[frame]!, NONE);
    return frame;
  }

  #grow(): void {
    const frames = Math.min(this.#framesMax, this.#pages.length * 2);
    const pages = new Float64Array(frames);
    pages.set(this.#pages);
    const used = new Uint8Array(frames);
    used.set(this.#used);
    this.#pages = pages;
    this.#used = used;
  }
}
