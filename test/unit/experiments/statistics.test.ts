import { describe, expect, test } from 'vitest';
import { SeededRng } from '../../../src/core/rng.js';
import { estimate } from '../../../src/experiments/statistics.js';

describe('estimate', () => {
  test('mean and Student interval of a worked example', () => {
    // Five values, standard deviation sqrt(2.5): half = 2.776 * sqrt(2.5 / 5).
    const { mean, half, runs } = estimate([1, 2, 3, 4, 5]);
    expect(mean).toBe(3);
    expect(half).toBeCloseTo(2.776 * Math.sqrt(0.5), 6);
    expect(runs).toBe(5);
  });

  test('one run has no interval; none is refused', () => {
    expect(estimate([7])).toEqual({ mean: 7, half: 0, runs: 1 });
    expect(() => estimate([])).toThrow(/at least one/);
  });

  test.each([2, 5, 31, 60])('95 of 100 intervals of %i normal values hold the true mean', (count) => {
    const rng = new SeededRng(count);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
    let held = 0;
    const TRIALS = 4_000;
    for (let trial = 0; trial < TRIALS; trial++) {
      const { mean, half } = estimate(Array.from({ length: count }, normal));
      if (Math.abs(mean) <= half) held++;
    }
    expect(held / TRIALS).toBeGreaterThan(0.935);
    expect(held / TRIALS).toBeLessThan(0.965);
  });
});
