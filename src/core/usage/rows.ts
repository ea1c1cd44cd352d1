/**
 * The storage of usage: rows and their cells as numbers in slabs, because a tag that was served once
 * has to cost some eighty bytes, and an object with maps in it costs a thousand.
 *
 *   row   what one tag has in an interval that is open: latency histograms, chain of cells
 *   cell  the sums of one operation in one row
 *
 * A row is a number from 1 on; 0 is none. Freed rows and cells are used again before a slab grows.
 */
import { BUCKETS } from '../histogram.js';
import { EMPTY_HISTOGRAM, HistogramPool } from '../histogram-pool.js';

const CHUNK_BITS = 12;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const MASK = CHUNK_ROWS - 1;

/** Fields of a row, Int32 each. */
/** Of a free row: the next one. */
const NEXT = 0;
const CELLS = 1;
export const QUEUE = 2;
export const SERVICE = 3;
const ROW_FIELDS = 4;

/** Sums of a cell, doubles: whole numbers stay exact up to 2^53. */
export const COUNT = 0;
export const ERRORS = 1;
export const BYTES = 2;
export const COST = 3;
export const CACHE_HITS = 4;
export const QUEUE_NS = 5;
export const SERVICE_NS = 6;
export const SUMS = 7;
/** Operations, numbered from 1. */
export const OPS_MAX = 5;
/** Sums of all operations of one tag. */
export const WIDTH = OPS_MAX * SUMS;

/** A cell's link holds the next cell of the row and, in the low bits, the operation. */
const OP_BITS = 3;
const OP_MASK = (1 << OP_BITS) - 1;

const ROW_BYTES = ROW_FIELDS * Int32Array.BYTES_PER_ELEMENT;
const CELL_BYTES = SUMS * Float64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT;

export class UsageRows {
  readonly histograms = new HistogramPool();
  /** What all rows together have been given: sums as addSums has them, then buckets of queue and of service times. */
  readonly givenSums = new Float64Array(WIDTH);
  readonly givenLatencies = new Float64Array(2 * BUCKETS);
  private readonly rows: Int32Array[] = [];
  private readonly sums: Float64Array[] = [];
  private readonly links: Int32Array[] = [];
  private rowEnd = 1;
  private cellEnd = 1;
  private freeRow = 0;
  private freeCell = 0;
  private rowsUsed = 0;
  private cellsUsed = 0;

  get bytesUsed(): number {
    return this.rowsUsed * ROW_BYTES + this.cellsUsed * CELL_BYTES + this.histograms.bytesUsed;
  }

  allocate(): number {
    let row = this.freeRow;
    if (row !== 0) {
      this.freeRow = this.field(row, NEXT);
    } else {
      row = this.rowEnd++;
      if (row >>> CHUNK_BITS >= this.rows.length) this.rows.push(new Int32Array(CHUNK_ROWS * ROW_FIELDS));
    }
    const chunk = this.rows[row >>> CHUNK_BITS]!;
    const base = (row & MASK) * ROW_FIELDS;
    chunk[base + NEXT] = 0;
    chunk[base + CELLS] = 0;
    chunk[base + QUEUE] = EMPTY_HISTOGRAM;
    chunk[base + SERVICE] = EMPTY_HISTOGRAM;
    this.rowsUsed += 1;
    return row;
  }

  free(row: number): void {
    this.histograms.free(this.field(row, QUEUE));
    this.histograms.free(this.field(row, SERVICE));
    let cell = this.field(row, CELLS);
    while (cell !== 0) {
      const next = this.link(cell) >>> OP_BITS;
      this.links[cell >>> CHUNK_BITS]![cell & MASK] = this.freeCell;
      this.freeCell = cell;
      this.cellsUsed -= 1;
      cell = next;
    }
    this.rows[row >>> CHUNK_BITS]![(row & MASK) * ROW_FIELDS + NEXT] = this.freeRow;
    this.freeRow = row;
    this.rowsUsed -= 1;
  }

  field(row: number, field: number): number {
    return this.rows[row >>> CHUNK_BITS]![(row & MASK) * ROW_FIELDS + field]!;
  }

  /** The cell of a row that has one, else 0. */
  onlyCell(row: number): number {
    const cell = this.field(row, CELLS);
    return cell !== 0 && this.link(cell) >>> OP_BITS === 0 ? cell : 0;
  }

  opOf(cell: number): number {
    return this.link(cell) & OP_MASK;
  }

  /** Where its sums are, from `sumsAt` on. */
  sumsAround(cell: number): Float64Array {
    return this.sums[cell >>> CHUNK_BITS]!;
  }

  sumsAt(cell: number): number {
    return (cell & MASK) * SUMS;
  }

