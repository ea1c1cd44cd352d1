import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sortInSteps } from '../../../src/core/usage/sort-steps.js';

describe('sortInSteps', () => {
  it('sorts as the engine does, equals as they stood, however many there are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5_000 }).chain((length) =>
          fc.record({
            keys: fc.array(fc.integer({ min: 0, max: length }), { minLength: length, maxLength: length, size: 'max' }),
          }),
        ),
        ({ keys }) => {
          const compare = (a: number, b: number): number => keys[a]! - keys[b]!;
          const expected = [...keys.keys()].sort(compare);
          const steps = sortInSteps(Int32Array.from(keys.keys()), compare);
          let step = steps.next();
          while (step.done !== true) step = steps.next();
          expect([...step.value]).toEqual(expected);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('compares few between two steps', () => {
    let compared = 0;
    let most = 0;
    const steps = sortInSteps(
      Int32Array.from({ length: 20_000 }, (_, i) => (i * 7_919) % 20_000),
      (a, b) => {
        compared += 1;
        return a - b;
      },
    );
    for (let step = steps.next(); step.done !== true; step = steps.next()) {
      most = Math.max(most, compared);
      compared = 0;
    }
    // A run of 1,024 takes at most 1,024 times its binary logarithm.
    expect(Math.max(most, compared)).toBeLessThanOrEqual(1_024 * 10);
  });
});
