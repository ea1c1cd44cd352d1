/**
 * What one host has served of one device, by tag: in time series of seconds, minutes and hours and
 * in a total since the start.
 *
 * An execution is recorded once, into its tag's open second. When a tag is next served in another
 * second, the open second closes: it stays in the series of seconds and is added to the open
 * minute, which in turn closes into the open hour, and that into the total:
 *
 *   record -> [open second] -closes-> [open minute] -closes-> [open hour] -closes-> [total]
 *                   |                       |                      |
 *                   v                       v                      v
 *             closed seconds          closed minutes          closed hours
 *
 * Invariant: each execution is in exactly one of total, open hour, open minute, open second. So what
 * a series says of an interval is the sum of its own rows and of the finer open rows within it.
 * An idle tag closes nothing and stands in one row, which is handed from series to series as it
 * grows too old for the finer one: 100,000 tags served once each are 100,000 rows.
 */
import { SluiceError, invalid } from './model/errors.js';
import { GIB, MIB, MS_PER_S } from './model/units.js';
import { USAGE_STEPS } from './model/usage.js';
import type { OpUsage, TagSummary, UsageAccount, UsageLedger, UsageQuery, UsageRow } from './model/usage.js';
import type { Op } from './model/request.js';
import type { Clock } from './ports.js';
import { bucketOf } from './histogram.js';
import { LEVELS, STEPS_S, align, levelFor, tooOld } from './usage/levels.js';
import { UsageRows } from './usage/rows.js';
import { UsageSum } from './usage/sum.js';
import { TagTable } from './usage/tag-table.js';

/** Intervals that a series keeps even when memory runs short. */
const KEPT_AT_LEAST = 60;

export interface LedgerLimits {
  /** Most tags counted apart. */
  readonly tagsMax: number;
  /** Past it the oldest intervals are given up, seconds first; totals never. At most 1 GiB. */
  readonly memoryBytesMax: number;
}

const DEFAULT_LEDGER_LIMITS: LedgerLimits = { tagsMax: 1_000_000, memoryBytesMax: 256 * MIB };

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

export class Ledger implements UsageLedger {
  private readonly clock: Clock;
  private readonly limits: LedgerLimits;
  private readonly startedMs: number;
  /** Starts are kept as 32-bit seconds since this hour. */
  private readonly baseS: number;
  private readonly tags: TagTable;
  private readonly rows = new UsageRows();
  /** By level: the interval's start -> its rows, chained. */
  private readonly series: readonly Map<number, number>[] = STEPS_S.map(() => new Map<number, number>());
  /** By level: what starts before this was given up for lack of memory. */
  private readonly droppedBeforeS = STEPS_S.map(() => -Infinity);

  constructor(clock: Clock, limits: Partial<LedgerLimits> = {}) {
    this.clock = clock;
    this.limits = { ...DEFAULT_LEDGER_LIMITS, ...limits };
    if (!(this.limits.memoryBytesMax <= GIB)) {
      throw invalid('usage.memory_bytes_max', `at most ${String(GIB)}`, this.limits.memoryBytesMax);
    }
    this.startedMs = clock.wallMs();
    const hourMs = USAGE_STEPS[LEVELS - 1]!.stepMs;
    this.baseS = (Math.floor(this.startedMs / hourMs) * hourMs) / MS_PER_S;
    this.tags = new TagTable(LEVELS);
  }

