/** Configured against achieved share over a range. */
import { owedShares, type SharesInForce } from '../../core/model/owed-shares.js';
import type { UsageRow } from './api.js';
import { amount } from './past.js';

export interface TagShare {
  readonly tag: string;
  /** Part of the device owed among the tags that were served; NaN where it was not. */
  readonly owed: number;
  /** Part of the cost that it got. */
  readonly achieved: number;
}

/** @param whole one row a tag for the whole range */
export function sharesOver(whole: readonly UsageRow[], inForce: SharesInForce): TagShare[] {
  const owed = owedShares(
    whole.map(({ tag }) => tag),
    inForce,
  );
  const costs = whole.map((row) => amount(row, 'cost'));
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  return whole.map(({ tag }, i) => ({
    tag,
    owed: owed.get(tag) ?? NaN,
    achieved: total > 0 ? costs[i]! / total : NaN,
  }));
}
