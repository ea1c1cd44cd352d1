/**
 * Usage that outlives the process: each closed interval is appended to the log of its level, once a
 * second for what closed in it. Logs of seconds, minutes and hours are dropped as their series let go
 * of what they hold; the total that hours close into is a file of its own, replaced once an hour.
 *
 * After a restart each second counts once, however the logs were cut short: every record says which
 * seconds' blocks it is the sum of, and a finer one is added only where no coarser one has it.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { MIB, MS_PER_S, NS_PER_MS, NS_PER_S } from '../../core/model/units.js';
import { USAGE_STEPS } from '../../core/model/usage.js';
import type { Clock, Timer } from '../../core/ports.js';
import type { ClosedInterval, Ledger } from '../../core/usage.js';
import { packInterval, unpackInterval, type PortableInterval } from '../../core/usage/portable.js';
import { frame, scanFrames } from './frames.js';
import { SegmentLog, syncFolder, type LogRecord } from './segment-log.js';

const LOGS = ['usage-seconds', 'usage-minutes', 'usage-hours'] as const;
const TOTALS = 'usage-totals';
/** What a segment spans by level, so that dropping whole segments keeps at most that much longer than asked. */
const SPAN_S = [300, 4 * 3_600, 30 * 86_400] as const;
const SEGMENT_BYTES_MAX = 16 * MIB;
const TOTAL_KIND = 10;
/** A little more than is kept: the rest goes with the next interval. */
const HOUR_MS = 3_600_000;
/** A little after the second, so that all of it has been recorded. */
const AFTER_SECOND_MS = 5;

interface Unsaved extends LogRecord {
  readonly level: number;
}

/** Told of what goes wrong, and with '' that it does no longer. */
export type OnTrouble = (problem: string) => void;

export class SavedUsage {
  private readonly folder: string;
  private readonly clock: Clock;
  private readonly onTrouble: OnTrouble;
  private readonly logs: SegmentLog[] = [];
  private readonly ledgers = new Map<string, Ledger>();
  private unsaved: Unsaved[] = [];
  private totalsDue = false;
  private writing: Promise<void> = Promise.resolve();
  private timer: Timer | null = null;

  private constructor(folder: string, clock: Clock, onTrouble: OnTrouble) {
    this.folder = folder;
    this.clock = clock;
    this.onTrouble = onTrouble;
  }

  /**
   * Reads what is there into ledgers and keeps what they count from then on.
   * @param ledgerOf the ledger of a device, made where there is none; it calls follow
   * @param report told of damage
   */
  static async open(
    folder: string,
    clock: Clock,
    ledgerOf: (saved: SavedUsage, device: string) => Ledger,
    report: (message: string) => void,
    onTrouble: OnTrouble,
  ): Promise<SavedUsage> {
    const saved = new SavedUsage(folder, clock, onTrouble);
    const totals = await saved.readTotals(report);
    const counted = new Map(totals.map(({ device, number }) => [device, number]));
    const found: PortableInterval[][] = [];
    for (const [level, name] of LOGS.entries()) {
      const intervals: PortableInterval[] = [];
      found.push(intervals);
      const visit = (_kind: number, payload: Buffer): number => {
        const interval = unpackInterval(payload);
        // A year of hours is read at a start: not with histograms that nobody can ask for.
        const needed = interval.number > (counted.get(interval.device) ?? 0) || saved.keepsQuantiles(level, interval);
        intervals.push(needed ? interval : { ...interval, histograms: new Uint8Array(0) });
        return interval.startS;
      };
      const stampSpanMax = SPAN_S[level]!;
      saved.logs.push(
        await SegmentLog.open({ folder, name, segmentBytesMax: SEGMENT_BYTES_MAX, stampSpanMax, visit, report }),
      );
    }
    restoreAll(found, totals, (device) => ledgerOf(saved, device));
    saved.wait();
    return saved;
  }

  /** Keeps what the ledger closes from now on. */
  follow(device: string, ledger: Ledger): void {
    this.ledgers.set(device, ledger);
    ledger.onClosed((interval) => this.keep(device, ledger, interval));
  }

  /** Resolves when all that has closed is on the disk, or could not be written: then it is tried again. */
  async flush(): Promise<void> {
    for (const ledger of this.ledgers.values()) ledger.advance();
    this.writing = this.writing.then(() => this.write());
    await this.writing;
  }

  /** Saves what is open, too. */
  async close(): Promise<void> {
    this.timer?.cancel();
    for (const ledger of this.ledgers.values()) ledger.closeSecond();
    await this.flush();
    for (const log of this.logs) await log.close();
  }

  private wait(): void {
    const intoSecondMs = this.clock.wallMs() % MS_PER_S;
    const ns = (MS_PER_S - intoSecondMs + AFTER_SECOND_MS) * NS_PER_MS;
    this.timer = this.clock.after(Math.min(ns, NS_PER_S), () => {
      void this.flush();
      this.wait();
    });
  }

