import { describe, expect, test } from 'vitest';
import { GIB } from '../../../src/core/model/units.js';
import { Memory } from '../../../src/simulator/guests/memory.js';

describe('memory', () => {
  test('lends a page cache to one machine at a time, and empty', () => {
    const memory = new Memory();
    const one = memory.pageCache(GIB, 4_096, 4 * GIB);
    const two = memory.pageCache(GIB, 4_096, 4 * GIB);
    expect(two).not.toBe(one);
    one.insert(0, 8_192);
    memory.takeBack();
    const again = [memory.pageCache(GIB, 4_096, 4 * GIB), memory.pageCache(GIB, 4_096, 4 * GIB)];
    expect(new Set(again)).toEqual(new Set([one, two]));
    expect(again.map(({ count }) => count)).toEqual([0, 0]);
    expect([one, two]).not.toContain(memory.pageCache(GIB, 4_096, 4 * GIB));
  });

  test('lends none of another size, page or disk', () => {
    const memory = new Memory();
    const one = memory.pageCache(GIB, 4_096, 4 * GIB);
    memory.takeBack();
    expect(memory.pageCache(GIB / 2, 4_096, 4 * GIB)).not.toBe(one);
    expect(memory.pageCache(4 * GIB, 16_384, 4 * GIB)).not.toBe(one);
    expect(memory.pageCache(GIB, 4_096, 2 * GIB)).not.toBe(one);
  });
});
