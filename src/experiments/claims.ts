/** The measures that claims are judged by. */
import type { Point, Verdict } from './experiment.js';
import type { Estimate } from './statistics.js';

/** A number as the report prints it: three significant digits, or whole from 100 on. */
export function short(value: number): string {
  if (Math.abs(value) < 1e-9) return '0';
  return Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}

export function list(values: readonly Estimate[]): string {
  return values.map(({ mean, half }) => `${short(mean)} ± ${short(half)}`).join(', ');
}

/** The difference of two independent means is above 0 by more than half of its own 95 % interval. */
export function above(high: Estimate, low: Estimate): boolean {
  return high.mean - low.mean > Math.hypot(high.half, low.half);
}

function byShares(points: readonly Point[]): Point[] {
  return [...points].sort((a, b) => a.shares - b.shares);
}

/**
 * Each application with more shares has more of it, and the one with the most at least `ratio` times
 * that of the one with the least. Neighbours count as different where `above` says so.
 */
export function rises(points: readonly Point[], of: (point: Point) => Estimate, ratio: number): Verdict {
  const values = byShares(points).map(of);
  return { holds: ordered(values) && values.at(-1)!.mean >= ratio * values[0]!.mean, found: list(values) };
}

/** The same downwards. */
export function falls(points: readonly Point[], of: (point: Point) => Estimate, ratio: number): Verdict {
  const values = byShares(points).map(of);
  return {
    holds: ordered([...values].reverse()) && values[0]!.mean >= ratio * values.at(-1)!.mean,
    found: list(values),
  };
}

function ordered(values: readonly Estimate[]): boolean {
  return values.every((value, i) => {
    const before = values[i - 1];
    return before === undefined || above(value, before);
  });
}

/** The largest and the smallest are no further apart than `part` of the mean. */
export function flat(points: readonly Point[], of: (point: Point) => Estimate, part: number): Verdict {
  const values = byShares(points).map(of);
  const means = values.map(({ mean }) => mean);
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  return { holds: Math.max(...means) - Math.min(...means) <= part * mean, found: list(values) };
}

/**
 * Shares or priorities show: the last of the points, which has the most of them, has at least `ratio` times
 * what the first has, and none is `above` one that is owed more.
 */
export function prefers(points: readonly Point[], of: (point: Point) => Estimate, ratio: number): Verdict {
  const values = byShares(points).map(of);
  const inverted = values.some((low, i) => values.slice(i + 1).some((high) => above(low, high)));
  return { holds: !inverted && values.at(-1)!.mean >= ratio * values[0]!.mean, found: list(values) };
}
