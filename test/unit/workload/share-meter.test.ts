/** The measure of shares: right where it should be, and not kind to a scheduler that does not share. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { OPS } from '../../../src/core/model/request.js';
import { Coverage } from '../../../src/workload/coverage.js';
import { shareReport } from '../../../src/workload/report.js';
import type { ShareReport } from '../../../src/workload/report.js';
import type { RequestSource } from '../../../src/workload/request-source.js';
import { WorkloadRun } from '../../../src/workload/run.js';
import type { StopRules, TagRun } from '../../../src/workload/run.js';
import { BINS_MAX, ShareMeter } from '../../../src/workload/share-meter.js';
import { ModelService } from './model-service.js';

const MS = 1e6;

/** Reads of one size for ever. */
function reads(lengthBytes: number): RequestSource {
  return { op: OPS.READ, offset: 0, lengthBytes, dueNs: 0, next: () => true };
}

function closed(lengthBytes: number, outstanding: number, requestsMax = 0): TagRun {
  return { source: reads(lengthBytes), pace: { kind: 'closed', outstanding, thinkNs: 0 }, requestsMax };
}

function measure(
  rule: 'fair' | 'fifo',
  shares: number[],
  tags: TagRun[],
  stop: Partial<StopRules>,
  serviceNs: (tag: number) => number = () => 5 * MS,
): ShareReport {
  const clock = new VirtualClock();
  const target = new ModelService(clock, shares, 4, rule, serviceNs);
  let ended = 0;
  const run = new WorkloadRun(clock, target, tags, { seconds: 0, untilCost: 0, ...stop }, () => ended++);
  target.sink = run;
  run.start();
  clock.run();
  expect(ended).toBe(1);
  return shareReport({
    device: 'model',
    durationNs: run.durationNs,
    contention: run.contention(),
    tags: run.counts.map((counts, i) => ({ tag: `t${String(i)}`, counts })),
    sharesOf: (tag) => ({ shares: shares[Number(tag.slice(1))]!, selfShares: 100 }),
  });
}

describe('share report', () => {
  it('finds the shares of a fair service, whatever the load offered', () => {
    const report = measure('fair', [1, 2, 5], [closed(4096, 32), closed(4096, 16), closed(4096, 8)], { seconds: 60 });
    expect(report.maxShareError!).toBeLessThan(0.005);
    expect(report.contendedFraction).toBeGreaterThan(0.99);
    expect(report.tags[2]!.share!).toBeCloseTo(5 / 8, 2);
  });

  it('counts cost, not requests', () => {
    const report = measure('fair', [1, 1], [closed(65_536, 16), closed(4_096, 16)], { seconds: 60 });
    expect(report.tags[1]!.ops / report.tags[0]!.ops).toBeCloseTo(4, 1);
    expect(report.maxShareError!).toBeLessThan(0.01);
  });

  it('says what fifo does: a part in proportion to what is outstanding', () => {
    const report = measure('fifo', [1, 5], [closed(4096, 32), closed(4096, 8)], { seconds: 60 });
    expect(report.contendedFraction).toBeGreaterThan(0.99);
    expect(report.tags[0]!.share!).toBeCloseTo(0.8, 2);
    expect(report.tags[0]!.shareError!).toBeCloseTo(0.8 / (1 / 6) - 1, 1);
    expect(report.maxShareError!).toBeGreaterThan(3);
  });

  it('leaves the time out in which one tag has ended', () => {
    const whole = measure('fair', [1, 1], [closed(4096, 16), closed(4096, 16)], { seconds: 20 });
    const half = measure('fair', [1, 1], [closed(4096, 16), closed(4096, 16, 4_000)], { seconds: 20 });
    expect(whole.contendedFraction).toBeGreaterThan(0.98);
    // 4,000 requests at half of 800 a second: ten seconds of twenty.
    expect(half.contendedFraction).toBeCloseTo(0.5, 1);
    expect(half.maxShareError!).toBeLessThan(0.01);
  });

  it('is null where nothing was contended: a tag that waits for nobody', () => {
    const report = measure('fair', [1, 1], [closed(4096, 1), closed(4096, 2)], { seconds: 5 });
    expect(report).toMatchObject({ contendedFraction: 0, maxShareError: null });
    expect(report.tags.map(({ share, shareError }) => [share, shareError])).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(report.tags[0]!.ops).toBeGreaterThan(900);
  });

  it('is null where one tag never asked', () => {
    const silent: TagRun = { ...closed(4096, 8), source: { ...reads(4096), next: () => false } };
    expect(measure('fair', [1, 1], [closed(4096, 16), silent], { seconds: 2 })).toMatchObject({
      contendedFraction: 0,
      maxShareError: null,
    });
  });

  it('has the fields that scripts rely on, in their order', () => {
    const report = measure('fair', [2], [closed(4096, 8)], { seconds: 1 });
    expect(Object.keys(report)).toEqual(['device', 'seconds', 'contendedFraction', 'maxShareError', 'tags']);
    expect(Object.keys(report.tags[0]!)).toEqual(
      ['tag', 'shares', 'share', 'shareError', 'ops', 'reads', 'writes', 'bytes', 'errors'].concat([
        'queueUsP50',
        'queueUsP99',
        'serviceUsP50',
        'serviceUsP99',
      ]),
    );
    expect(report.tags[0]).toMatchObject({ share: 1, shareError: 0, shares: 2, errors: 0 });
    expect(report.tags[0]!.bytes).toBe(report.tags[0]!.ops * 4096);
    expect(report.tags[0]!.serviceUsP50 / 5_000).toBeCloseTo(1, 1);
  });
});

