/**
 * The intervals that have not closed, finest first, and the total above them: who has a row where,
 * and how rows go up a level as an interval closes.
 *
 * Invariant: an execution is in the rows of exactly one level.
 */
import { BUCKETS } from '../histogram.js';
import { BlockWriter, HistogramsReader, SumsReader, type UsageBlock } from './block.js';
import { LEVELS, align } from './levels.js';
import { OpenReading, TAGS_A_SLICE, addRows } from './open-reading.js';
import { QUEUE, SERVICE, UsageRows, WIDTH } from './rows.js';
import type { UsageSum } from './sum.js';
import type { TagTable } from './tag-table.js';

/** Blocks are numbered through the seconds: an interval is the sum of (afterNumber, number] of them. */
export interface NumberRange {
  readonly afterNumber: number;
  readonly number: number;
}

/** One level while it is open. */
interface Open {
  startS: number;
  /** Tags with a row here. */
  readonly ids: number[];
  /** The seconds' blocks that are in it. */
  afterNumber: number;
  number: number;
}

const LATENCY_FIELDS = [
  [QUEUE, 0],
  [SERVICE, BUCKETS],
] as const;

export class OpenIntervals {
  readonly rows = new UsageRows();
  private readonly tags: TagTable;
  private readonly writer = new BlockWriter();
  private readonly readings = new Set<OpenReading>();
  /** By level; what stands at LEVELS is the total. */
  private readonly levels: Open[] = Array.from({ length: LEVELS + 1 }, () => ({
    startS: 0,
    ids: [],
    afterNumber: 0,
    number: 0,
  }));

  constructor(tags: TagTable) {
    this.tags = tags;
  }

  at(level: number): Readonly<Open> {
    return this.levels[level]!;
  }

  /** The tag's row, made where there is none. */
  row(level: number, id: number): number {
    const known = this.tags.open(level, id);
    if (known !== 0) return known;
    const row = this.rows.allocate();
    this.tags.setOpen(level, id, row);
    const open = this.levels[level]!;
    open.ids.push(id);
    if (level === 0) this.tags.setLastSeenS(id, open.startS);
    return row;
  }

  /** From `above` on the levels are those that this second lies in. */
  setStarts(second: number, above = 0): void {
    for (let level = above; level < LEVELS; level++) this.levels[level]!.startS = align(second, level);
  }

  /** Whether the level is open elsewhere than at that second. */
  isElsewhere(level: number, second: number): boolean {
    return this.levels[level]!.startS !== align(second, level);
  }

  /** The open second closes as this block. */
  numberSecond(number: number): void {
    const open = this.levels[0]!;
    open.afterNumber = number - 1;
    open.number = number;
  }

  /** What closes into a level carries its range of numbers there. */
  note(level: number, { afterNumber, number }: NumberRange): void {
    const open = this.levels[level]!;
    if (open.ids.length === 0) open.afterNumber = afterNumber;
    open.number = number;
  }

  /** The rows of a level that closes as this block go to the one above. */
  handUp(level: number, block: UsageBlock): void {
    const open = this.levels[level]!;
    for (const reading of this.readings) {
      if (reading.level !== level) continue;
      reading.closed(block);
      this.readings.delete(reading);
    }
    this.note(level + 1, open);
    for (const id of open.ids) {
      const row = this.tags.open(level, id);
      const above = this.tags.open(level + 1, id);
      if (above === 0) {
        this.tags.setOpen(level + 1, id, row);
        this.levels[level + 1]!.ids.push(id);
      } else {
        this.rows.merge(above, row);
        this.rows.free(row);
      }
      this.tags.setOpen(level, id, 0);
    }
    open.ids.length = 0;
  }

  /** Adds a block to what is open at a level. */
  addBlock(level: number, range: NumberRange, block: UsageBlock): void {
    this.note(level, range);
    const sums = new SumsReader(block.sums);
    const histograms = new HistogramsReader(block.histograms);
    const scratch = new Float64Array(WIDTH);
    for (const id of block.ids) {
      const row = this.row(level, id);
      sums.addTo(scratch.fill(0), 0);
      this.rows.addCells(row, scratch);
      for (const field of [QUEUE, SERVICE] as const) {
        histograms.next((bucket, count) => this.rows.addLatencies(row, field, bucket, count));
      }
    }
  }

