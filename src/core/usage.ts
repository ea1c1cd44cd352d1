/**
 * What one host has served of one device, by tag: in time series of seconds, minutes and hours and
 * in a total since the start.
 *
 * An execution is recorded once, into its tag's row of the open second. When the second is over, its
 * rows are packed into a block, which stays in the series of seconds, and handed to the open minute,
 * which in turn closes into the open hour, and that into the total:
 *
 *   record -> [open second] -closes-> [open minute] -closes-> [open hour] -closes-> [total]
 *                   |                       |                      |
 *                   v                       v                      v
 *             closed seconds          closed minutes          closed hours
 *
 * Invariant: each execution is in exactly one of total, open hour, open minute, open second. So what
 * a series says of an interval is the sum of its own blocks and of the finer open rows within it.
 * Where the wall clock jumps, in either direction, open intervals close and others open: an interval
 * that it comes back to has one block more.
 */
import { SluiceError, invalid } from './model/errors.js';
import { GIB, MIB, MS_PER_S } from './model/units.js';
import { USAGE_STEPS } from './model/usage.js';
import type { OpUsage, TagSummary, UsageAccount, UsageLedger, UsageQuery, UsageRow } from './model/usage.js';
import type { Op } from './model/request.js';
import type { Clock } from './ports.js';
import { bucketOf } from './histogram.js';
import { BlockWriter, HistogramsReader, SumsReader, type UsageBlock } from './usage/block.js';
import { LEVELS, STEPS_S, align, levelFor, tooOld } from './usage/levels.js';
import { allRows } from './usage/order.js';
import { QUEUE, SERVICE, UsageRows, WIDTH } from './usage/rows.js';
import { BlockSeries } from './usage/series.js';
import type { PortableInterval } from './usage/portable.js';
import { UsageSum, type Grouping, type UsageSteps } from './usage/sum.js';
import { TagTable } from './usage/tag-table.js';

/** Intervals that a series keeps even when memory runs short. */
const KEPT_AT_LEAST = 60;
/** Records summed between two chances for others to run. */
const RECORDS_A_SLICE = 4_096;

export interface LedgerLimits {
  /** Most tags counted apart. */
  readonly tagsMax: number;
  /** Past it the oldest intervals are given up, seconds first; totals never. At most 1 GiB. */
  readonly memoryBytesMax: number;
}

const DEFAULT_LEDGER_LIMITS: LedgerLimits = { tagsMax: 1_000_000, memoryBytesMax: 512 * MIB };

/**
 * An interval that has closed. Blocks are numbered through the seconds: a second's block is
 * (number - 1, number], a minute's and an hour's say which seconds' blocks they are the sum of.
 */
export interface ClosedInterval {
  readonly level: number;
  readonly startS: number;
  readonly afterNumber: number;
  readonly number: number;
  readonly block: UsageBlock;
}

/** An interval that has not closed yet; its afterNumber is the one that it will close with. */
export type OpenInterval = Omit<ClosedInterval, 'level'>;

type RestoredInterval = Omit<PortableInterval, 'device'>;

/** A handle, no more: all state is in the ledger, so two accounts of one tag count into the same rows. */
class Account implements UsageAccount {
  private readonly ledger: Ledger;
  private readonly id: number;

  constructor(ledger: Ledger, id: number) {
    this.ledger = ledger;
    this.id = id;
  }

  record(
    op: Op,
    lengthBytes: number,
    cost: number,
    failed: boolean,
    cacheHit: boolean,
    queueNs: number,
    serviceNs: number,
  ): void {
    this.ledger.recordFor(this.id, op, lengthBytes, cost, failed, cacheHit, queueNs, serviceNs);
  }
}

/** One level while it is open. */
interface Open {
  startS: number;
  /** Tags with a row here. */
  readonly ids: number[];
  /** The seconds' blocks that are in it, as of ClosedInterval. */
  afterNumber: number;
  number: number;
}

export class Ledger implements UsageLedger {
  private readonly clock: Clock;
  private readonly limits: LedgerLimits;
  private startedMs: number;
  private readonly tags = new TagTable(LEVELS);
  private readonly rows = new UsageRows();
  private readonly writer = new BlockWriter();
  /** By level; what stands at LEVELS is the total. */
  private readonly open: Open[] = Array.from({ length: LEVELS + 1 }, () => ({
    startS: 0,
    ids: [],
    afterNumber: 0,
    number: 0,
  }));
  private readonly series = STEPS_S.map(() => new BlockSeries());
  /** By level: what starts before this was given up for lack of memory. */
  private readonly droppedBeforeS = STEPS_S.map(() => -Infinity);
  /** Of the newest second's block. */
  private number = 0;
  private closed: (interval: ClosedInterval) => void = () => undefined;

