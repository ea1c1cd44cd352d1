/** Means and confidence intervals over repeated runs. */
import { invalid } from '../core/model/errors.js';

export interface Estimate {
  readonly mean: number;
  /** Half the width of the 95 % confidence interval. */
  readonly half: number;
  /** Runs that it is made of. */
  readonly runs: number;
}

/**
 * 97.5 % quantiles of Student's t by degrees of freedom, 1 to 30 (any table of it, such as NIST/SEMATECH
 * e-Handbook of Statistical Methods, 1.3.6.7.2); beyond, that of the normal distribution plus its first correction.
 */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const NORMAL_975 = 1.96;

function t975(degrees: number): number {
  // Cornish-Fisher: t = z + (z^3 + z) / (4 n); below 0.001 off from n = 31 on.
  return T_975[degrees - 1] ?? NORMAL_975 + (NORMAL_975 ** 3 + NORMAL_975) / (4 * degrees);
}

/**
 * Mean with a 95 % confidence interval by Student's t: runs with different seeds are independent, and
 * each is itself a mean over thousands of operations, so nearly normal. One run alone has no interval: half is 0.
 */
export function estimate(values: readonly number[]): Estimate {
  const runs = values.length;
  if (runs === 0) throw invalid('values', 'at least one', runs);
  const mean = values.reduce((sum, value) => sum + value, 0) / runs;
  if (runs === 1) return { mean, half: 0, runs };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, half: t975(runs - 1) * Math.sqrt(squares / (runs - 1) / runs), runs };
}
