/** How far back the charts reach: five live minutes, or a range that usage is asked for. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const RANGES = ['5m', '1h', '24h', '7d'] as const;
export type Range = (typeof RANGES)[number];
export type PastRange = Exclude<Range, '5m'>;

interface Reach {
  readonly stepMs: number;
  /**
   * Both ends are multiples of it: so that one row for the whole range comes out of a few coarse
   * steps, not out of 1,440 minutes.
   */
  readonly alignMs: number;
  /** From the begin of the interval that is open. */
  readonly backMs: number;
  /** How often it is asked again. */
  readonly paceMs: number;
}

const REACH: Readonly<Record<PastRange, Reach>> = {
  '1h': { stepMs: MINUTE_MS, alignMs: MINUTE_MS, backMs: HOUR_MS, paceMs: 10_000 },
  '24h': { stepMs: MINUTE_MS, alignMs: HOUR_MS, backMs: 24 * HOUR_MS, paceMs: MINUTE_MS },
  // The open hour is the last of 168: percentiles of an hour more are gone as the next one begins.
  '7d': { stepMs: HOUR_MS, alignMs: HOUR_MS, backMs: 167 * HOUR_MS, paceMs: MINUTE_MS },
};

/** [fromMs, toMs), milliseconds since 1970; what is after nowMs has not been. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly nowMs: number;
}

export function spanOf(range: PastRange, nowMs: number): Span {
  const { stepMs, alignMs, backMs } = REACH[range];
  const openMs = Math.floor(nowMs / alignMs) * alignMs;
  return { fromMs: openMs - backMs, toMs: openMs + alignMs, stepMs, nowMs };
}

export function paceMs(range: PastRange): number {
  return REACH[range].paceMs;
}

/** The begins of the steps that have begun. */
export function startsOf({ fromMs, toMs, stepMs, nowMs }: Span): number[] {
  const steps = Math.ceil((Math.min(toMs, nowMs) - fromMs) / stepMs);
  return Array.from({ length: steps }, (_, i) => fromMs + i * stepMs);
}
