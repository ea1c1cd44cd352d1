import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKETS, bucketNs, bucketOf } from '../../../src/core/histogram.js';
import { EMPTY_HISTOGRAM, HistogramPool } from '../../../src/core/histogram-pool.js';

const latencyNs = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: 0, max: 2 ** 31 }),
  fc.double({ min: 0, max: 2 ** 42 - 1, noNaN: true }).map(Math.floor),
);

describe('buckets', () => {
  it('report a value with less than 1/32 of error, exactly below 32', () => {
    fc.assert(
      fc.property(latencyNs, (ns) => {
        const shown = bucketNs(bucketOf(ns));
        if (ns < 32) expect(shown).toBe(ns);
        else expect(Math.abs(shown - ns) / ns).toBeLessThan(1 / 32);
      }),
      { numRuns: 5_000 },
    );
  });

  it('are in the order of their values, each reached', () => {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      expect(bucketOf(bucketNs(bucket))).toBe(bucket);
      if (bucket > 0) expect(bucketNs(bucket)).toBeGreaterThan(bucketNs(bucket - 1));
    }
  });

  it('take in what no latency should be', () => {
    for (const ns of [-1, -Infinity, Number.NaN, 0.5]) expect(bucketOf(ns)).toBe(0);
    for (const ns of [2 ** 42, 2 ** 53, Infinity]) expect(bucketOf(ns)).toBe(BUCKETS - 1);
    expect(bucketOf(2 ** 42 - 1)).toBe(BUCKETS - 1);
    expect(bucketOf(2 ** 31)).toBe(bucketOf(2 ** 31 - 1) + 1);
  });
});

/** What a pool does, said simply. */
class Model {
  readonly pool = new HistogramPool();
  readonly refs = new Array<number>(8).fill(EMPTY_HISTOGRAM);
  readonly counts = Array.from({ length: 8 }, () => new Map<number, number>());

  add(slot: number, bucket: number, count: number): void {
    this.refs[slot] = this.pool.add(this.refs[slot]!, bucket, count);
    this.counts[slot]!.set(bucket, (this.counts[slot]!.get(bucket) ?? 0) + count);
  }

  merge(into: number, from: number): void {
    this.refs[into] = this.pool.merge(this.refs[into]!, this.pool, this.refs[from]!);
    for (const [bucket, count] of [...this.counts[from]!]) {
      this.counts[into]!.set(bucket, (this.counts[into]!.get(bucket) ?? 0) + count);
    }
  }

  free(slot: number): void {
    this.pool.free(this.refs[slot]!);
    this.refs[slot] = EMPTY_HISTOGRAM;
    this.counts[slot]!.clear();
  }

  check(): void {
    for (let slot = 0; slot < 8; slot++) {
      const seen: [number, number][] = [];
      this.pool.forEach(this.refs[slot]!, (bucket, count) => seen.push([bucket, count]));
      expect(seen).toEqual([...this.counts[slot]!].sort((a, b) => a[0] - b[0]));
    }
  }
}

const slot = fc.integer({ min: 0, max: 7 });
const step = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    slot,
    buckets: fc.array(fc.integer({ min: 0, max: BUCKETS - 1 }), { minLength: 1, maxLength: 300 }),
    count: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 ** 23 })),
  }),
  fc.record({ kind: fc.constant('merge' as const), slot, from: slot }),
  fc.record({ kind: fc.constant('free' as const), slot }),
);

describe('HistogramPool', () => {
  it('keeps every count through all its forms, merges and reuse of freed room', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const model = new Model();
        for (const s of steps) {
          if (s.kind === 'add') s.buckets.forEach((bucket) => model.add(s.slot, bucket, s.count));
          else if (s.kind === 'free') model.free(s.slot);
          else if (s.slot !== s.from) model.merge(s.slot, s.from);
        }
        model.check();
        for (let i = 0; i < 8; i++) model.free(i);
        expect(model.pool.bytesUsed).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('answers quantiles by nearest rank within the error of its buckets', () => {
    fc.assert(
      fc.property(
        fc.array(latencyNs, { minLength: 1, maxLength: 200 }),
        fc.array(fc.double({ min: 0.001, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 5 }),
        (values, quantiles) => {
          const pool = new HistogramPool();
          let ref = EMPTY_HISTOGRAM;
          for (const ns of values) ref = pool.add(ref, bucketOf(ns), 1);
          const sorted = [...values].sort((a, b) => a - b);
          pool.quantilesUs(ref, quantiles).forEach((us, i) => {
            const exact = sorted[Math.max(1, Math.ceil(quantiles[i]! * sorted.length)) - 1]!;
            expect(Math.abs(us * 1_000 - exact)).toBeLessThanOrEqual(exact / 32 + 1e-6);
          });
        },
      ),
    );
  });

  it('gives 0 where nothing was counted', () => {
    expect(new HistogramPool().quantilesUs(EMPTY_HISTOGRAM, [0.5, 0.99])).toEqual([0, 0]);
  });
});
