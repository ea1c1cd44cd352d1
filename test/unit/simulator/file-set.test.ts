import { describe, expect, test } from 'vitest';
import type { Rng } from '../../../src/core/ports.js';
import { SeededRng } from '../../../src/core/rng.js';
import { FileSet } from '../../../src/simulator/guests/programs/file-set.js';

const KIB = 1_024;

describe('file set', () => {
  test('sizes have the mean and the quantiles of a gamma distribution of mean 16 KiB and shape 1.5, in whole pages', () => {
    const { bytes } = new FileSet(20_000, 1, new SeededRng(1));
    const sorted = Float64Array.from(bytes).sort();
    const quantile = (q: number): number => sorted[Math.floor(q * sorted.length)]! / KIB;
    expect(sorted.every((size) => size > 0 && size % (4 * KIB) === 0)).toBe(true);
    // Half a page more than the distribution, on average, for the rounding up.
    expect(sorted.reduce((sum, size) => sum + size, 0) / sorted.length / KIB).toBeCloseTo(18, 0);
    expect([quantile(0.1), quantile(0.5), quantile(0.9), quantile(0.99)]).toEqual([4, 16, 36, 64]);
  });

  test('no file is longer than 128 KiB, whatever is drawn', () => {
    const rng = new SeededRng(1);
    const draws: Rng = { next: () => 1 - 2 ** -53, below: (bound) => rng.below(bound), fork: () => draws };
    expect([...new FileSet(3, 1, draws).bytes]).toEqual([128 * KIB, 128 * KIB, 128 * KIB]);
  });

  test('files lie side by side without overlapping, in another order than their numbers', () => {
    const { offsets, bytes } = new FileSet(1_000, 1, new SeededRng(2));
    const order = [...offsets.keys()].sort((a, b) => offsets[a]! - offsets[b]!);
    expect(order).not.toEqual([...offsets.keys()]);
    for (let i = 1; i < order.length; i++) {
      expect(offsets[order[i]!]).toBe(offsets[order[i - 1]!]! + bytes[order[i - 1]!]!);
    }
  });

  test('opens in rotation what exists, creates what does not, and an append stays in the place of its file', () => {
    const files = new FileSet(100, 0.8, new SeededRng(3));
    const existing = [...files.bytes].filter((size) => size > 0).length;
    const seen = new Set(Array.from({ length: existing }, () => files.nextToRead()));
    expect(seen.size).toBe(existing);
    const created = files.nextToCreate();
    expect(files.bytes[created]).toBe(0);
    for (let i = 0; i < 40; i++) {
      const from = files.append(created, 5_000);
      expect(from).toBeGreaterThanOrEqual(files.offsets[created]!);
      expect(from + 8 * KIB).toBeLessThanOrEqual(files.offsets[created]! + 128 * KIB);
    }
    expect(files.bytes[created]).toBe(128 * KIB);
  });
});