  /** @throws SluiceError QUEUE_FULL when the bound on tags is met */
  account(tag: string): UsageAccount {
    let id = this.tags.find(tag);
    if (id < 0) {
      if (this.tags.size >= this.limits.tagsMax) {
        const bound = String(this.limits.tagsMax);
        throw new SluiceError('QUEUE_FULL', `usage is counted for at most ${bound} tags a device`, { field: 'tag' });
      }
      id = this.tags.add(tag);
    }
    return new Account(this, id);
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
    const second = Math.floor(this.clock.wallMs() / MS_PER_S) - this.baseS;
    let row = this.tags.open(0, id);
    if (row === 0 || this.rows.start(row) !== second) row = this.openSecond(id, second);
    this.rows.record(
      row,
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

  /**
   * @param device what the rows carry as their device
   * @returns rows by time, then as orderBy says (cost, bytes, ops: largest first; then by tag)
   * @throws SluiceError OUT_OF_RANGE for a range that begins before what is kept, TOO_LARGE for an answer past the bound
   */
  query(query: UsageQuery, device = query.device): UsageRow[] {
    const sum = new UsageSum(device, this.rows, this.tags, query);
    if (query.fromMs === 0 && query.toMs === 0) {
      this.forEachCounted((row) => sum.add(row));
      return sum.finish(this.startedMs, this.clock.wallMs());
    }
    const level = levelFor(query);
    const fromS = query.fromMs / MS_PER_S - this.baseS;
    const toS = query.toMs / MS_PER_S - this.baseS;
    const oldestS = this.oldestS(level);
    if (fromS < oldestS) throw tooOld(query, level, (oldestS + this.baseS) * MS_PER_S);
    if (query.stepMs === 0) {
      for (const part of this.parts(level, fromS, toS)) this.addPart(sum, part);
      return sum.finish(query.fromMs, query.toMs);
    }
    let startS = Number.NaN;
    for (const part of this.parts(level, fromS, toS)) {
      if (part.intervalS !== startS && !Number.isNaN(startS)) this.flush(sum, startS, level);
      startS = part.intervalS;
      this.addPart(sum, part);
    }
    if (!Number.isNaN(startS)) this.flush(sum, startS, level);
    return sum.result;
  }

  /** Sums over all tags since the start, by operation. */
  totals(): OpUsage[] {
    const sum = UsageSum.ofAll(this.rows, this.tags);
    this.forEachCounted((row) => sum.add(row));
    return sum.finish(this.startedMs, this.clock.wallMs())[0]?.ops ?? [];
  }

  /** Tags at or below prefix after the tag `after` ('' = from the first), in order, at most limit. lastSeenMs: to the second. */
  listTags(prefix: string, after: string, limit: number): Omit<TagSummary, 'device'>[] {
    return this.tags.list(prefix, after, limit).map((id) => ({
      tag: this.tags.name(id),
      lastSeenMs: (this.tags.lastSeenS(id) + this.baseS) * MS_PER_S,
    }));
  }

  /** Bytes of rows and histograms in use. */
  get bytesUsed(): number {
    return this.rows.bytesUsed;
  }

  private openSecond(id: number, second: number): number {
    this.close(0, id);
    const row = this.append(0, id, second);
    this.tags.setOpen(0, id, row);
    this.tags.setLastSeenS(id, second);
    return row;
  }

  /** A row of the series, first in its interval's chain. */
  private append(level: number, id: number, start: number): number {
    if (!this.series[level]!.has(start)) this.tidy(level);
    const row = this.rows.allocate(id, start);
    this.link(level, start, row);
    return row;
  }

  private link(level: number, start: number, row: number): void {
    const series = this.series[level]!;
    this.rows.setNext(row, series.get(start) ?? 0);
    series.set(start, row);
  }

  /** Adds a tag's open row of `level` to the level above. */
  private close(level: number, id: number): void {
    const row = this.tags.open(level, id);
    if (row === 0) return;
    this.rows.merge(this.openAbove(id, level + 1, this.rows.start(row)), row);
    this.tags.setOpen(level, id, 0);
  }

  /** The open row of a level that takes in an execution of that second; what else is open there closes. */
  private openAbove(id: number, level: number, second: number): number {
    let row = this.tags.open(level, id);
    if (level === LEVELS) {
      if (row === 0) {
        row = this.rows.allocate(id, 0);
        this.tags.setOpen(level, id, row);
      }
      return row;
    }
    const start = align(second, level);
    if (row !== 0 && this.rows.start(row) === start) return row;
    this.close(level, id);
    row = this.append(level, id, start);
    this.tags.setOpen(level, id, row);
    return row;
  }

  /** Lets go of what a series no longer keeps. Called as an interval begins, so about once a step. */
  private tidy(level: number): void {
    this.expire(level, this.oldestS(level));
    if (level !== 0) return;
    for (let i = 0; i < LEVELS && this.rows.bytesUsed > this.limits.memoryBytesMax; i++) {
      const starts = [...this.series[i]!.keys()].sort((a, b) => a - b);
      while (starts.length > KEPT_AT_LEAST && this.rows.bytesUsed > this.limits.memoryBytesMax) {
        const until = starts.shift()! + STEPS_S[i]!;
        this.expire(i, until);
        this.droppedBeforeS[i] = Math.max(this.droppedBeforeS[i]!, until);
      }
    }
  }

  private expire(level: number, beforeS: number): void {
    const series = this.series[level]!;
    for (const start of [...series.keys()]) {
      if (start >= beforeS) continue;
      let row = series.get(start)!;
      series.delete(start);
      while (row !== 0) {
        const next = this.rows.next(row);
        this.release(row, level);
        row = next;
      }
    }
  }

  /** A row leaves its series: a closed one has been counted above, an open one is handed up. */
  private release(row: number, level: number): void {
    const id = this.rows.tag(row);
    if (this.tags.open(level, id) !== row) {
      this.rows.free(row);
      return;
    }
    this.tags.setOpen(level, id, 0);
    const above = this.tags.open(level + 1, id);
    const start = level + 1 === LEVELS ? 0 : align(this.rows.start(row), level + 1);
    if (above !== 0 && this.rows.start(above) === start) {
      this.rows.merge(above, row);
      this.rows.free(row);
      return;
    }
    if (above !== 0) this.close(level + 1, id);
    this.rows.setStart(row, start);
    this.tags.setOpen(level + 1, id, row);
    if (level + 1 < LEVELS) this.link(level + 1, start, row);
  }

  private oldestS(level: number): number {
    const step = USAGE_STEPS[level]!;
    const nowMs = Math.floor(this.clock.wallMs() / step.stepMs) * step.stepMs;
    return Math.max((nowMs - step.keepMs) / MS_PER_S - this.baseS, this.droppedBeforeS[level]!);
  }

  /** The chains that make up [fromS, toS) at a level, by interval of that level. */
  private parts(level: number, fromS: number, toS: number): Part[] {
    const parts: Part[] = [];
    for (let i = 0; i <= level; i++) {
      for (const [start, row] of this.series[i]!) {
        if (start >= fromS && start < toS) {
          parts.push({ intervalS: align(start, level), level: i, row, openOnly: i < level });
        }
      }
    }
    return parts.sort((a, b) => a.intervalS - b.intervalS);
  }

  private addPart(sum: UsageSum, part: Part): void {
    for (let row = part.row; row !== 0; row = this.rows.next(row)) {
      // A closed row of a finer series has been added to this one.
      if (!part.openOnly || this.tags.open(part.level, this.rows.tag(row)) === row) sum.add(row);
    }
  }

  private flush(sum: UsageSum, startS: number, level: number): void {
    const startMs = (startS + this.baseS) * MS_PER_S;
    sum.finish(startMs, startMs + USAGE_STEPS[level]!.stepMs);
  }

  /** Each row that an execution is counted in exactly once. */
  private forEachCounted(visit: (row: number) => void): void {
    for (let id = 0; id < this.tags.size; id++) {
      for (let level = 0; level <= LEVELS; level++) {
        const row = this.tags.open(level, id);
        if (row !== 0) visit(row);
      }
    }
  }
}

interface Part {
  readonly intervalS: number;
  readonly level: number;
  readonly row: number;
  /** Only rows that are open count. */
  readonly openOnly: boolean;
}
