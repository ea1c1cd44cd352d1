/**
 * Usage of many tags in one interval, packed: what the embedded store keeps in memory, its journal on
 * disk and Redis alike. A tag of an interval is some twenty bytes of sums, and its histograms stand
 * apart, so that a day of a thousand tags is read for its sums alone.
 *
 *   sums        a record a tag, in the order of the block's tags; a record is a part an operation:
 *               head (operation, flags), count, bytes, cost, queue ns, service ns, [errors], [cache hits]
 *   histograms  a record a tag: queue, then service; each the number of its buckets, then of each
 *               the distance to the one before and its count
 *
 * All numbers are LEB128, but for a part that holds what is no whole number below 2^53 (cost under
 * the model `bytes`): there cost and times are doubles, so that what is read is what was written.
 */
import { SluiceError } from '../model/errors.js';
import { ByteReader, ByteWriter } from './bytes.js';
import {
  BYTES,
  CACHE_HITS,
  COST,
  COUNT,
  ERRORS,
  OPS_MAX,
  QUEUE,
  QUEUE_NS,
  SERVICE,
  SERVICE_NS,
  SUMS,
  WIDTH,
  type UsageRows,
} from './rows.js';

/** Usage of some tags in one interval. Never changed once it is made. */
export interface UsageBlock {
  /** The tags' numbers where it is kept, in the order of the records. */
  readonly ids: Uint32Array;
  readonly sums: Uint8Array;
  readonly histograms: Uint8Array;
}

const OP_MASK = 7;
const LAST = 8;
const HAS_ERRORS = 16;
const HAS_HITS = 32;
const DOUBLES = 64;

/** Packs rows, one a tag. */
export class BlockWriter {
  private readonly sums = new ByteWriter();
  private readonly histograms = new ByteWriter();
  private readonly scratch = new Float64Array(WIDTH);
  private bucketBefore = 0;
  private readonly addBucket = (bucket: number, count: number): void => {
    this.histograms.varint(bucket - this.bucketBefore);
    this.histograms.varint(count);
    this.bucketBefore = bucket;
  };

  /** @param apart leaves histograms out: the block has none */
  add(rows: UsageRows, row: number, apart = false): void {
    const cell = rows.onlyCell(row);
    if (cell !== 0) {
      this.addPart(rows.opOf(cell), true, rows.sumsAround(cell), rows.sumsAt(cell));
    } else {
      this.scratch.fill(0);
      rows.addSums(row, this.scratch, 0);
      this.addSums();
    }
    if (apart) return;
    this.addHistogram(rows, rows.field(row, QUEUE));
    this.addHistogram(rows, rows.field(row, SERVICE));
  }

  /** What was added, under these numbers; begins anew. */
  take(ids: Uint32Array): UsageBlock {
    return { ids, sums: this.sums.take(), histograms: this.histograms.take() };
  }

  private addSums(): void {
    const { scratch } = this;
    let last = OPS_MAX;
    while (last > 1 && scratch[(last - 1) * SUMS + COUNT] === 0) last -= 1;
    for (let op = 1; op <= last; op++) {
      if (scratch[(op - 1) * SUMS + COUNT] !== 0) this.addPart(op, op === last, scratch, (op - 1) * SUMS);
    }
  }

  private addPart(op: number, last: boolean, source: Float64Array, at: number): void {
    const { sums } = this;
    const cost = source[at + COST]!;
    const queueNs = source[at + QUEUE_NS]!;
    const serviceNs = source[at + SERVICE_NS]!;
    const errors = source[at + ERRORS]!;
    const hits = source[at + CACHE_HITS]!;
    const whole = isWhole(cost) && isWhole(queueNs) && isWhole(serviceNs);
    const flags = (last ? LAST : 0) | (errors > 0 ? HAS_ERRORS : 0) | (hits > 0 ? HAS_HITS : 0);
    sums.byte(op | flags | (whole ? 0 : DOUBLES));
    sums.varint(source[at + COUNT]!);
    sums.varint(source[at + BYTES]!);
    if (whole) {
      sums.varint(cost);
      sums.varint(queueNs);
      sums.varint(serviceNs);
    } else {
      sums.double(cost);
      sums.double(queueNs);
      sums.double(serviceNs);
    }
    if (errors > 0) sums.varint(errors);
    if (hits > 0) sums.varint(hits);
  }

  private addHistogram({ histograms }: UsageRows, ref: number): void {
    this.histograms.varint(histograms.bucketsOf(ref));
    this.bucketBefore = 0;
    histograms.forEach(ref, this.addBucket);
  }
}

/** Not negative, too: a clock that runs backwards for a moment makes such a time. */
function isWhole(value: number): boolean {
  return value >= 0 && Number.isSafeInteger(value);
}

/** Reads the sums of a block, one tag after the other. */
export class SumsReader extends ByteReader {
  /** Adds the next tag's sums to `target`, SUMS numbers an operation from `at` on. */
  addTo(target: Float64Array, at: number): void {
    for (;;) {
      const head = this.byte();
      const op = head & OP_MASK;
      if (op === 0 || op > OPS_MAX) throw new SluiceError('INTERNAL', `usage record: operation ${String(op)}`);
      const to = at + (op - 1) * SUMS;
      target[to + COUNT]! += this.varint();
      target[to + BYTES]! += this.varint();
      if ((head & DOUBLES) === 0) {
        target[to + COST]! += this.varint();
        target[to + QUEUE_NS]! += this.varint();
        target[to + SERVICE_NS]! += this.varint();
      } else {
        target[to + COST]! += this.double();
        target[to + QUEUE_NS]! += this.double();
        target[to + SERVICE_NS]! += this.double();
      }
      if ((head & HAS_ERRORS) !== 0) target[to + ERRORS]! += this.varint();
      if ((head & HAS_HITS) !== 0) target[to + CACHE_HITS]! += this.varint();
      if ((head & LAST) !== 0) return;
    }
  }
}

/** Reads the histograms of a block: two for each tag, queue then service. */
export class HistogramsReader extends ByteReader {
  /** The next histogram: each bucket that is not empty, in order. */
  next(visit: (bucket: number, count: number) => void): void {
    let bucket = 0;
    for (let buckets = this.varint(); buckets > 0; buckets--) {
      bucket += this.varint();
      visit(bucket, this.varint());
    }
  }

  skip(): void {
    for (let numbers = this.varint() * 2; numbers > 0; numbers--) this.varint();
  }
}
