import { describe, expect, test } from 'vitest';
import { SeededRng } from '../../../src/core/rng.js';
import { PageCache } from '../../../src/simulator/guests/page-cache.js';

describe('page cache', () => {
  test('holds a range when all of its pages were put in', () => {
    const cache = new PageCache(1 << 20, 4_096);
    cache.insert(8_192, 8_192);
    expect(cache.has(8_192, 8_192)).toBe(true);
    expect(cache.has(12_000, 100)).toBe(true);
    expect(cache.has(8_191, 10)).toBe(false);
    expect(cache.has(12_288, 4_097)).toBe(false);
  });

  test('never holds more than its size, and after many replacements knows exactly what is in it', () => {
    for (const size of [500, 3_000]) {
      const cache = new PageCache(size * 4_096, 4_096);
      const rng = new SeededRng(7);
      for (let i = 0; i < 50_000; i++) cache.insert(rng.below(5_000) * 4_096, 4_096);
      expect(cache.count).toBe(size);
      let held = 0;
      for (let page = 0; page < 5_000; page++) if (cache.has(page * 4_096, 4_096)) held++;
      expect(held).toBe(size);
    }
  });

  test('a page that is used again stays, those used once go', () => {
    const cache = new PageCache(100 * 4_096, 4_096);
    cache.insert(0, 4_096);
    for (let page = 1; page < 10_000; page++) {
      cache.has(0, 4_096);
      cache.insert(page * 4_096, 4_096);
    }
    expect(cache.has(0, 4_096)).toBe(true);
    expect(cache.has(4_096, 4_096)).toBe(false);
  });

  test('tells pages beyond 2^32 apart', () => {
    const cache = new PageCache(1 << 20, 512);
    cache.insert(512 * 2 ** 32, 512);
    expect(cache.has(0, 512)).toBe(false);
    expect(cache.has(512 * 2 ** 32, 512)).toBe(true);
  });
});
