import { describe, expect, test } from 'vitest';
import { KIB, MIB } from '../../../src/core/model/units.js';
import { ReadAhead } from '../../../src/simulator/guests/read-ahead.js';

const BLOCK = 16 * KIB;

function reader(): { ahead: ReadAhead; asked: { offset: number; lengthBytes: number; window: number }[] } {
  const asked: { offset: number; lengthBytes: number; window: number }[] = [];
  const ahead = new ReadAhead((offset, lengthBytes, window) => asked.push({ offset, lengthBytes, window }));
  return { ahead, asked };
}

describe('read-ahead', () => {
  test('doubles its window up to 128 KiB, one window ahead of the reader, each byte once', () => {
    const { ahead, asked } = reader();
    for (let offset = 0; offset < 16 * MIB; offset += BLOCK) {
      ahead.touch(offset, BLOCK);
      for (const { window } of asked) ahead.arrived(window);
      expect(ahead.ready(offset, BLOCK)).toBe(true);
    }
    expect(asked.slice(0, 5).map(({ lengthBytes }) => lengthBytes / KIB)).toEqual([32, 64, 128, 128, 128]);
    let end = 0;
    for (const { offset, lengthBytes } of asked) {
      expect(offset).toBe(end);
      end += lengthBytes;
    }
    expect(end).toBe(16 * MIB);
  });

  test('the next window is asked for at the mark, before the reader has to wait for it', () => {
    const { ahead, asked } = reader();
    ahead.touch(0, BLOCK);
    ahead.arrived(0);
    expect(ahead.asksForMore(0, BLOCK)).toBe(false);
    expect(ahead.asksForMore(BLOCK, BLOCK)).toBe(true);
    ahead.touch(BLOCK, BLOCK);
    expect(asked).toHaveLength(2);
    expect(ahead.ready(BLOCK, BLOCK)).toBe(true);
    expect(ahead.ready(2 * BLOCK, BLOCK)).toBe(false);
  });

  test('a window that arrives before an earlier one is not taken for both', () => {
    const { ahead } = reader();
    ahead.touch(0, BLOCK);
    ahead.touch(BLOCK, BLOCK);
    ahead.arrived(1);
    expect(ahead.ready(0, BLOCK)).toBe(false);
    ahead.arrived(0);
    expect(ahead.ready(4 * BLOCK, BLOCK)).toBe(true);
  });

  test('a new file begins anew, and what was asked for of the old one changes nothing', () => {
    const { ahead, asked } = reader();
    ahead.touch(16 * MIB - BLOCK, BLOCK);
    expect(asked[0]!.lengthBytes).toBe(BLOCK);
    ahead.touch(16 * MIB, BLOCK);
    expect(asked[1]).toMatchObject({ offset: 16 * MIB, lengthBytes: 32 * KIB });
    ahead.arrived(0);
    expect(ahead.ready(16 * MIB, BLOCK)).toBe(false);
    ahead.arrived(1);
    expect(ahead.ready(16 * MIB, BLOCK)).toBe(true);
  });
});
