import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockWriter, HistogramsReader, SumsReader } from '../../../src/core/usage/block.js';
import { ByteReader, ByteWriter } from '../../../src/core/usage/bytes.js';
import { packNames, packPart, unpackNames, unpackPart } from '../../../src/core/usage/portable.js';
import { QUEUE, SERVICE, UsageRows, WIDTH } from '../../../src/core/usage/rows.js';

const whole = fc.oneof(fc.nat(300), fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
const time = fc.oneof(whole, fc.double({ min: -1e3, max: 1e12, noNaN: true }));
const part = fc.record({
  op: fc.integer({ min: 1, max: 5 }),
  bytes: fc.nat(1 << 30),
  cost: fc.oneof(fc.integer({ min: 1, max: 65_536 }), fc.double({ min: 1, max: 65_536, noNaN: true })),
  errors: fc.nat(1),
  hits: fc.nat(1),
  queueNs: time,
  serviceNs: time,
  queueBucket: fc.nat(607),
  serviceBucket: fc.nat(607),
});

describe('a block', () => {
  it('has of a histogram the buckets that are used, few or hundreds', () => {
    for (const used of [0, 1, 2, 40, 400]) {
      const rows = new UsageRows();
      const row = rows.allocate();
      for (let i = 0; i < used; i++) rows.addLatencies(row, QUEUE, 600 - i, i + 1);
      const writer = new BlockWriter();
      rows.record(row, 1, 4_096, 1, 0, 0, 5, 600, 7, 9);
      writer.add(rows, row);
      const reader = new HistogramsReader(writer.take(Uint32Array.of(0)).histograms);
      const found: number[] = [];
      reader.next((bucket, count) => found.push(bucket, count));
      const expected = Array.from({ length: Math.max(1, used) }, (_, i) => {
        const bucket = 600 - Math.max(1, used) + 1 + i;
        return [bucket, (used === 0 ? 0 : 601 - bucket) + (bucket === 600 ? 1 : 0)];
      });
      expect(found).toEqual(expected.flat());
      reader.next((bucket, count) => expect([bucket, count]).toEqual([9, 1]));
    }
  });

  it('reads as it was written, numbers of any size and kind', () => {
    fc.assert(
      fc.property(fc.array(fc.array(part, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 }), (tags) => {
        const rows = new UsageRows();
        const writer = new BlockWriter();
        const made = tags.map((parts) => {
          const row = rows.allocate();
          for (const p of parts) {
            rows.record(
              row,
              p.op,
              p.bytes,
              p.cost,
              p.errors,
              p.hits,
              p.queueNs,
              p.queueBucket,
              p.serviceNs,
              p.serviceBucket,
            );
          }
          writer.add(rows, row);
          return row;
        });
        const block = writer.take(Uint32Array.from(tags.keys()));
        const sums = new SumsReader(block.sums);
        const histograms = new HistogramsReader(block.histograms);
        for (const row of made) {
          const expected = new Float64Array(WIDTH);
          rows.addSums(row, expected, 0);
          const read = new Float64Array(WIDTH);
          sums.addTo(read, 0);
          expect(read).toEqual(expected);
          for (const field of [QUEUE, SERVICE] as const) {
            const buckets: [number, number][] = [];
            rows.histograms.forEach(rows.field(row, field), (bucket, count) => buckets.push([bucket, count]));
            const found: [number, number][] = [];
            histograms.next((bucket, count) => found.push([bucket, count]));
            expect(found).toEqual(buckets);
          }
        }
        expect([sums.left, histograms.left]).toEqual([0, 0]);
      }),
      { numRuns: 200 },
    );
  });

  it('takes some twenty bytes a tag for its sums', () => {
    const rows = new UsageRows();
    const writer = new BlockWriter();
    for (let i = 0; i < 1_000; i++) {
      const row = rows.allocate();
      for (let n = 0; n < 60; n++) rows.record(row, 1, 16_384, 1, 0, 0, 250_000 + i * n, 200, 4_000_000 + i * n, 300);
      writer.add(rows, row);
    }
    expect(writer.take(new Uint32Array(1_000)).sums.length / 1_000).toBeLessThan(20);
  });

  it('refuses bytes that are cut off or no record at all', () => {
    const rows = new UsageRows();
    const row = rows.allocate();
    rows.record(row, 2, 1 << 20, 4, 1, 1, 5e6, 100, 7e7, 200);
    const writer = new BlockWriter();
    writer.add(rows, row);
    const { sums } = writer.take(Uint32Array.of(0));
    for (let length = 0; length < sums.length; length++) {
      const target = new Float64Array(WIDTH);
      expect(() => new SumsReader(sums.subarray(0, length)).addTo(target, 0), String(length)).toThrow('usage record');
    }
    for (const bytes of [[0], [6, 1, 1], [0x0f], [9, ...new Array<number>(12).fill(0xff)]]) {
      expect(() => new SumsReader(Uint8Array.from(bytes)).addTo(new Float64Array(WIDTH), 0)).toThrow('usage record');
    }
  });
});

describe('a part for elsewhere', () => {
  it('carries names in their order, in little room where they are alike', () => {
    const tag = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}(\/[a-z0-9][a-z0-9._-]{0,20}){0,3}$/);
    fc.assert(
      fc.property(fc.uniqueArray(tag, { maxLength: 40 }), fc.uint8Array(), (names, content) => {
        const packed = packPart({ names: packNames(names.length, (i) => names[i]!), count: names.length, content });
        const read = unpackPart(packed);
        expect(unpackNames(read.names, read.count)).toEqual(names);
        expect(Buffer.from(read.content)).toEqual(Buffer.from(content));
      }),
    );
    const alike = packNames(1_000, (i) => `tenant-${String(i)}/application`);
    expect(alike.length / 1_000).toBeLessThan(18);
  });

  it('refuses a version it does not know, and names that are cut off', () => {
    expect(() => unpackPart(Uint8Array.of(9, 0, 0))).toThrow('version must be 1, got 9');
    expect(() => unpackPart(Uint8Array.of(1, 1, 5, 0))).toThrow('ends before its end');
    expect(() => unpackNames(Uint8Array.of(0, 4, 97), 1)).toThrow('ends before its end');
  });
});

it('numbers of all sizes take as many bytes as they need', () => {
  const writer = new ByteWriter();
  const values = [0, 127, 128, 2 ** 21 - 1, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER];
  values.forEach((value) => writer.varint(value));
  const reader = new ByteReader(writer.take());
  expect(values.map(() => reader.varint())).toEqual(values);
});