  /** Adds one execution. */
  record(
    row: number,
    op: number,
    bytes: number,
    cost: number,
    errors: number,
    cacheHits: number,
    queueNs: number,
    queueBucket: number,
    serviceNs: number,
    serviceBucket: number,
  ): void {
    const cell = this.cell(row, op);
    const cellAt = (cell & MASK) * SUMS;
    addOne(this.sums[cell >>> CHUNK_BITS]!, cellAt, bytes, cost, errors, cacheHits, queueNs, serviceNs);
    addOne(this.givenSums, (op - 1) * SUMS, bytes, cost, errors, cacheHits, queueNs, serviceNs);
    this.addLatencies(row, QUEUE, queueBucket, 1);
    this.addLatencies(row, SERVICE, serviceBucket, 1);
  }

  /** Adds all of `from` to `into`. */
  merge(into: number, from: number): void {
    for (let cell = this.field(from, CELLS); cell !== 0; cell = this.link(cell) >>> OP_BITS) {
      const source = this.sumsAround(cell);
      const sourceAt = this.sumsAt(cell);
      const target = this.cell(into, this.link(cell) & OP_MASK);
      const sums = this.sums[target >>> CHUNK_BITS]!;
      const at = (target & MASK) * SUMS;
      for (let i = 0; i < SUMS; i++) sums[at + i]! += source[sourceAt + i]!;
    }
    this.mergeLatencies(into, from, QUEUE);
    this.mergeLatencies(into, from, SERVICE);
  }

  /** Adds sums of all operations, as addSums gives them. */
  addCells(row: number, source: Float64Array): void {
    for (let op = 1; op <= OPS_MAX; op++) {
      const from = (op - 1) * SUMS;
      if (source[from + COUNT] === 0) continue;
      const cell = this.cell(row, op);
      const sums = this.sums[cell >>> CHUNK_BITS]!;
      const at = (cell & MASK) * SUMS;
      for (let i = 0; i < SUMS; i++) {
        sums[at + i]! += source[from + i]!;
        this.givenSums[from + i]! += source[from + i]!;
      }
    }
  }

  /** Adds `count` latencies of one bucket to one of the row's histograms. */
  addLatencies(row: number, field: typeof QUEUE | typeof SERVICE, bucket: number, count: number): void {
    const chunk = this.rows[row >>> CHUNK_BITS]!;
    const at = (row & MASK) * ROW_FIELDS + field;
    chunk[at] = this.histograms.add(chunk[at]!, bucket, count);
    this.givenLatencies[field === QUEUE ? bucket : BUCKETS + bucket]! += count;
  }

  /** Adds a row's sums to `target`, SUMS numbers an operation, operation 1 first, from `at` on. */
  addSums(row: number, target: Float64Array, at: number): void {
    for (let cell = this.field(row, CELLS); cell !== 0; cell = this.link(cell) >>> OP_BITS) {
      const sums = this.sums[cell >>> CHUNK_BITS]!;
      const from = (cell & MASK) * SUMS;
      const to = at + ((this.link(cell) & OP_MASK) - 1) * SUMS;
      for (let i = 0; i < SUMS; i++) target[to + i]! += sums[from + i]!;
    }
  }

  private mergeLatencies(into: number, from: number, field: typeof QUEUE | typeof SERVICE): void {
    const chunk = this.rows[into >>> CHUNK_BITS]!;
    const at = (into & MASK) * ROW_FIELDS + field;
    chunk[at] = this.histograms.merge(chunk[at]!, this.histograms, this.field(from, field));
  }

  private cell(row: number, op: number): number {
    let cell = this.field(row, CELLS);
    while (cell !== 0) {
      const link = this.link(cell);
      if ((link & OP_MASK) === op) return cell;
      cell = link >>> OP_BITS;
    }
    return this.addCell(row, op);
  }

  private addCell(row: number, op: number): number {
    let cell = this.freeCell;
    if (cell !== 0) {
      this.freeCell = this.link(cell);
    } else {
      cell = this.cellEnd++;
      if (cell >>> CHUNK_BITS >= this.links.length) {
        this.links.push(new Int32Array(CHUNK_ROWS));
        this.sums.push(new Float64Array(CHUNK_ROWS * SUMS));
      }
    }
    const chunk = this.rows[row >>> CHUNK_BITS]!;
    const base = (row & MASK) * ROW_FIELDS;
    this.links[cell >>> CHUNK_BITS]![cell & MASK] = (chunk[base + CELLS]! << OP_BITS) | op;
    const at = (cell & MASK) * SUMS;
    this.sums[cell >>> CHUNK_BITS]!.fill(0, at, at + SUMS);
    chunk[base + CELLS] = cell;
    this.cellsUsed += 1;
    return cell;
  }

  private link(cell: number): number {
    return this.links[cell >>> CHUNK_BITS]![cell & MASK]!;
  }
}

function addOne(
  sums: Float64Array,
  at: number,
  bytes: number,
  cost: number,
  errors: number,
  cacheHits: number,
  queueNs: number,
  serviceNs: number,
): void {
  sums[at + COUNT]! += 1;
  sums[at + ERRORS]! += errors;
  sums[at + BYTES]! += bytes;
  sums[at + COST]! += cost;
  sums[at + CACHE_HITS]! += cacheHits;
  sums[at + QUEUE_NS]! += queueNs;
  sums[at + SERVICE_NS]! += serviceNs;
}
