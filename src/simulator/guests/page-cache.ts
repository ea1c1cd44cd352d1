/**
 * A page cache as far as hits and misses go: which pages are in memory. Replacement is CLOCK (second
 * chance), which stands for Linux's two lists as it stands for them in textbooks: a page that was used again
 * since the hand last passed stays.
 *
 * Pages lie in an open-addressing table with linear probing; deletion shifts back what follows, so
 * that no tombstones gather in runs of millions of pages.
 */
const EMPTY = -1;
const FRAMES_START = 1_024;

export class PageCache {
  readonly pageBytes: number;
  readonly #framesMax: number;
  /** By frame: the page in it, and whether it was used since the hand passed. */
  #pages: Float64Array;
  #used: Uint8Array;
  /** Frame numbers by hash of page; a power of two long, at most half full. */
  #table: Int32Array;
  #count = 0;
  #hand = 0;

  constructor(bytes: number, pageBytes: number) {
    this.pageBytes = pageBytes;
    this.#framesMax = Math.max(1, Math.floor(bytes / pageBytes));
    const frames = Math.min(this.#framesMax, FRAMES_START);
    this.#pages = new Float64Array(frames);
    this.#used = new Uint8Array(frames);
    this.#table = new Int32Array(tableLength(frames)).fill(EMPTY);
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
      const frame = this.#table[this.#slotOf(page)]!;
      if (frame === EMPTY) all = false;
      else this.#used[frame] = 1;
    }
    return all;
  }

  insert(offset: number, lengthBytes: number): void {
    const last = Math.floor((offset + lengthBytes - 1) / this.pageBytes);
    for (let page = Math.floor(offset / this.pageBytes); page <= last; page++) this.#put(page);
  }

  #put(page: number): void {
    if (this.#table[this.#slotOf(page)] !== EMPTY) return;
    const frame = this.#frame();
    this.#pages[frame] = page;
    this.#used[frame] = 0;
    this.#table[this.#slotOf(page)] = frame;
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
    this.#remove(this.#slotOf(this.#pages[frame]!));
    return frame;
  }

  /** The slot that the page is in, or the empty one where it would go. */
  #slotOf(page: number): number {
    const mask = this.#table.length - 1;
    let slot = hash(page) & mask;
    for (;;) {
      const frame = this.#table[slot]!;
      if (frame === EMPTY || this.#pages[frame] === page) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #remove(slot: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = slot;
    for (let next = (slot + 1) & mask; table[next] !== EMPTY; next = (next + 1) & mask) {
      const home = hash(this.#pages[table[next]!]!) & mask;
      // Moves back only what the hole lies on the way to.
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      table[hole] = table[next]!;
      hole = next;
    }
    table[hole] = EMPTY;
  }

  #grow(): void {
    const frames = Math.min(this.#framesMax, this.#pages.length * 2);
    const pages = new Float64Array(frames);
    pages.set(this.#pages);
    const used = new Uint8Array(frames);
    used.set(this.#used);
    this.#pages = pages;
    this.#used = used;
    this.#table = new Int32Array(tableLength(frames)).fill(EMPTY);
    for (let frame = 0; frame < this.#count; frame++) this.#table[this.#slotOf(pages[frame]!)] = frame;
  }
}

function tableLength(frames: number): number {
  return 2 ** Math.ceil(Math.log2(frames * 2));
}

/** Fibonacci hashing of a page number, which may pass 32 bits. */
function hash(page: number): number {
  const low = page | 0;
  const high = Math.floor(page / 4_294_967_296);
  const mixed = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
