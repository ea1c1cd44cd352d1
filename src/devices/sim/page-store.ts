/**
 * What has been written to a simulated device: pages of 4 KiB, kept only where they are not all zero,
 * so that memory follows the data and not the device's size.
 */
import { KIB } from '../../core/model/units.js';
import { areZeros } from './zeros.js';

export const PAGE_BYTES = 4 * KIB;
const SLAB_PAGES = 64;
/** A Map of V8 holds 2^24 entries at most. */
const PAGES_MAX = 2 ** 24 - 1;
const ZERO_PAGE = Buffer.alloc(PAGE_BYTES);

export class PageStore {
  readonly pagesMax: number;
  /** Page of the device -> place in the slabs. */
  readonly #places = new Map<number, number>();
  readonly #slabs: Buffer[] = [];
  /** Places that were given back. */
  readonly #free: number[] = [];
  #placesMade = 0;

  constructor(bytesMax: number) {
    this.pagesMax = Math.min(Math.floor(bytesMax / PAGE_BYTES), PAGES_MAX);
  }

  get pages(): number {
    return this.#places.size;
  }

  /**
   * Keeps `data` at `offset`. False, and nothing is changed, where the pages it needs are more than
   * pagesMax leaves.
   */
  write(offset: number, data: Uint8Array): boolean {
    if (areZeros(data)) {
      this.clear(offset, data.length);
      return true;
    }
    const end = offset + data.length;
    // Counted first only where it could be too much: the count costs a look-up a page.
    const worst = Math.ceil(data.length / PAGE_BYTES) + 1;
    if (this.#places.size + worst > this.pagesMax && this.#newPages(offset, data) > this.pagesMax - this.#places.size) {
      return false;
    }
    for (let at = offset; at < end;) {
      const page = Math.floor(at / PAGE_BYTES);
      const from = at - page * PAGE_BYTES;
      const to = Math.min(PAGE_BYTES, from + end - at);
      this.#writePage(page, from, data.subarray(at - offset, at - offset + to - from));
      at += to - from;
    }
    return true;
  }

  /** The bytes at `offset` into `into`, zeros where nothing was written. */
  read(offset: number, into: Uint8Array): void {
    const end = offset + into.length;
    for (let at = offset; at < end;) {
      const page = Math.floor(at / PAGE_BYTES);
      const from = at - page * PAGE_BYTES;
      const bytes = Math.min(PAGE_BYTES - from, end - at);
      const place = this.#places.get(page);
      if (place === undefined) into.fill(0, at - offset, at - offset + bytes);
      else into.set(this.#bytes(place).subarray(from, from + bytes), at - offset);
      at += bytes;
    }
  }

  /** Whether every byte of the range is zero for want of a page. */
  isEmpty(offset: number, lengthBytes: number): boolean {
    if (this.#places.size === 0) return true;
    const last = Math.floor((offset + lengthBytes - 1) / PAGE_BYTES);
    for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++) if (this.#places.has(page)) return false;
    return true;
  }

  /** Makes the range zero and gives back the pages that lie in it. */
  clear(offset: number, lengthBytes: number): void {
    const first = Math.floor(offset / PAGE_BYTES);
    const last = Math.floor((offset + lengthBytes - 1) / PAGE_BYTES);
    if (last - first + 1 > this.#places.size) {
      // Fewer pages are kept than the range has: go by those.
      for (const page of [...this.#places.keys()]) {
        if (page >= first && page <= last) this.#clearPage(page, offset, lengthBytes);
      }
      return;
    }
    for (let page = first; page <= last; page++) this.#clearPage(page, offset, lengthBytes);
  }

  #clearPage(page: number, offset: number, lengthBytes: number): void {
    const place = this.#places.get(page);
    if (place === undefined) return;
    const from = Math.max(0, offset - page * PAGE_BYTES);
    const to = Math.min(PAGE_BYTES, offset + lengthBytes - page * PAGE_BYTES);
    if (to - from < PAGE_BYTES) this.#bytes(place).fill(0, from, to);
    else this.#release(page, place);
  }

  #writePage(page: number, from: number, data: Uint8Array): void {
    const place = this.#places.get(page);
    const zero = isZero(data);
    if (place === undefined) {
      if (zero) return;
      const bytes = this.#bytes(this.#take(page));
      if (data.length < PAGE_BYTES) bytes.fill(0);
      bytes.set(data, from);
    } else if (zero && data.length === PAGE_BYTES) {
      this.#release(page, place);
    } else {
      this.#bytes(place).set(data, from);
    }
  }

  /** Pages that keeping `data` would add. */
  #newPages(offset: number, data: Uint8Array): number {
    const end = offset + data.length;
    let count = 0;
    for (let at = offset; at < end;) {
      const page = Math.floor(at / PAGE_BYTES);
      const next = Math.min(end, (page + 1) * PAGE_BYTES);
      if (!this.#places.has(page) && !isZero(data.subarray(at - offset, next - offset))) count += 1;
      at = next;
    }
    return count;
  }

  #take(page: number): number {
    const place = this.#free.pop() ?? this.#placesMade++;
    if (place === this.#slabs.length * SLAB_PAGES) this.#slabs.push(Buffer.allocUnsafeSlow(SLAB_PAGES * PAGE_BYTES));
    this.#places.set(page, place);
    return place;
  }

  #release(page: number, place: number): void {
    this.#places.delete(page);
    this.#free.push(place);
  }

  #bytes(place: number): Uint8Array {
    const at = (place % SLAB_PAGES) * PAGE_BYTES;
    return this.#slabs[Math.floor(place / SLAB_PAGES)]!.subarray(at, at + PAGE_BYTES);
  }
}

/** @param data at most a page */
function isZero(data: Uint8Array): boolean {
  return ZERO_PAGE.compare(data, 0, data.length, 0, data.length) === 0;
}
