/** Both bounds of fairness, on random histories. SLUICE_LONG=n plays n times as many. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fair } from '../../../src/core/scheduling/fair.js';
import { fifo } from '../../../src/core/scheduling/fifo.js';
import { BoundsChecker, BoundsViolation } from './bounds.js';
import { history, playHistory } from './histories.js';
import { inRuns } from './in-runs.js';

const LONG = Math.max(1, Number(process.env['SLUICE_LONG'] ?? 1) || 1);
const HISTORIES = 10_000 * LONG;

function violations(run: () => void): BoundsViolation | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof BoundsViolation) return error;
    throw error;
  }
}

describe('bounds of fairness', () => {
  test('hold for fair: dispatched and completed cost of siblings', { timeout: 60_000 * LONG }, () => {
    fc.assert(
      fc.property(history, (played) => playHistory(fair, played)),
      { numRuns: HISTORIES },
    );
  });

  test('are broken by a scheduler that grants in runs of 32, and the checker finds it', () => {
    const found = fc.check(
      fc.property(history, (played) => violations(() => playHistory(inRuns(fair, 32), played))?.bound !== 'dispatched'),
      { numRuns: 200, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });

  test('are broken by arrival order', () => {
    const found = fc.check(
      fc.property(history, (played) => violations(() => playHistory(fifo, played)) === null),
      { numRuns: 200, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });

  test('the checker takes what is just within a bound, and names what is just past it', () => {
    const checker = new BoundsChecker(['f', 'g'], 1, 0, () => ({ shares: 1, selfShares: 1 }));
    for (let i = 0; i < 9; i++) {
      checker.arrived('f', 5);
      checker.arrived('g', 5);
    }
    checker.granted('f', 5);
    checker.granted('f', 5);
    expect(() => checker.granted('f', 5)).toThrow('dispatched cost of g and f parted by 15 cost a share, allowed 10');
  });
});
