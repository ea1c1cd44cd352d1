import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/model/errors.js';
import { SeededRng } from '../../../src/core/rng.js';

const draw = (rng: { next(): number }, n: number): number[] => Array.from({ length: n }, () => rng.next());

describe('SeededRng', () => {
  it('gives the same numbers for the same seed, others for another', () => {
    expect(draw(new SeededRng(7), 50)).toEqual(draw(new SeededRng(7), 50));
    expect(draw(new SeededRng(7), 5)).not.toEqual(draw(new SeededRng(8), 5));
    expect(draw(new SeededRng(2 ** 40 + 7), 5)).not.toEqual(draw(new SeededRng(7), 5));
  });

  it('forks by seed and name alone, not by what was drawn', () => {
    const parent = new SeededRng(3);
    const early = parent.fork('disk');
    draw(parent, 100);
    expect(draw(parent.fork('disk'), 20)).toEqual(draw(early, 20));
    expect(draw(parent.fork('disk'), 5)).not.toEqual(draw(parent.fork('dusk'), 5));
    expect(draw(parent.fork('disk'), 5)).not.toEqual(draw(new SeededRng(4).fork('disk'), 5));
  });

  it('is uniform: mean, and each of 16 cells within five standard deviations', () => {
    const n = 200_000;
    const rng = new SeededRng(1);
    const cells = new Array<number>(16).fill(0);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const x = rng.next();
      sum += x;
      cells[Math.floor(x * 16)]! += 1;
    }
    expect(Math.abs(sum / n - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    for (const cell of cells) expect(Math.abs(cell - n / 16)).toBeLessThan(5 * Math.sqrt(n / 16));
  });

  it('below() stays below, reaches every value, and takes bounds up to 2^32', () => {
    const rng = new SeededRng(2);
    const seen = new Set<number>();
    for (let i = 0; i < 2_000; i++) seen.add(rng.below(7));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(rng.below(1)).toBe(0);
    for (let i = 0; i < 100; i++) expect(rng.below(2 ** 32)).toBeLessThan(2 ** 32);
    for (const bound of [0, -1, 1.5, 2 ** 32 + 1, NaN]) expect(() => rng.below(bound)).toThrow(SluiceError);
  });

  it('refuses a seed that is no integer', () => {
    for (const seed of [-1, 0.5, NaN, 2 ** 53]) expect(() => new SeededRng(seed)).toThrow(SluiceError);
  });
});