  constructor(clock: Clock, limits: Partial<LedgerLimits> = {}) {
    this.clock = clock;
    this.limits = { ...DEFAULT_LEDGER_LIMITS, ...limits };
    if (!(this.limits.memoryBytesMax <= GIB)) {
      throw invalid('usage.memory_bytes_max', `at most ${String(GIB)}`, this.limits.memoryBytesMax);
    }
    this.startedMs = clock.wallMs();
    this.setOpenStarts(this.nowS());
  }

  /** @throws SluiceError QUEUE_FULL when the bound on tags is met */
  account(tag: string): UsageAccount {
    return new Account(this, this.idOf(tag));
  }

  /** For Account alone. */
  recordFor(
    id: number,
    op: Op,
    lengthBytes: number,
    cost: number,
    failed: boolean,
    cacheHit: boolean,
    queueNs: number,
    serviceNs: number,
  ): void {
    this.advance();
    this.rows.record(
      this.openRow(0, id),
      op,
      failed ? 0 : lengthBytes,
      cost,
      failed ? 1 : 0,
      cacheHit ? 1 : 0,
      queueNs,
      bucketOf(queueNs),
      serviceNs,
      bucketOf(serviceNs),
    );
  }

  /** Closes what is over: called by each record, and by who wants to hear of closed intervals in time. */
  advance(): void {
    const second = this.nowS();
    if (second !== this.open[0]!.startS) this.turnTo(second);
  }

  /** Told of each interval as it closes. One listener. */
  onClosed(listener: (interval: ClosedInterval) => void): void {
    this.closed = listener;
  }

  /**
   * The answer, in small steps. What is recorded after the first step is not in it.
   * @param device what the rows carry as their device
   * @throws SluiceError at the first step: OUT_OF_RANGE for a range that begins before what is kept
   */
  *steps(query: UsageQuery, device: string): UsageSteps {
    const sum = new UsageSum(device, (id) => this.tags.shown(id), query);
    if (query.fromMs === 0 && query.toMs === 0) {
      this.addCounted(sum);
      yield* withRows(sum, this.startedMs, this.clock.wallMs());
      return;
    }
    this.advance();
    const level = levelFor(query);
    const oldestS = this.oldestS(level, query.quantiles.length > 0);
    if (query.fromMs / MS_PER_S < oldestS) throw tooOld(query, level, oldestS * MS_PER_S);
    const parts = this.parts(level, query.fromMs / MS_PER_S, query.toMs / MS_PER_S);
    let [startMs, endMs] = [query.fromMs, query.toMs];
    let records = 0;
    for (const [i, { startS, block }] of parts.entries()) {
      if (query.stepMs !== 0) {
        if (i > 0 && startS * MS_PER_S !== startMs) yield* withRows(sum, startMs, endMs);
        [startMs, endMs] = [startS * MS_PER_S, (startS + STEPS_S[level]!) * MS_PER_S];
      }
      sum.addBlock(block);
      records += block.ids.length;
      if (records < RECORDS_A_SLICE) continue;
      records = 0;
      yield null;
    }
    if (parts.length > 0) yield* withRows(sum, startMs, endMs);
  }

  /** All rows at once, by time, then as orderBy says (cost, bytes, ops: largest first; then by tag). */
  query(query: UsageQuery, device = query.device): UsageRow[] {
    return allRows(this.steps(query, device));
  }

  /** Sums since the start under the tags' own names, which never change: for counters that a collector follows. */
  counters(query: Grouping): UsageRow[] {
    const sum = new UsageSum('', (id) => this.tags.name(id), query);
    this.addCounted(sum);
    return allRows(withRows(sum, this.startedMs, this.clock.wallMs()));
  }

  /** Sums over all tags since the start, by operation. */
  totals(): OpUsage[] {
    const everything: Grouping = { tagPrefix: '', groupLevel: 0, orderBy: 'tag', topN: 0, quantiles: [] };
    const sum = new UsageSum('', () => '', everything);
    this.addCounted(sum);
    return allRows(withRows(sum, this.startedMs, this.clock.wallMs()))[0]?.ops ?? [];
  }

  /** Tags at or below prefix after the tag `after` ('' = from the first), in order, at most limit. lastSeenMs: to the second. */
  listTags(prefix: string, after: string, limit: number): Omit<TagSummary, 'device'>[] {
    return this.tags.list(prefix, after, limit).map((id) => ({
      tag: this.tags.shown(id),
      lastSeenMs: this.tags.lastSeenS(id) * MS_PER_S,
    }));
  }