describe('ShareMeter', () => {
  it('gives the same answer when bins had to be doubled', () => {
    const serviceNs = 20 * MS;
    const meter = new ShareMeter(2, 0);
    const seconds = (4 * BINS_MAX) / 1_000;
    let grants = 0;
    for (let ns = 0; ns < seconds * 1e9; ns += serviceNs, grants++) {
      // Two of three grants are tag 0's; each has waited for three grants.
      meter.record(grants % 3 === 0 ? 1 : 0, ns + serviceNs, 3.5 * serviceNs, serviceNs, 1);
    }
    const { contendedNs, cost } = meter.finish();
    expect(contendedNs / (seconds * 1e9)).toBeGreaterThan(0.999);
    expect(cost[0]! / (cost[0]! + cost[1]!)).toBeCloseTo(2 / 3, 3);
  });

  it('counts a bin only where every tag covers all of it', () => {
    const meter = new ShareMeter(2, 0);
    // Tag 0 waits during [0, 10) ms, tag 1 during [2.5, 4.5) and [5, 8): both throughout bins 3, 6 and 7,
    // and bin 5 only from its very edge on.
    meter.record(0, 10 * MS, 10 * MS, 0, 7);
    meter.record(0, 6.5 * MS, 1 * MS, 0, 2);
    meter.record(1, 4.5 * MS, 2 * MS, 0, 3);
    meter.record(1, 7.9 * MS, 2.9 * MS, 0, 5);
    meter.record(1, 8 * MS, 0.5 * MS, 0, 11);
    expect(meter.finish()).toEqual({ contendedNs: 3 * MS, cost: [2, 5] });
  });

  it('leaves out what the first to come is given before the others have asked', () => {
    const meter = new ShareMeter(2, 0);
    // At time 0 tag 0 is granted 32 at once, then both wait for 10 ms.
    for (let i = 0; i < 32; i++) meter.record(0, 5 * MS, 0, 5 * MS, 1);
    for (const tag of [0, 1]) meter.record(tag, 10 * MS, 10 * MS, 0, 1);
    meter.record(0, 5.5 * MS, 5.5 * MS, 0, 1);
    meter.record(1, 6.5 * MS, 6.5 * MS, 0, 1);
    expect(meter.finish()).toEqual({ contendedNs: 9 * MS, cost: [1, 1] });
  });

  it('keeps what it has seen of waits too many to be kept apart', () => {
    const meter = new ShareMeter(1, 0);
    // Waits of [0.5, 3) in each 4 ms: none touches the next, and half of all bins are covered.
    for (let i = 0; i < 8_000; i++) meter.record(0, i * 4 * MS + 3 * MS, 2.5 * MS, 0, 1);
    expect(meter.finish().contendedNs).toBe(16_000 * MS);
  });
});

describe('Coverage', () => {
  it('is the union of what was added, in any order', () => {
    const span = fc.tuple(fc.nat({ max: 200 }), fc.nat({ max: 12 }));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 80 }), (spans) => {
        const coverage = new Coverage();
        const covered = new Uint8Array(256);
        for (const [start, length] of spans) {
          coverage.add(start, start + length);
          covered.fill(1, start, start + length);
        }
        const found = new Uint8Array(256);
        let before = -1;
        coverage.retire(coverage.pieces, (start, end) => {
          expect(start).toBeGreaterThan(before);
          before = end;
          found.fill(1, start, end);
        });
        expect(found).toEqual(covered);
        expect(coverage.pieces).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
