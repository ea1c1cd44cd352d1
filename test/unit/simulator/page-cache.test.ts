import { describe, expect, test } from 'vitest';
import { GIB } from '../../../src/core/model/units.js';
import { SeededRng } from '../../../src/core/rng.js';
import { PageCache } from '../../../src/simulator/guests/page-cache.js';

describe('page cache', () => {
  test('holds a range when all of its pages were put in', () => {
    const cache = new PageCache(1 << 20, 4_096, GIB);
    cache.insert(8_192, 8_192);
    expect(cache.has(8_192, 8_192)).toBe(true);
    expect(cache.has(12_000, 100)).toBe(true);
    expect(cache.has(8_191, 10)).toBe(false);
    expect(cache.has(12_288, 4_097)).toBe(false);
  });

  test('never holds more than its size, and after many replacements knows exactly what is in it', () => {
    for (const size of [500, 3_000]) {
      const cache = new PageCache(size * 4_096, 4_096, GIB);
      const rng = new SeededRng(7);
      for (let i = 0; i < 50_000; i++) cache.insert(rng.below(5_000) * 4_096, 4_096);
      expect(cache.count).toBe(size);
      let held = 0;
      for (let page = 0; page < 5_000; page++) if (cache.has(page * 4_096, 4_096)) held++;
      expect(held).toBe(size);
    }
  });

  test('a page that is used again stays, those used once go', () => {
    const cache = new PageCache(100 * 4_096, 4_096, GIB);
    cache.insert(0, 4_096);
    for (let page = 1; page < 10_000; page++) {
      cache.has(0, 4_096);
      cache.insert(page * 4_096, 4_096);
    }
    expect(cache.has(0, 4_096)).toBe(true);
    expect(cache.has(4_096, 4_096)).toBe(false);
  });

  test('tells of each page of a read what it tells of it alone, over the borders of its words too', () => {
    const rng = new SeededRng(11);
    for (let round = 0; round < 300; round++) {
      const cache = new PageCache(GIB, 4_096, GIB);
      const held = Array.from({ length: 100 }, () => rng.below(3) > 0);
      for (const [page, is] of held.entries()) if (is) cache.insert(page * 4_096, 4_096);
      const from = rng.below(60);
      const pages = 1 + rng.below(40);
      const offset = from * 4_096 + rng.below(4_096);
      const endOffset = (from + pages - 1) * 4_096 + 1 + rng.below(4_096);
      if (endOffset <= offset) continue;
      expect(cache.has(offset, endOffset - offset)).toBe(held.slice(from, from + pages).every((is) => is));
    }
  });

  test('what a read finds is used, also where it does not find all', () => {
    const cache = new PageCache(4 * 4_096, 4_096, GIB);
    for (let page = 0; page < 4; page++) cache.insert(page * 4_096, 4_096);
    expect(cache.has(2 * 4_096, 3 * 4_096)).toBe(false);
    cache.insert(10 * 4_096, 2 * 4_096);
    expect([0, 1, 2, 3].map((page) => cache.has(page * 4_096, 4_096))).toEqual([false, false, true, true]);
  });

  test('tells pages at the end of the largest disk apart, and takes no larger one', () => {
    const cache = new PageCache(1 << 20, 4_096, 2 ** 40);
    cache.insert(2 ** 40 - 4_096, 4_096);
    expect(cache.has(0, 4_096)).toBe(false);
    expect(cache.has(2 ** 40 - 4_096, 4_096)).toBe(true);
    expect(() => new PageCache(1 << 20, 4_096, 4_096 * 2 ** 31 + 1)).toThrow('diskBytes');
    expect(() => new PageCache(1 << 20, 4_095, GIB)).toThrow('pageBytes');
  });

  test('that was cleared is as one that is new, whether little or much was in it', () => {
    for (const pages of [10, 100_000]) {
      const used = new PageCache(50_000 * 4_096, 4_096, GIB);
      const rng = new SeededRng(pages);
      for (let i = 0; i < pages; i++) {
        used.insert(rng.below(200_000) * 4_096, 4_096);
        used.has(rng.below(200_000) * 4_096, 8_192);
      }
      used.clear();
      expect(used.count).toBe(0);
      for (let page = 0; page < 262_144; page++)
        if (used.has(page * 4_096, 4_096)) expect.fail(`page ${page} is in it`);
      const fresh = new PageCache(50_000 * 4_096, 4_096, GIB);
      const found = [used, fresh].map((cache) => {
        const draws = new SeededRng(3);
        let hits = 0;
        for (let i = 0; i < 200_000; i++) {
          const offset = draws.below(100_000) * 4_096;
          if (cache.has(offset, 4_096)) hits++;
          else cache.insert(offset, 4_096);
        }
        return hits;
      });
      expect(found[0]).toBe(found[1]);
    }
  });
});
