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
import { GIB, MIB, MS_PER_S, NS_PER_MS } from './model/units.js';
import { USAGE_STEPS } from './model/usage.js';
import type { OpUsage, TagSummary, UsageAccount, UsageLedger, UsageQuery, UsageRow } from './model/usage.js';
import type { Clock } from './ports.js';
import { BUCKETS } from './histogram.js';
import { Accounts, type SecondHand } from './usage/accounts.js';
import type { UsageBlock } from './usage/block.js';
import { LEVELS, STEPS_S, levelFor, tooOld } from './usage/levels.js';
import { largestTags } from './usage/largest.js';
import { OpenIntervals, type NumberRange } from './usage/open-intervals.js';
import { OpenReading } from './usage/open-reading.js';
import { allRows } from './usage/order.js';
import { WIDTH } from './usage/rows.js';
import { BlockSeries } from './usage/series.js';
import type { PortableInterval } from './usage/portable.js';
import { UsageSum, opsOf, type UsageSteps } from './usage/sum.js';
import { TagTable } from './usage/tag-table.js';

/** Intervals that a series keeps even when memory runs short. */
const KEPT_AT_LEAST = 60;
/** How soon a wall clock that was set is noticed. */
const LOOK_MS = 10;

export interface LedgerLimits {
  /** Most tags counted apart. */
  readonly tagsMax: number;
  /** Past it the oldest intervals are given up, seconds first; totals never. At most 1 GiB. */
  readonly memoryBytesMax: number;
}

const DEFAULT_LEDGER_LIMITS: LedgerLimits = { tagsMax: 1_000_000, memoryBytesMax: 512 * MIB };

/** An interval that has closed. */
export interface ClosedInterval extends NumberRange {
  readonly level: number;
  readonly startS: number;
  readonly block: UsageBlock;
}

/** An interval that has not closed yet; its afterNumber is the one that it will close with. */
export type OpenInterval = Omit<ClosedInterval, 'level'>;

/** Of one tag, or of all: latencies are counts by bucket of core/histogram.ts, queue before service. */
export interface Counted {
  readonly tag: string;
  readonly ops: OpUsage[];
  readonly latencies: Float64Array;
}

/** Of an answer: an interval that has closed, or what is open. */
interface Part {
  readonly startS: number;
  readonly block: UsageBlock | OpenReading;
}

type RestoredInterval = Omit<PortableInterval, 'device'>;

export class Ledger implements UsageLedger, SecondHand {
  private readonly clock: Clock;
  private readonly limits: LedgerLimits;
  private startedMs: number;
  private readonly tags = new TagTable(LEVELS);
  private readonly open = new OpenIntervals(this.tags);
  private readonly accounts = new Accounts(this.open, this);
  private readonly series = STEPS_S.map(() => new BlockSeries());
  /** By level: what starts before this was given up for lack of memory. */
  private readonly droppedBeforeS = STEPS_S.map(() => -Infinity);
  /** Of the newest second's block. */
  private number = 0;
  private closed: (interval: ClosedInterval) => void = () => undefined;
  /** For Accounts: until then what is recorded belongs to the open second. */
  lookAgainNs = -Infinity;

  constructor(clock: Clock, limits: Partial<LedgerLimits> = {}) {
    this.clock = clock;
    this.limits = { ...DEFAULT_LEDGER_LIMITS, ...limits };
    if (!(this.limits.memoryBytesMax <= GIB)) {
      throw invalid('usage.memory_bytes_max', `at most ${String(GIB)}`, this.limits.memoryBytesMax);
    }
    this.startedMs = clock.wallMs();
    this.open.setStarts(this.nowS());
  }

  /** @throws SluiceError QUEUE_FULL when the bound on tags is met */
  account(tag: string): UsageAccount {
    return this.accounts.account(this.idOf(tag));
  }

  /**
   * For Accounts: at `atNs` the wall clock is read, which costs more than all else about a record, and
   * again when the second may be over, but for the clock's rounding, or LOOK_MS have passed, since a
   * wall clock may be set.
   */
  look(atNs: number): void {
    this.advance();
    const leftMs = MS_PER_S - 1 - (this.clock.wallMs() % MS_PER_S);
    this.lookAgainNs = atNs + Math.min(leftMs, LOOK_MS) * NS_PER_MS;
  }

  /** Closes what is over: called by records, and by who wants to hear of closed intervals in time. */
  advance(): void {
    const second = this.nowS();
    if (this.open.isElsewhere(0, second)) this.turnTo(second);
  }

  /** Told of each interval as it closes. One listener. */
  onClosed(listener: (interval: ClosedInterval) => void): void {
    this.closed = listener;
  }

  /**
   * The answer, in small steps. What is recorded between them may be in it, where it belongs; what was recorded before is, once.
   * @param device what the rows carry as their device
   * @throws SluiceError at the first step: OUT_OF_RANGE for a range that begins before what is kept
   */
  *steps(query: UsageQuery, device: string): UsageSteps {
    const sum = new UsageSum(device, (id) => this.tags.shown(id), query);
    this.accounts.fold();
    if (query.fromMs === 0 && query.toMs === 0) {
      yield* this.open.addAll(sum);
      yield* withRows(sum, this.startedMs, this.clock.wallMs());
      return;
    }
    this.advance();
    const level = levelFor(query);
    const oldestS = this.oldestS(level, query.quantiles.length > 0);
    if (query.fromMs / MS_PER_S < oldestS) throw tooOld(query, level, oldestS * MS_PER_S);
    const parts: Part[] = this.series[level]!.between(query.fromMs / MS_PER_S, query.toMs / MS_PER_S);
    const reading = this.readOpen(level, query);
    if (reading !== null) parts.push({ startS: this.open.at(level).startS, block: reading });
    parts.sort((a, b) => a.startS - b.startS);
    try {
      yield* this.sumParts(sum, parts, level, query);
    } finally {
      if (reading !== null) this.open.endReading(reading);
    }
  }

