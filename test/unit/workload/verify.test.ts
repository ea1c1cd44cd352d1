/** Verification of data: passes what is right in any allowed order, and finds what is not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPS } from '../../../src/core/model/request.js';
import type { Op } from '../../../src/core/model/request.js';
import type { RequestSource } from '../../../src/workload/request-source.js';
import { VerifiedRegion, VerifiedSource } from '../../../src/workload/verify.js';

const BLOCK = 512;

describe('VerifiedRegion', () => {
  it('passes what was written, from the answer of the write on', () => {
    const region = new VerifiedRegion(7, 1 << 20, 1 << 16, BLOCK);
    const at = (1 << 20) + BLOCK;
    expect(region.check(at, new Uint8Array(2 * BLOCK).fill(9), region.expected(at, 2 * BLOCK))).toBe('');
    const data = region.payload(at, 2 * BLOCK);
    const before = region.expected(at, 2 * BLOCK);
    region.written(at, 2 * BLOCK, true);
    expect(region.check(at, data, region.expected(at, 2 * BLOCK))).toBe('');
    // Issued before the answer: it may also show what was there before.
    expect(region.check(at, new Uint8Array(2 * BLOCK), before)).toBe('');
    expect(region.check(at, new Uint8Array(2 * BLOCK), region.expected(at, 2 * BLOCK))).toContain(
      'must have version 1..1, got 0',
    );
  });

  it('finds an old version, another place, another writer, a flipped bit, a short read', () => {
    const region = new VerifiedRegion(7, 0, 1 << 16, BLOCK);
    const old = region.payload(0, BLOCK);
    region.written(0, BLOCK, true);
    const now = region.payload(0, BLOCK);
    region.written(0, BLOCK, true);
    const expected = region.expected(0, BLOCK);
    expect(region.check(0, now, expected)).toBe('');
    expect(region.check(0, old, expected)).toContain('must have version 2..2, got 1');
    const elsewhere = new VerifiedRegion(7, 0, 1 << 16, BLOCK);
    for (let i = 0; i < 2; i++) {
      elsewhere.payload(BLOCK, BLOCK);
      elsewhere.written(BLOCK, BLOCK, true);
    }
    const misdirected = elsewhere.payload(BLOCK, BLOCK);
    expect(region.check(0, misdirected, expected)).not.toBe('');
    const stranger = new VerifiedRegion(8, 0, 1 << 16, BLOCK);
    stranger.payload(0, BLOCK);
    expect(region.check(0, stranger.payload(0, BLOCK), expected)).toContain('is not what version 2 wrote');
    expect(region.check(0, now.subarray(1), expected)).toContain('brought 511');
    fc.assert(
      fc.property(fc.nat({ max: BLOCK - 1 }), fc.nat({ max: 7 }), (byte, bit) => {
        const flipped = now.slice();
        flipped[byte] = flipped[byte]! ^ (1 << bit);
        expect(region.check(0, flipped, expected)).not.toBe('');
      }),
    );
  });

  it('takes either version after a write that failed', () => {
    const region = new VerifiedRegion(1, 0, 1 << 16, BLOCK);
    const first = region.payload(0, BLOCK);
    region.written(0, BLOCK, true);
    const second = region.payload(0, BLOCK);
    region.written(0, BLOCK, false);
    const expected = region.expected(0, BLOCK);
    expect(region.check(0, first, expected)).toBe('');
    expect(region.check(0, second, expected)).toBe('');
  });

  it('makes a write to a busy block a read', () => {
    const region = new VerifiedRegion(1, 0, 1 << 16, BLOCK);
    const writes: RequestSource = { op: OPS.WRITE, offset: 0, lengthBytes: 2 * BLOCK, dueNs: 3, next: () => true };
    const source = new VerifiedSource(writes, region);
    const op = (): Op => {
      source.next();
      return source.op;
    };
    expect(op()).toBe(OPS.WRITE);
    region.payload(BLOCK, BLOCK);
    expect(op()).toBe(OPS.READ);
    expect([source.offset, source.lengthBytes, source.dueNs]).toEqual([0, 1024, 3]);
    region.written(BLOCK, BLOCK, true);
    expect(op()).toBe(OPS.WRITE);
  });
});
