/** What a benchmark answers with, and how it is shown: rows, medians of interleaved A/B pairs. */

/** One measurement; the peer is what it is held against in the same run, null where there is none. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** value / peerValue, as the median over pairs. */
  readonly ratio: number | null;
}

/** @param part which of its measurements alone, '' for all; one without parts takes no notice */
export type Benchmark = (part: string) => BenchRow[] | Promise<BenchRow[]>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function row(name: string, value: number, unit: string): BenchRow {
  return { name, value, unit, peer: null, peerValue: null, ratio: null };
}

/** One timed run: seconds it took and how many operations that was. */
export interface Timed {
  readonly seconds: number;
  readonly operations: number;
}

export function timed(operations: number, run: () => void): Timed {
  const from = process.hrtime.bigint();
  run();
  return { seconds: Number(process.hrtime.bigint() - from) / 1e9, operations };
}

/**
 * Operations a second of `subject` against `peer`: `pairs` times one after the other, which of them
 * first in turn, so that whatever slows the machine slows both. One pair more goes first and is not
 * counted. The ratio is the median of the pairs' ratios, not the ratio of the medians.
 */
export function comparePairs(
  name: string,
  peer: string,
  pairs: number,
  subject: () => Timed,
  other: () => Timed,
): BenchRow {
  const rates: number[] = [];
  const peerRates: number[] = [];
  for (let pair = -1; pair < pairs; pair++) {
    const subjectFirst = pair % 2 === 0;
    const first = subjectFirst ? subject() : other();
    const second = subjectFirst ? other() : subject();
    if (pair < 0) continue;
    rates.push(rate(subjectFirst ? first : second));
    peerRates.push(rate(subjectFirst ? second : first));
  }
  const ratio = median(rates.map((value, i) => value / peerRates[i]!));
  return { name, value: median(rates), unit: 'ops/s', peer, peerValue: median(peerRates), ratio };
}

function rate(run: Timed): number {
  return run.operations / run.seconds;
}

function figure(value: number | null): string {
  if (value === null) return '';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

/** The rows as a table of text, a line each. */
export function table(rows: readonly BenchRow[]): string {
  const header = ['measurement', 'value', 'unit', 'peer', 'peer value', 'ratio'];
  const lines = rows.map((r) => [r.name, figure(r.value), r.unit, r.peer ?? '', figure(r.peerValue), figure(r.ratio)]);
  const widths = header.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]!.length)));
  const leftAligned = new Set([0, 2, 3]);
  return [header, widths.map((width) => '-'.repeat(width)), ...lines]
    .map((line) =>
      line
        .map((cell, i) => (leftAligned.has(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
