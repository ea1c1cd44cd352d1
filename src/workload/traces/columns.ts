/** A tag's records in memory, 21 bytes each: what drivers draw requests from, again and again if need be. */
import type { Op } from '../../core/model/request.js';
import { SluiceError } from '../../core/model/errors.js';

const RECORDS_FIRST = 1_024;
/** About 1.4 GB over all tags of a run; a longer trace is taken in parts. */
const RECORDS_MAX = 64 * 1024 * 1024;

export class TraceColumns {
  count = 0;
  timeNs = new Float64Array(RECORDS_FIRST);
  offset = new Float64Array(RECORDS_FIRST);
  lengthBytes = new Uint32Array(RECORDS_FIRST);
  op = new Uint8Array(RECORDS_FIRST);
  /** One past the last byte that a record touches. */
  spanBytes = 0;
  /** False once a record was earlier than the one before it. */
  ordered = true;

  add(timeNs: number, op: Op, offset: number, lengthBytes: number): void {
    const i = this.count;
    if (i === this.timeNs.length) this.#grow();
    if (i > 0 && timeNs < this.timeNs[i - 1]!) this.ordered = false;
    this.timeNs[i] = timeNs;
    this.op[i] = op;
    this.offset[i] = offset;
    this.lengthBytes[i] = lengthBytes;
    if (offset + lengthBytes > this.spanBytes) this.spanBytes = offset + lengthBytes;
    this.count = i + 1;
  }

  /** Puts the records in order of time; those of one time keep theirs. */
  sort(): void {
    if (this.ordered) return;
    const order = Uint32Array.from({ length: this.count }, (_, i) => i);
    const times = this.timeNs;
    order.sort((a, b) => times[a]! - times[b]! || a - b);
    this.timeNs = Float64Array.from(order, (i) => times[i]!);
    this.offset = Float64Array.from(order, (i) => this.offset[i]!);
    this.lengthBytes = Uint32Array.from(order, (i) => this.lengthBytes[i]!);
    this.op = Uint8Array.from(order, (i) => this.op[i]!);
    this.ordered = true;
  }

  /** Time from the first record to the last. */
  get durationNs(): number {
    return this.count === 0 ? 0 : this.timeNs[this.count - 1]! - this.timeNs[0]!;
  }

  #grow(): void {
    const length = this.timeNs.length * 2;
    if (length > RECORDS_MAX) {
      throw new SluiceError(
        'TOO_LARGE',
        `a tag's trace must have at most ${String(RECORDS_MAX)} records; take fewer with --limit`,
        { field: 'trace' },
      );
    }
    this.timeNs = copied(new Float64Array(length), this.timeNs);
    this.offset = copied(new Float64Array(length), this.offset);
    this.lengthBytes = copied(new Uint32Array(length), this.lengthBytes);
    this.op = copied(new Uint8Array(length), this.op);
  }
}

function copied<T extends Float64Array | Uint32Array | Uint8Array>(into: T, from: T): T {
  into.set(from);
  return into;
}