  /** Closes the open second though it is not over: what is counted in it later is one block more. */
  closeSecond(): void {
    this.advance();
    this.close(0);
  }

  /**
   * All that this ledger has in the open interval of a level, the closed seconds and minutes within it
   * included; at LEVELS all that it ever counted. The open second is not.
   * @param apart leaves histograms out
   * @returns null where there is nothing
   */
  soFar(level: number, apart: boolean): OpenInterval | null {
    let afterNumber = this.number;
    let number = 0;
    const ids = new Set<number>();
    for (let each = 1; each <= level; each++) {
      const open = this.open[each]!;
      if (open.ids.length === 0) continue;
      afterNumber = Math.min(afterNumber, open.afterNumber);
      number = Math.max(number, open.number);
      for (const id of open.ids) ids.add(id);
    }
    if (ids.size === 0) return null;
    const order = Uint32Array.from(ids).sort();
    for (const id of order) this.addSoFar(level, id, apart);
    return { startS: this.open[level]!.startS, afterNumber, number, block: this.writer.take(order) };
  }

  /** What stands in the total, which hours close into. */
  total(): RestoredInterval & { readonly startedMs: number } {
    const { startedMs } = this;
    const { afterNumber, number } = this.open[LEVELS]!;
    const { ids, sums, histograms } = this.packed(LEVELS);
    return { startedMs, startS: 0, afterNumber, number, tags: this.namesOf(ids), sums, histograms };
  }

  /** Takes in what an earlier life of this host has counted: total first, then intervals, then `restored`. */
  restoreTotal(total: RestoredInterval, startedMs: number): void {
    this.startedMs = Math.min(this.startedMs, startedMs);
    this.addInside(LEVELS, total, this.blockOf(total));
  }

  /**
   * Intervals coarsest first, each level in the order of numbers.
   * @param inside whether what it holds is in no coarser interval and not in the total
   */
  restore(level: number, interval: RestoredInterval, inside: boolean): void {
    const block = this.blockOf(interval);
    if (interval.startS >= this.oldestS(level, false)) this.series[level]!.add(interval.startS, block);
    for (const id of block.ids) {
      if (this.tags.lastSeenS(id) < interval.startS) this.tags.setLastSeenS(id, interval.startS);
    }
    this.number = Math.max(this.number, interval.number);
    if (!inside) return;
    this.openAbove(level, interval.startS);
    this.addInside(level + 1, interval, block);
  }

  /** Everything has been restored. */
  restored(): void {
    this.turnTo(this.nowS());
  }

  /** Tags that it knows. */
  get tagCount(): number {
    return this.tags.size;
  }

  /** When it began to count. */
  get startMs(): number {
    return this.startedMs;
  }

  /** The tags' own names, as a journal or a store keeps them. */
  namesOf(ids: Uint32Array): string[] {
    return Array.from(ids, (id) => this.tags.name(id));
  }

  /** Bytes of rows, blocks and histograms in use. */
  get bytesUsed(): number {
    return this.series.reduce((sum, series) => sum + series.bytesUsed, this.rows.bytesUsed);
  }

  private idOf(tag: string): number {
    const known = this.tags.find(tag);
    if (known >= 0) return known;
    if (this.tags.size >= this.limits.tagsMax) {
      const bound = String(this.limits.tagsMax);
      throw new SluiceError('QUEUE_FULL', `usage is counted for at most ${bound} tags a device`, { field: 'tag' });
    }
    return this.tags.add(tag);
  }

  private nowS(): number {
    return Math.floor(this.clock.wallMs() / MS_PER_S);
  }

  private openRow(level: number, id: number): number {
    const known = this.tags.open(level, id);
    if (known !== 0) return known;
    const row = this.rows.allocate();
    this.tags.setOpen(level, id, row);
    const open = this.open[level]!;
    open.ids.push(id);
    if (level === 0) this.tags.setLastSeenS(id, open.startS);
    return row;
  }

  private setOpenStarts(second: number): void {
    for (let level = 0; level < LEVELS; level++) this.open[level]!.startS = align(second, level);
  }

  /** From the finest on, so that each closes into the interval that it lay in. */
  private turnTo(second: number): void {
    for (let level = 0; level < LEVELS; level++) {
      if (this.open[level]!.startS !== align(second, level)) this.close(level);
    }
    this.setOpenStarts(second);
  }

  /** Packs what is open at a level into a block of its series, and hands the rows to the level above. */
  private close(level: number): void {
    const open = this.open[level]!;
    if (open.ids.length === 0) return;
    if (level === 0) {
      open.afterNumber = this.number;
      open.number = this.number += 1;
    }
    this.tidy(level);
    const block = this.series[level]!.add(open.startS, this.packed(level));
    this.handUp(level);
    const { startS, afterNumber, number } = open;
    this.closed({ level, startS, afterNumber, number, block });
  }

