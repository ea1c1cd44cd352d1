import { describe, expect, test } from 'vitest';
import { above, falls, flat, list, prefers, rises } from '../../../src/experiments/claims.js';
import type { Expectation, Figure, Point } from '../../../src/experiments/experiment.js';
import { judge, wording } from '../../../src/experiments/outcome.js';
import { indexHtml } from '../../../src/experiments/report/html.js';
import { VIRTUAL_TIME } from '../../../src/experiments/preface.js';
import type { Estimate } from '../../../src/experiments/statistics.js';

function value(mean: number, half = 0.1): Estimate {
  return { mean, half, runs: 5 };
}

/** Points with shares 100, 200, … and these throughputs. */
function points(means: readonly number[], half = 0.1): Point[] {
  const none = value(0);
  return means.map((mean, i) => ({
    tag: `app${String(i)}`,
    shares: 100 * (i + 1),
    opsPerS: value(mean, half),
    mbPerS: none,
    meanMs: none,
    p50Ms: none,
    p95Ms: none,
    p99Ms: none,
    ops: 1,
    diskIos: 1,
  }));
}

const ops = ({ opsPerS }: Point): Estimate => opsPerS;

describe('measures of claims', () => {
  test('rises: in order, apart, by the ratio; whatever order the points come in', () => {
    expect(rises(points([1, 2, 3]), ops, 3).holds).toBe(true);
    expect(rises(points([1, 2, 3]).reverse(), ops, 3).holds).toBe(true);
    expect(rises(points([1, 2, 3]), ops, 3.1).holds).toBe(false);
    expect(rises(points([1, 3, 2.9]), ops, 2).holds).toBe(false);
    expect(rises(points([1, 2, 2.1], 0.5), ops, 2).holds).toBe(false);
  });

  test('falls: the same the other way', () => {
    expect(falls(points([3, 2, 1]), ops, 3).holds).toBe(true);
    expect(falls(points([1, 2, 3]), ops, 1).holds).toBe(false);
  });

  test('flat: spread within a part of the mean', () => {
    expect(flat(points([10, 10.5, 9.6]), ops, 0.1).holds).toBe(true);
    expect(flat(points([10, 11, 9]), ops, 0.1).holds).toBe(false);
  });

  test('prefers: nobody above one that is owed more, the last by the ratio above the first', () => {
    expect(prefers(points([1, 2, 2.05, 2], 0.1), ops, 2).holds).toBe(true);
    expect(prefers(points([1, 3, 2.5, 2], 0.1), ops, 2).holds).toBe(false);
    expect(prefers(points([1, 1.5, 1.4], 0.1), ops, 2).holds).toBe(false);
  });

  test('above: by more than half of the interval of the difference', () => {
    expect(above(value(5, 3), value(0, 4))).toBe(false);
    expect(above(value(5.01, 3), value(0, 4))).toBe(true);
  });

  test('numbers are short, and a rounding error is not an interval', () => {
    expect(list([value(1234.5, 0.00123), value(0.012345, 1e-17)])).toBe('1235 ± 0.00123, 0.0123 ± 0');
  });
});

describe('expectations', () => {
  const figure = (holds: boolean, expected: Expectation): Figure => ({
    name: 'f',
    title: 'F <&>',
    about: '',
    scenarios: [],
    plots: [],
    notes: [],
    claims: [
      { id: 'f.c', source: 'paper', says: 'It is so.', threshold: 't', expected, judge: () => ({ holds, found: '1' }) },
    ],
  });
  const not: Expectation = { kind: 'not reproduced', because: 'of that' };

  test.each([
    [true, { kind: 'reproduced' } as const, true, 'reproduced'],
    [false, { kind: 'reproduced' } as const, false, 'not reproduced, where reproduced was expected'],
    [false, not, true, 'not reproduced'],
    [true, not, false, 'reproduced, where not reproduced was expected'],
  ])('holds %s, expected %j', (holds, expected, asExpected, words) => {
    const result = judge(figure(holds, expected), new Map());
    expect(result.claims[0]!.asExpected).toBe(asExpected);
    expect(wording(result.claims[0]!)).toBe(words);
  });

  test('the page shows them, escaped, with the reason', () => {
    const html = indexHtml(VIRTUAL_TIME, [judge(figure(false, not), new Map())], ['g'], [1, 2]);
    expect(html).toContain('F &lt;&amp;&gt;');
    expect(html).toContain('Why: of that');
    expect(html).toContain('Interrupted: g not finished');
    expect(html).not.toContain('F <&>');
  });
});