  /** What is open at a level now. */
  packed(level: number): UsageBlock {
    const ids = Uint32Array.from(this.levels[level]!.ids).sort();
    for (const id of ids) this.writer.add(this.rows, this.tags.open(level, id));
    return this.writer.take(ids);
  }

  /** All that is open up to a level from now on, whatever closes; null where there is nothing. The caller ends it. */
  read(level: number): OpenReading | null {
    const ids = this.idsIn(0, level);
    if (ids.length === 0) return null;
    const reading = new OpenReading(level, ids);
    this.readings.add(reading);
    return reading;
  }

  endReading(reading: OpenReading): void {
    this.readings.delete(reading);
  }

  /**
   * All from level 1 to `level` together.
   * @param newest the number of the newest second's block
   * @param apart leaves histograms out
   * @returns null where there is nothing
   */
  together(level: number, newest: number, apart: boolean): (NumberRange & { readonly block: UsageBlock }) | null {
    let afterNumber = newest;
    let number = 0;
    const ids = this.idsIn(1, level).sort();
    if (ids.length === 0) return null;
    for (let each = 1; each <= level; each++) {
      const open = this.levels[each]!;
      if (open.ids.length === 0) continue;
      afterNumber = Math.min(afterNumber, open.afterNumber);
      number = Math.max(number, open.number);
    }
    for (const id of ids) this.writeTogether(level, id, apart);
    return { afterNumber, number, block: this.writer.take(ids) };
  }

  /** Adds all that one tag has to sums as UsageRows.addSums has them. */
  addSumsOf(id: number, sums: Float64Array): void {
    for (let level = 0; level <= LEVELS; level++) {
      const row = this.tags.open(level, id);
      if (row !== 0) this.rows.addSums(row, sums, 0);
    }
  }

  /** The same for its latencies, queue before service, by bucket. */
  addLatenciesOf(id: number, latencies: Float64Array): void {
    for (let level = 0; level <= LEVELS; level++) {
      const row = this.tags.open(level, id);
      if (row === 0) continue;
      for (const [field, from] of LATENCY_FIELDS) {
        this.rows.histograms.forEach(this.rows.field(row, field), (bucket, count) => {
          latencies[from + bucket]! += count;
        });
      }
    }
  }

  /**
   * Adds all that was ever counted, in small steps. A tag's rows are added together, so that each of its
   * executions is in it once though rows go up a level between two steps.
   */
  *addAll(sum: UsageSum): Generator<null, void> {
    for (let id = 0; id < this.tags.size; id++) {
      addRows(sum, id, LEVELS, this.tags, this.rows);
      if (id % TAGS_A_SLICE === TAGS_A_SLICE - 1) yield null;
    }
  }

  /** Tags with a row in these levels, each once. */
  private idsIn(from: number, level: number): Uint32Array {
    const levels = this.levels.slice(from, level + 1);
    const ids = new Uint32Array(levels.reduce((sum, open) => sum + open.ids.length, 0));
    let count = 0;
    for (let each = from; each <= level; each++) {
      for (const id of this.levels[each]!.ids) if (!this.hasRow(from, each, id)) ids[count++] = id;
    }
    return ids.subarray(0, count);
  }

  /** Whether it has a row in one of the levels from `from` on, below `end`. */
  private hasRow(from: number, end: number, id: number): boolean {
    for (let level = from; level < end; level++) if (this.tags.open(level, id) !== 0) return true;
    return false;
  }

  private writeTogether(level: number, id: number, apart: boolean): void {
    const rows: number[] = [];
    for (let each = 1; each <= level; each++) {
      const row = this.tags.open(each, id);
      if (row !== 0) rows.push(row);
    }
    if (rows.length === 1) {
      this.writer.add(this.rows, rows[0]!, apart);
      return;
    }
    const sum = this.rows.allocate();
    for (const row of rows) this.rows.merge(sum, row);
    this.writer.add(this.rows, sum, apart);
    this.rows.free(sum);
  }
}
