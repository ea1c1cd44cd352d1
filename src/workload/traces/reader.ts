/**
 * Turns a trace's bytes into batches of records.
 *
 *   chunks of bytes -> frames (a line, or a record of fixed length) -> parser -> collapse -> batches
 *
 * A frame that runs over the end of a chunk is kept and put in front of the next one. Broken frames
 * are counted and the first is kept with its number and reason; `strict` makes it an error.
 */
import { SluiceError } from '../../core/model/errors.js';
import { NS_PER_MS, NS_PER_S } from '../../core/model/units.js';
import { Collapser } from './collapse.js';
import { detectFormat, SAMPLE_BYTES } from './detect.js';
import type { RecordParser, TraceFormat } from './format.js';
import { makeParser } from './formats/registry.js';
import { BATCH_RECORDS, DeviceNames, RecordBatch, RecordSlot } from './record.js';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** No trace has longer lines; a file that does is no trace. */
const LINE_BYTES_MAX = 1_048_576;

export interface ReaderOptions {
  /** Absent: told from the content. */
  readonly format?: TraceFormat;
  /** The first broken line is an error. */
  readonly strict?: boolean;
  /** Drops a record that repeats sector, length and op within so many ms; 0: none. */
  readonly collapseMs?: number;
}

/** A line (from 1) that could not be read, or a record where the format is binary. */
export interface BrokenLine {
  readonly line: number;
  readonly reason: string;
}

export class TraceReader {
  readonly name: string;
  readonly devices = new DeviceNames();
  format: TraceFormat | null;
  /** Time of the first record as the trace has it: seconds and nanoseconds. */
  originS = 0;
  originNs = 0;
  records = 0;
  collapsed = 0;
  broken = 0;
  firstBroken: BrokenLine | null = null;

  readonly #strict: boolean;
  readonly #collapser: Collapser;
  readonly #slot = new RecordSlot();
  readonly #batch = new RecordBatch();
  #parser: RecordParser | null = null;
  #frames = 0;
  #begun = false;
  /** What is left of the last chunk: the beginning of a frame. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(name: string, options: ReaderOptions = {}) {
    this.name = name;
    this.format = options.format ?? null;
    this.#strict = options.strict ?? false;
    this.#collapser = new Collapser((options.collapseMs ?? 0) * NS_PER_MS);
  }

  /**
   * The records in the order of the trace. A batch is good until the next one is asked for.
   * @throws SluiceError INVALID_ARGUMENT: no known format, a broken line under `strict`
   */
  async *batches(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<RecordBatch> {
    for await (const chunk of chunks) {
      const bytes = joined(this.#rest, chunk);
      if (this.#parser === null && bytes.length < SAMPLE_BYTES && this.format === null) {
        this.#rest = bytes;
        continue;
      }
      yield* this.#frame(bytes, false);
    }
    yield* this.#frame(this.#rest, true);
    if (this.#batch.count > 0) yield this.#batch;
  }

  *#frame(bytes: Uint8Array, last: boolean): Generator<RecordBatch> {
    if (bytes.length === 0 && last) return;
    if (this.#parser === null) {
      this.format ??= detectFormat(bytes, this.name);
      this.#parser = makeParser(this.format);
    }
    const { recordBytes } = this.#parser;
    let at = 0;
    while (at < bytes.length) {
      let end = recordBytes > 0 ? at + recordBytes : bytes.indexOf(NEWLINE, at);
      if (end < 0 || end > bytes.length) {
        if (!last) break;
        end = bytes.length;
      }
      this.#one(bytes, at, end);
      at = recordBytes > 0 ? end : end + 1;
      if (this.#batch.count === BATCH_RECORDS) {
        yield this.#batch;
        this.#batch.count = 0;
      }
    }
    this.#rest = bytes.slice(at);
    if (this.#rest.length > LINE_BYTES_MAX) {
      throw new SluiceError(
        'INVALID_ARGUMENT',
        `${this.name}: line ${String(this.#frames + 1)} must be at most ${String(LINE_BYTES_MAX)} bytes long`,
      );
    }
  }

  #one(bytes: Uint8Array, start: number, end: number): void {
    this.#frames++;
    const parser = this.#parser!;
    const slot = this.#slot;
    const stop = parser.recordBytes === 0 && end > start && bytes[end - 1] === RETURN ? end - 1 : end;
    const verdict = parser.parse(bytes, start, stop, slot, this.devices);
    if (verdict === 'none') return;
    if (verdict === 'broken') {
      this.#markBroken(parser.reason);
      return;
    }
    if (!this.#begun) {
      this.#begun = true;
      this.originS = slot.timeS;
      this.originNs = slot.timeNs;
    }
    const timeNs = (slot.timeS - this.originS) * NS_PER_S + (slot.timeNs - this.originNs);
    if (this.#collapser.repeats(slot, timeNs)) {
      this.collapsed++;
      return;
    }
    this.records++;
    const batch = this.#batch;
    const i = batch.count++;
    batch.timeNs[i] = timeNs;
    batch.device[i] = slot.device;
    batch.op[i] = slot.op;
    batch.offset[i] = slot.offset;
    batch.lengthBytes[i] = slot.lengthBytes;
  }

  #markBroken(reason: string): void {
    this.broken++;
    this.firstBroken ??= { line: this.#frames, reason };
    if (!this.#strict) return;
    const unit = this.#parser!.recordBytes > 0 ? 'record' : 'line';
    throw new SluiceError('INVALID_ARGUMENT', `${this.name}: ${unit} ${String(this.#frames)} is broken: ${reason}`, {
      field: 'trace',
    });
  }
}

function joined(rest: Uint8Array, chunk: Uint8Array): Uint8Array {
  if (rest.length === 0) return chunk;
  const all = new Uint8Array(rest.length + chunk.length);
  all.set(rest, 0);
  all.set(chunk, rest.length);
  return all;
}
