/** All figures, in the order of the report: one line each. */
import { SluiceError } from '../core/model/errors.js';
import type { Figure } from './experiment.js';
import { figure4 } from './figures/hdd.js';

export const FIGURES: readonly Figure[] = [figure4];

/** @throws SluiceError INVALID_ARGUMENT naming what there is */
export function figuresOf(names: readonly string[]): readonly Figure[] {
  if (names.length === 0 || names.includes('all')) return FIGURES;
  const known = FIGURES.map(({ name }) => name);
  for (const name of names) {
    if (!known.includes(name)) {
      throw new SluiceError(
        'INVALID_ARGUMENT',
        `experiment must be all or one of ${known.join(', ')}, got ${JSON.stringify(name)}`,
        { field: 'experiment' },
      );
    }
  }
  return FIGURES.filter(({ name }) => names.includes(name));
}