  private keep(device: string, ledger: Ledger, interval: ClosedInterval): void {
    const { level, startS, afterNumber, number, block } = interval;
    const { sums, histograms } = block;
    const tags = ledger.namesOf(block.ids);
    const payload = packInterval({ device, startS, afterNumber, number, tags, sums, histograms });
    this.unsaved.push({ kind: level, payload, stamp: startS, level });
    if (level === LOGS.length - 1) this.totalsDue = true;
  }

  /** Finest first: what a coarser record sums up is on the disk before it. */
  private async write(): Promise<void> {
    const taken = this.unsaved;
    this.unsaved = [];
    const left = [...taken];
    try {
      for (const [level, log] of this.logs.entries()) {
        await log.write(taken.filter((record) => record.level === level));
        for (let i = left.length - 1; i >= 0; i--) if (left[i]!.level === level) left.splice(i, 1);
      }
      if (this.totalsDue) await this.writeTotals();
      await this.dropOld();
      this.onTrouble('');
    } catch (error) {
      this.unsaved = this.stillKept([...left, ...this.unsaved]);
      this.onTrouble((error as Error).message);
    }
  }

  /** While nothing can be written, what the series have let go of need not wait any longer: a coarser record has it. */
  private stillKept(records: Unsaved[]): Unsaved[] {
    const nowS = this.clock.wallMs() / MS_PER_S;
    return records.filter(({ level, stamp }) => stamp >= nowS - USAGE_STEPS[level]!.keepMs / MS_PER_S);
  }

  private keepsQuantiles(level: number, { startS }: PortableInterval): boolean {
    return startS * MS_PER_S >= this.clock.wallMs() - USAGE_STEPS[level]!.keepQuantilesMs - HOUR_MS;
  }

  private async dropOld(): Promise<void> {
    const nowS = this.clock.wallMs() / MS_PER_S;
    for (const [level, log] of this.logs.entries()) {
      const { keepMs, stepMs } = USAGE_STEPS[level]!;
      await log.dropBefore(nowS - (keepMs + stepMs) / MS_PER_S);
    }
  }

  /** Whole or not at all: written beside, then put in place. */
  private async writeTotals(): Promise<void> {
    const frames = [...this.ledgers].map(([device, ledger]) => {
      const { startedMs, ...total } = ledger.total();
      // The start of a total is when it began to be counted.
      return frame(TOTAL_KIND, packInterval({ ...total, device, startS: startedMs }));
    });
    const file = join(this.folder, TOTALS);
    const handle = await open(`${file}.new`, 'w');
    try {
      await handle.writeFile(Buffer.concat(frames));
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
    await syncFolder(this.folder);
    this.totalsDue = false;
  }

  private async readTotals(report: (message: string) => void): Promise<PortableInterval[]> {
    const file = join(this.folder, TOTALS);
    let bytes: Buffer;
    try {
      bytes = await readFile(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    const totals: PortableInterval[] = [];
    const { endByte, gaps } = scanFrames(bytes, (_kind, payload) => totals.push(unpackInterval(payload)));
    if (endByte < bytes.length || gaps.length > 0) {
      report(`${file} is damaged: where a device's total is lost, it is what the hours kept add up to`);
    }
    return totals;
  }
}

/** Coarsest first; a finer record is added to what is above it only where nothing coarser holds it. */
function restoreAll(
  found: readonly PortableInterval[][],
  totals: readonly PortableInterval[],
  ledgerOf: (device: string) => Ledger,
): void {
  const devices = new Set([...totals, ...found.flat()].map(({ device }) => device));
  for (const device of devices) {
    const ledger = ledgerOf(device);
    const total = totals.find((each) => each.device === device);
    if (total !== undefined) ledger.restoreTotal(total, total.startS);
    const held = new Ranges(total === undefined ? [] : [total]);
    for (let level = found.length - 1; level >= 0; level--) {
      const intervals = found[level]!.filter((each) => each.device === device).sort((a, b) => a.number - b.number);
      for (const interval of intervals) ledger.restore(level, interval, !held.has(interval.number));
      held.add(intervals);
    }
    ledger.restored();
  }
}

/** Which seconds' blocks are held, by ranges (after, number]. */
class Ranges {
  private ranges: readonly { afterNumber: number; number: number }[];

  constructor(ranges: readonly { afterNumber: number; number: number }[]) {
    this.ranges = ranges;
  }

  /** @param more in the order of numbers */
  add(more: readonly { afterNumber: number; number: number }[]): void {
    this.ranges = [...this.ranges, ...more].sort((a, b) => a.number - b.number);
  }

  has(number: number): boolean {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ranges[middle]!.number < number) low = middle + 1;
      else high = middle;
    }
    // Ranges of several levels lie within each other: any that ends at or after it may begin before it.
    for (let i = low; i < this.ranges.length; i++) if (this.ranges[i]!.afterNumber < number) return true;
    return false;
  }
}
