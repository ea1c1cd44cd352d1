/**
 * Algorithms to compare with: for experiments, not for devices (docs/adr/0015-baselines-are-no-schedulers.md). Each is a
 * plug-in like those of the registry that devices are set to.
 */
import type { AlgorithmFactory } from '../algorithm.js';
import { cfq } from './cfq.js';
import type { PriorityOf } from './cfq.js';
import { lottery } from './lottery.js';
import { parda } from './parda.js';

export const BASELINES = ['lottery', 'cfq', 'parda'] as const;
export type BaselineName = (typeof BASELINES)[number];

/** What a baseline may need beyond what every algorithm is told. */
export interface BaselineContext {
  readonly seed: number;
  /** CFQ's, by tag. */
  readonly priorityOf: PriorityOf;
}

export function makeBaseline(name: BaselineName, context: BaselineContext): AlgorithmFactory {
  switch (name) {
    case 'lottery':
      return lottery(context.seed);
    case 'cfq':
      return cfq(context.priorityOf);
    case 'parda':
      return parda();
  }
}
