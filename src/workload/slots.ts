/** The requests that are out, by token. */
import type { Op } from '../core/model/request.js';

/** What each token stands for, in columns. */
export class Slots {
  op = new Uint8Array(256);
  tag = new Uint32Array(256);
  lengthBytes = new Float64Array(256);
  readonly #free: number[] = [];
  #used = 0;

  take(tag: number, op: Op, lengthBytes: number): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot === this.op.length) this.#grow();
    this.op[slot] = op;
    this.tag[slot] = tag;
    this.lengthBytes[slot] = lengthBytes;
    return slot;
  }

  give(slot: number): void {
    this.#free.push(slot);
  }

  #grow(): void {
    const length = this.op.length * 2;
    const { op, tag, lengthBytes } = this;
    (this.op = new Uint8Array(length)).set(op);
    (this.tag = new Uint32Array(length)).set(tag);
    (this.lengthBytes = new Float64Array(length)).set(lengthBytes);
  }
}
