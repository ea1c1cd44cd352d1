/** All figures, in the order of the report: one line each. */
import { SluiceError } from '../core/model/errors.js';
import type { Figure } from './experiment.js';
import { algorithms, scale, siocComparison, taggedWrites } from './figures/open.js';
import { figure11, figure12, figure4, figure5 } from './figures/same-workload.js';
import { figure10 } from './figures/dispatch.js';
import { figure7, figure8, figure9 } from './figures/mixed.js';
import { figure6 } from './figures/schedulers.js';

export const FIGURES: readonly Figure[] = [
  figure4,
  figure5,
  figure6,
  figure7,
  figure8,
  figure9,
  figure10,
  figure11,
  figure12,
  taggedWrites,
  siocComparison,
  scale,
  algorithms,
];

/**
 * @param of all that there are
 * @throws SluiceError INVALID_ARGUMENT naming them
 */
export function figuresOf(names: readonly string[], of: readonly Figure[] = FIGURES): readonly Figure[] {
  if (names.length === 0 || names.includes('all')) return of;
  const known = of.map(({ name }) => name);
  for (const name of names) {
    if (!known.includes(name)) {
      throw new SluiceError(
        'INVALID_ARGUMENT',
        `experiment must be all or one of ${known.join(', ')}, got ${JSON.stringify(name)}`,
        { field: 'experiment' },
      );
    }
  }
  return of.filter(({ name }) => names.includes(name));
}
