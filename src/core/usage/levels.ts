/** The series of a ledger by level: 0 = the finest step; the total stands behind the last as one more level. */
import { SluiceError, invalid } from '../model/errors.js';
import { MS_PER_S } from '../model/units.js';
import { USAGE_STEPS, type UsageQuery } from '../model/usage.js';

/** Number of series. */
export const LEVELS = USAGE_STEPS.length;
/** Their steps in seconds. */
export const STEPS_S = USAGE_STEPS.map((step) => step.stepMs / MS_PER_S);

/** The begin of the interval that a second lies in. */
export function align(second: number, level: number): number {
  const step = STEPS_S[level]!;
  return Math.floor(second / step) * step;
}

/**
 * The level that answers. For one row over a range: the coarsest with borders at both ends, which
 * reaches back furthest.
 * @throws SluiceError INVALID_ARGUMENT
 */
export function levelFor(query: UsageQuery): number {
  for (let level = LEVELS - 1; level >= 0; level--) {
    const { stepMs } = USAGE_STEPS[level]!;
    if (query.stepMs === stepMs) return level;
    if (query.stepMs === 0 && query.fromMs % stepMs === 0 && query.toMs % stepMs === 0) return level;
  }
  throw invalid('step_ms', `0 or one of ${USAGE_STEPS.map((s) => String(s.stepMs)).join(', ')}`, query.stepMs);
}

/** What a range gets that begins before what the level keeps. */
export function tooOld(query: UsageQuery, level: number, oldestMs: number): SluiceError {
  const step = String(USAGE_STEPS[level]!.stepMs);
  const quantiles = query.quantiles.length === 0 ? '' : ' and quantiles are asked for';
  return new SluiceError(
    'OUT_OF_RANGE',
    `from_ms must be ${String(oldestMs)} or later where steps of ${step} ms answer${quantiles}, got ${String(query.fromMs)}`,
    { field: 'from_ms' },
  );
}
