import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_BYTES, PageStore } from '../../../src/devices/sim/page-store.js';
import { zeros } from '../../../src/devices/sim/zeros.js';

describe('PageStore', () => {
  it('agrees with plain memory over random writes and clears, and keeps no page that is all zero', () => {
    const size = 16 * PAGE_BYTES;
    const step = fc.record({
      kind: fc.constantFrom('write', 'write', 'zeros', 'shared zeros', 'clear', 'read'),
      at: fc.nat(size - 1),
      bytes: fc.integer({ min: 1, max: 3 * PAGE_BYTES }),
      fill: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = new PageStore(size);
        const model = Buffer.alloc(size);
        for (const { kind, at, bytes, fill } of steps) {
          const end = Math.min(size, at + bytes);
          if (kind === 'write' || kind === 'zeros') {
            const data = Buffer.alloc(end - at, kind === 'write' ? fill : 0);
            expect(store.write(at, data)).toBe(true);
            model.set(data, at);
          } else if (kind === 'shared zeros') {
            expect(store.write(at, zeros(end - at))).toBe(true);
            model.fill(0, at, end);
          } else if (kind === 'clear') {
            store.clear(at, end - at);
            model.fill(0, at, end);
          } else {
            const into = Buffer.alloc(end - at, 0xcc);
            store.read(at, into);
            expect(into.equals(model.subarray(at, end))).toBe(true);
            if (store.isEmpty(at, end - at)) expect(into.every((byte) => byte === 0)).toBe(true);
          }
        }
        let nonZero = 0;
        for (let page = 0; page < 16; page++) {
          if (model.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES).some((byte) => byte !== 0)) nonZero += 1;
        }
        expect(store.pages).toBeGreaterThanOrEqual(nonZero);
      }),
    );
  });

  it('refuses a write that needs more pages than are left, and changes nothing', () => {
    const store = new PageStore(2 * PAGE_BYTES);
    const data = Buffer.alloc(2 * PAGE_BYTES, 7);
    expect(store.write(PAGE_BYTES, data.subarray(0, PAGE_BYTES))).toBe(true);
    expect(store.write(8 * PAGE_BYTES, data)).toBe(false);
    expect(store.isEmpty(8 * PAGE_BYTES, 2 * PAGE_BYTES)).toBe(true);
    // Over what is there it may go, and into what is left.
    expect(store.write(0, data)).toBe(true);
    expect(store.write(0, data)).toBe(true);
    expect(store.pages).toBe(2);
    store.clear(0, PAGE_BYTES);
    expect(store.write(20 * PAGE_BYTES, data.subarray(0, PAGE_BYTES))).toBe(true);
    expect(new PageStore(0).write(0, data)).toBe(false);
  });

  it('keeps nothing of zeros, and gives a page back that becomes zero', () => {
    const store = new PageStore(PAGE_BYTES);
    expect(store.write(0, Buffer.alloc(100 * PAGE_BYTES))).toBe(true);
    expect(store.pages).toBe(0);
    expect(store.write(0, Buffer.alloc(PAGE_BYTES, 1))).toBe(true);
    expect(store.pages).toBe(1);
    expect(store.write(0, Buffer.alloc(PAGE_BYTES))).toBe(true);
    expect(store.pages).toBe(0);
  });

  it('shows nothing of what a place held before', () => {
    const store = new PageStore(PAGE_BYTES);
    store.write(0, Buffer.alloc(PAGE_BYTES, 9));
    store.clear(0, PAGE_BYTES);
    store.write(5 * PAGE_BYTES + 512, Buffer.alloc(512, 3));
    const page = Buffer.alloc(PAGE_BYTES);
    store.read(5 * PAGE_BYTES, page);
    expect(page.filter((byte) => byte === 9).length).toBe(0);
    expect(page.filter((byte) => byte === 3).length).toBe(512);
  });

  it('clears a range far larger than what it keeps', () => {
    const store = new PageStore(10 * PAGE_BYTES);
    store.write(7 * PAGE_BYTES, Buffer.alloc(3 * PAGE_BYTES, 1));
    store.clear(7 * PAGE_BYTES + 512, 2 ** 50);
    const rest = Buffer.alloc(PAGE_BYTES);
    store.read(7 * PAGE_BYTES, rest);
    expect(rest.filter((byte) => byte === 1).length).toBe(512);
    expect(store.pages).toBe(1);
  });
});
