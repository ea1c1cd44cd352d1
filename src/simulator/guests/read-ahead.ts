/**
 * A guest's read-ahead of one sequential stream, after Linux's mm/readahead.c: the first read of a file fetches
 * twice what was asked for, every window after that is twice the last up to a bound, and the next
 * window is asked for when the reader comes to the mark in the present one.
 *
 *     read so far         readyEnd      askedEnd
 *   ─────────▶│ in memory    │ on its way  │ not asked for
 *                 ▲ mark: touching it asks for the next window
 */
import { MACHINE, SYSBENCH } from './parameters.js';

/** Fetches a range; `arrived` is to be called with its number. */
export type Fetch = (offset: number, lengthBytes: number, window: number) => void;

export class ReadAhead {
  readonly #fetch: Fetch;
  #readyEnd = 0;
  #askedEnd = 0;
  #mark = 0;
  #fileEnd = 0;
  #windowBytes = 0;
  /** Ends of the windows on their way, oldest first, from #first on; NaN-free: -1 where it has arrived. */
  readonly #ends: number[] = [];
  readonly #arrived: boolean[] = [];
  #firstWindow = 0;

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  /** Whether the range is in memory. */
  ready(offset: number, lengthBytes: number): boolean {
    return offset + lengthBytes <= this.#readyEnd && offset < this.#fileEnd;
  }

  /** Whether touching the range asks for more. */
  asksForMore(offset: number, lengthBytes: number): boolean {
    if (offset >= this.#fileEnd) return true;
    return offset + lengthBytes > this.#mark && this.#askedEnd < this.#fileEnd;
  }

  /** The reader comes to the range. */
  touch(offset: number, lengthBytes: number): void {
    if (offset >= this.#fileEnd || offset < this.#fileEnd - SYSBENCH.fileBytes) {
      this.#fileEnd = offset - (offset % SYSBENCH.fileBytes) + SYSBENCH.fileBytes;
      this.#askedEnd = offset;
      this.#readyEnd = offset;
      this.#windowBytes = lengthBytes;
      this.#ask(offset + lengthBytes);
    } else if (this.asksForMore(offset, lengthBytes)) {
      this.#ask(this.#askedEnd);
    }
  }

  /** The window has been read. */
  arrived(window: number): void {
    if (window < this.#firstWindow) return;
    this.#arrived[window - this.#firstWindow] = true;
    while (this.#arrived[0] === true) {
      this.#readyEnd = this.#ends[0]!;
      this.#ends.shift();
      this.#arrived.shift();
      this.#firstWindow++;
    }
  }

  #ask(mark: number): void {
    this.#windowBytes = Math.min(MACHINE.readAheadBytes, this.#windowBytes * 2);
    const from = this.#askedEnd;
    this.#askedEnd = Math.min(this.#fileEnd, from + this.#windowBytes);
    this.#mark = mark;
    const window = this.#firstWindow + this.#ends.length;
    this.#ends.push(this.#askedEnd);
    this.#arrived.push(false);
    this.#fetch(from, this.#askedEnd - from, window);
  }
}
