/** Cuts reads and writes that are longer than a service takes into requests side by side. */
import { OPS } from '../core/model/request.js';
import type { Op } from '../core/model/request.js';
import type { RequestSource } from './request-source.js';

export class SplitSource implements RequestSource {
  op: Op = OPS.READ;
  offset = 0;
  lengthBytes = 0;
  dueNs = 0;
  /** Requests that this made more than there were. */
  added = 0;

  readonly #inner: RequestSource;
  readonly #bytesMax: number;
  /** What of the inner request has not been handed on. */
  #leftBytes = 0;

  /** @param bytesMax a multiple of the device's block */
  constructor(inner: RequestSource, bytesMax: number) {
    this.#inner = inner;
    this.#bytesMax = bytesMax;
  }

  next(): boolean {
    if (this.#leftBytes > 0) {
      this.offset += this.lengthBytes;
      this.added++;
      this.#take(this.#leftBytes);
      return true;
    }
    const inner = this.#inner;
    if (!inner.next()) return false;
    this.op = inner.op;
    this.offset = inner.offset;
    this.dueNs = inner.dueNs;
    this.lengthBytes = inner.lengthBytes;
    if (this.op === OPS.READ || this.op === OPS.WRITE) this.#take(inner.lengthBytes);
    return true;
  }

  #take(bytes: number): void {
    this.lengthBytes = Math.min(bytes, this.#bytesMax);
    this.#leftBytes = bytes - this.lengthBytes;
  }
}