  private *sumParts(sum: UsageSum, parts: readonly Part[], level: number, query: UsageQuery): UsageSteps {
    let [startMs, endMs] = [query.fromMs, query.toMs];
    for (const [i, { startS, block }] of parts.entries()) {
      if (query.stepMs !== 0) {
        if (i > 0 && startS * MS_PER_S !== startMs) yield* withRows(sum, startMs, endMs);
        [startMs, endMs] = [startS * MS_PER_S, (startS + STEPS_S[level]!) * MS_PER_S];
      }
      if (block instanceof OpenReading) yield* block.addTo(sum, this.tags, this.open.rows);
      else yield* sum.addBlock(block);
    }
    if (parts.length > 0) yield* withRows(sum, startMs, endMs);
  }

  /** What is open within a range: borders are those of the level, and what is open below it lies in what is open there. */
  private readOpen(level: number, { fromMs, toMs }: UsageQuery): OpenReading | null {
    const startMs = this.open.at(level).startS * MS_PER_S;
    return startMs >= fromMs && startMs < toMs ? this.open.read(level) : null;
  }

  /** All rows at once, by time, then as orderBy says (cost, bytes, ops: largest first; then by tag). */
  query(query: UsageQuery, device = query.device): UsageRow[] {
    return allRows(this.steps(query, device));
  }

  /** Sums over all tags since the start, by operation. */
  totals(): OpUsage[] {
    return this.counted(null).ops;
  }

  /** The tags that were charged most since the start, at most n of them, in small steps. */
  *largest(n: number): Generator<null, number[]> {
    return yield* largestTags(this.tags.size, n, (id, sums) => this.open.addSumsOf(id, sums));
  }

  /**
   * What one tag, or null = all of them together, has had since the start: for counters that a
   * collector follows. A tag's own name never changes.
   */
  counted(id: number | null): Counted {
    this.accounts.fold();
    const { givenSums, givenLatencies } = this.open.rows;
    if (id === null) return { tag: '', ops: opsOf(givenSums, 0), latencies: givenLatencies.slice() };
    const sums = new Float64Array(WIDTH);
    const latencies = new Float64Array(2 * BUCKETS);
    this.open.addSumsOf(id, sums);
    this.open.addLatenciesOf(id, latencies);
    return { tag: this.tags.name(id), ops: opsOf(sums, 0), latencies };
  }

  /** Tags at or below prefix after the tag `after` ('' = from the first), in order, at most limit. lastSeenMs: to the second. */
  listTags(prefix: string, after: string, limit: number): Omit<TagSummary, 'device'>[] {
    this.accounts.fold();
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
    const all = this.open.together(level, this.number, apart);
    return all === null ? null : { startS: this.open.at(level).startS, ...all };
  }

  /** What stands in the total, which hours close into. */
  total(): RestoredInterval & { readonly startedMs: number } {
    const { startedMs } = this;
    const { afterNumber, number } = this.open.at(LEVELS);
    const { ids, sums, histograms } = this.open.packed(LEVELS);
    return { startedMs, startS: 0, afterNumber, number, tags: this.namesOf(ids), sums, histograms };
  }

  /** Takes in what an earlier life of this host has counted: total first, then intervals, then `restored`. */
  restoreTotal(total: RestoredInterval, startedMs: number): void {
    this.startedMs = Math.min(this.startedMs, startedMs);
    this.number = Math.max(this.number, total.number);
    this.open.addBlock(LEVELS, total, this.blockOf(total));
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
    this.open.addBlock(level + 1, interval, block);
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
    return this.series.reduce(
      (sum, series) => sum + series.bytesUsed,
      this.open.rows.bytesUsed + this.accounts.bytesUsed,
    );
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

  /** From the finest on, so that each closes into the interval that it lay in. */
  private turnTo(second: number): void {
    for (let level = 0; level < LEVELS; level++) {
      if (this.open.isElsewhere(level, second)) this.close(level);
    }
    this.open.setStarts(second);
  }

  /** Packs what is open at a level into a block of its series, and hands the rows to the level above. */
  private close(level: number): void {
    if (level === 0) this.accounts.foldAndTakeBack();
    const { ids, startS } = this.open.at(level);
    if (ids.length === 0) return;
    if (level === 0) this.open.numberSecond((this.number += 1));
    this.tidy(level);
    const block = this.series[level]!.add(startS, this.open.packed(level));
    const { afterNumber, number } = this.open.at(level);
    this.open.handUp(level, block);
    this.closed({ level, startS, afterNumber, number, block });
  }

  private blockOf({ tags, sums, histograms }: RestoredInterval): UsageBlock {
    return { ids: Uint32Array.from(tags, (tag) => this.idOf(tag)), sums, histograms };
  }

  /** Closes what is open above a level and elsewhere than at that second. */
  private openAbove(level: number, second: number): void {
    for (let above = level + 1; above < LEVELS; above++) {
      if (this.open.isElsewhere(above, second)) this.close(above);
    }
    this.open.setStarts(second, level + 1);
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
}

function* withRows(sum: UsageSum, startMs: number, endMs: number): UsageSteps {
  yield yield* sum.finish(startMs, endMs);
}
