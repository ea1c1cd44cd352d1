/**
 * What a trace reader hands on: batches of records in columns, so that a million records cost
 * five arrays and not a million objects.
 */
import type { Op } from '../../core/model/request.js';

export const BATCH_RECORDS = 8_192;

/** Most bytes one record may move; a longer one is a broken line, not a request. */
export const RECORD_LENGTH_MAX = 2 ** 32 - 1;

/** One batch; the arrays are used again for the next one, so copy what is to be kept. */
export class RecordBatch {
  count = 0;
  /** Since the trace's first record; may go back where the trace does. */
  readonly timeNs = new Float64Array(BATCH_RECORDS);
  /** Index into the reader's devices. */
  readonly device = new Uint32Array(BATCH_RECORDS);
  readonly op = new Uint8Array(BATCH_RECORDS);
  /** Bytes. */
  readonly offset = new Float64Array(BATCH_RECORDS);
  readonly lengthBytes = new Uint32Array(BATCH_RECORDS);
}

/** The one record that a parser has just read. */
export class RecordSlot {
  /** Time as the trace has it, in two parts: a Windows filetime in one number would lose its ticks. */
  timeS = 0;
  timeNs = 0;
  device = 0;
  op: Op = 1;
  offset = 0;
  lengthBytes = 0;
}

/** `record`: the slot holds one. `none`: nothing to replay here. `broken`: the parser's `reason` says why. */
export type LineVerdict = 'record' | 'none' | 'broken';

/** The devices of one trace, numbered in order of first appearance. */
export class DeviceNames {
  readonly names: string[] = [];
  readonly #known = new Map<string, number>();
  #last = new Uint8Array(0);
  #lastIndex = -1;

  /** The number of the device named by bytes [start, end). Neighbouring records mostly name the same one. */
  index(bytes: Uint8Array, start: number, end: number): number {
    const last = this.#last;
    if (last.length === end - start && this.#lastIndex >= 0) {
      let i = 0;
      while (i < last.length && last[i] === bytes[start + i]) i++;
      if (i === last.length) return this.#lastIndex;
    }
    this.#last = bytes.slice(start, end);
    this.#lastIndex = this.named(Buffer.from(this.#last).toString('latin1'));
    return this.#lastIndex;
  }

  named(name: string): number {
    let index = this.#known.get(name);
    if (index === undefined) {
      index = this.names.length;
      this.#known.set(name, index);
      this.names.push(name);
    }
    return index;
  }
}