  private handUp(level: number): void {
    const open = this.open[level]!;
    this.noteInside(level + 1, open.afterNumber, open.number);
    for (const id of open.ids) {
      const row = this.tags.open(level, id);
      const above = this.tags.open(level + 1, id);
      if (above === 0) {
        this.tags.setOpen(level + 1, id, row);
        this.open[level + 1]!.ids.push(id);
      } else {
        this.rows.merge(above, row);
        this.rows.free(row);
      }
      this.tags.setOpen(level, id, 0);
    }
    open.ids.length = 0;
  }

  private addSoFar(level: number, id: number, apart: boolean): void {
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

  private blockOf({ tags, sums, histograms }: RestoredInterval): UsageBlock {
    return { ids: Uint32Array.from(tags, (tag) => this.idOf(tag)), sums, histograms };
  }

  /** Closes what is open above a level and elsewhere than at that second. */
  private openAbove(level: number, second: number): void {
    for (let above = level + 1; above < LEVELS; above++) {
      if (this.open[above]!.startS !== align(second, above)) this.close(above);
    }
    for (let above = level + 1; above < LEVELS; above++) this.open[above]!.startS = align(second, above);
  }

  private addInside(level: number, { afterNumber, number }: RestoredInterval, block: UsageBlock): void {
    this.number = Math.max(this.number, number);
    this.noteInside(level, afterNumber, number);
    const sums = new SumsReader(block.sums);
    const histograms = new HistogramsReader(block.histograms);
    const scratch = new Float64Array(WIDTH);
    for (const id of block.ids) {
      const row = this.openRow(level, id);
      sums.addTo(scratch.fill(0), 0);
      this.rows.addCells(row, scratch);
      for (const field of [QUEUE, SERVICE] as const) {
        histograms.next((bucket, count) => this.rows.addLatencies(row, field, bucket, count));
      }
    }
  }

  /** What closes into a level carries its range of numbers there. */
  private noteInside(level: number, afterNumber: number, number: number): void {
    const open = this.open[level]!;
    if (open.ids.length === 0) open.afterNumber = afterNumber;
    open.number = number;
  }

  /** What is open at a level now. */
  private packed(level: number): UsageBlock {
    const ids = Uint32Array.from(this.open[level]!.ids).sort();
    for (const id of ids) this.writer.add(this.rows, this.tags.open(level, id));
    return this.writer.take(ids);
  }

  /** Lets go of what a series no longer keeps. Called as an interval closes, so about once a step. */
  private tidy(level: number): void {
    this.series[level]!.expire(this.oldestS(level, false));
    this.series[level]!.expireHistograms(this.oldestS(level, true));
    for (let i = 0; i < LEVELS && this.bytesUsed > this.limits.memoryBytesMax; i++) {
      while (this.bytesUsed > this.limits.memoryBytesMax) {
        const dropped = this.series[i]!.dropOldest(KEPT_AT_LEAST);
        if (dropped === null) break;
        this.droppedBeforeS[i] = Math.max(this.droppedBeforeS[i]!, dropped + STEPS_S[i]!);
      }
    }
  }

  /** @param quantiles whether with its histograms */
  private oldestS(level: number, quantiles: boolean): number {
    const step = USAGE_STEPS[level]!;
    const nowMs = Math.floor(this.clock.wallMs() / step.stepMs) * step.stepMs;
    return Math.max((nowMs - (quantiles ? step.keepQuantilesMs : step.keepMs)) / MS_PER_S, this.droppedBeforeS[level]!);
  }

  /** What makes up [fromS, toS) at a level, by interval of that level. What is open is copied: it may close meanwhile. */
  private parts(level: number, fromS: number, toS: number): { startS: number; block: UsageBlock }[] {
    const parts = this.series[level]!.between(fromS, toS);
    for (let i = 0; i <= level; i++) {
      const { startS, ids } = this.open[i]!;
      if (ids.length > 0 && startS >= fromS && startS < toS) {
        parts.push({ startS: align(startS, level), block: this.packed(i) });
      }
    }
    return parts.sort((a, b) => a.startS - b.startS);
  }

  /** Each row that an execution is counted in exactly once. */
  private addCounted(sum: UsageSum): void {
    for (const [level, { ids }] of this.open.entries()) {
      for (const id of ids) sum.addRow(id, this.rows, this.tags.open(level, id));
    }
  }
}

function* withRows(sum: UsageSum, startMs: number, endMs: number): UsageSteps {
  yield yield* sum.finish(startMs, endMs);
}
