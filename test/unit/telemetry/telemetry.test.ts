import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { OTHER_TAGS } from '../../../src/core/model/usage.js';
import { Ledger } from '../../../src/core/usage.js';
import { makeLogger } from '../../../src/telemetry/logger.js';
import { latencyText } from '../../../src/telemetry/latency-histograms.js';
import { DeviceUsageSeries, NAMED_TAGS_MAX, type UsageSeries } from '../../../src/telemetry/usage-series.js';

function readNow(series: DeviceUsageSeries): UsageSeries[] {
  const steps = series.read();
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

describe('latencyText', () => {
  it('puts each latency below its bound and not below the one before, cumulatively', () => {
    const ledger = new Ledger(new VirtualClock());
    const account = ledger.account('acme/db');
    const times = [0, 32_767, 32_768, 65_535, 65_536, 1_000_000, 8_589_934_591, 8_589_934_592, 3_600e9];
    for (const ns of times) account.record(1, 512, 1, false, false, ns, 2 * ns, 0);
    const text = [...latencyText(new Map([['disk0', readNow(new DeviceUsageSeries(ledger))]]))].join('');
    const counts = [
      ...text.matchAll(/queue_latency_seconds_bucket\{le="([^"]+)",device="disk0",tag="acme\/db"\} (\d+)/g),
    ];
    expect(counts).toHaveLength(20);
    for (const [, le, count] of counts) {
      const bound = le === '+Inf' ? Infinity : Number(le) * 1e9;
      expect(Number(count), le).toBe(times.filter((ns) => ns < bound - 0.5).length);
    }
    expect(text).toContain('sluice_io_queue_latency_seconds_count{device="disk0",tag="acme/db"} 9\n');
    expect(text).toContain(`_sum{device="disk0",tag="acme/db"} ${String(times.reduce((a, b) => a + b, 0) / 1e9)}\n`);
  });
});

describe('DeviceUsageSeries', () => {
  it('names the largest of many tags in steps, and what is recorded between them is counted', () => {
    const ledger = new Ledger(new VirtualClock());
    const tags = 10_000;
    const record = (i: number, cost: number): void =>
      ledger.account(`t${String(i)}`).record(1, 512, cost, false, false, 1_000, 2_000, 0);
    for (let i = 0; i < tags; i++) record(i, 1 + (i % 5_000));
    const steps = new DeviceUsageSeries(ledger).read();
    let between = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) {
      record(0, 1);
      between += 1;
    }
    expect(between).toBeGreaterThan(1);
    const counts = step.value.map(({ tag, ops }) => [tag, ops[0]!.count] as const);
    expect(counts.reduce((sum, [, count]) => sum + count, 0)).toBe(tags + between);
    const largest = Array.from({ length: NAMED_TAGS_MAX }, (_, i) => 4_999 - (i >> 1) + (i % 2) * 5_000);
    expect(new Set(counts.map(([tag]) => tag))).toEqual(new Set([...largest.map((i) => `t${String(i)}`), OTHER_TAGS]));
  });

  it('never lets a counter fall while tags enter and leave the largest, and counts what has no name in the others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(2 * NAMED_TAGS_MAX), { maxLength: 150 }), { minLength: 2, maxLength: 8 }),
        (rounds) => {
          const ledger = new Ledger(new VirtualClock());
          const series = new DeviceUsageSeries(ledger);
          let before = new Map<string, number>();
          const buckets = new Map<string, Float64Array>();
          for (const tags of rounds) {
            for (const tag of tags) {
              ledger.account(`t${String(tag)}`).record(1, 1, 1, false, false, tag * 1_000, tag * 50_000, 0);
            }
            const allHadNames = [...before.keys()].filter((tag) => tag !== OTHER_TAGS).length < NAMED_TAGS_MAX;
            const read = readNow(series);
            const now = new Map(read.map(({ tag, ops }) => [tag, ops.reduce((sum, op) => sum + op.count, 0)]));
            for (const { tag, latencies } of read) {
              const was = buckets.get(tag);
              // Queue, then service: each execution is in one bucket of either.
              expect(latencies.reduce((sum, count) => sum + count, 0)).toBe(2 * now.get(tag)!);
              expect(latencies.every((count, i) => count >= (was?.[i] ?? 0))).toBe(true);
              buckets.set(tag, latencies.slice());
            }
            for (const tag of [...buckets.keys()]) if (!now.has(tag)) buckets.delete(tag);
            expect(now.size).toBeLessThanOrEqual(NAMED_TAGS_MAX + 1);
            // What a collector sees added: a series that gets its name late adds nothing, one that is gone neither.
            let added = 0;
            for (const [tag, count] of now) {
              const was = before.get(tag) ?? (tag === OTHER_TAGS || allHadNames ? 0 : count);
              expect(count).toBeGreaterThanOrEqual(was);
              added += count - was;
            }
            expect(added).toBe(tags.length);
            before = now;
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('makeLogger', () => {
  it('writes a JSON line an event, at its level and above', () => {
    const lines: string[] = [];
    const logger = makeLogger('warn', (line) => lines.push(line));
    logger.info({}, 'quiet');
    logger.warn({ device: 'disk0' }, 'loud');
    expect(lines).toHaveLength(1);
    expect(lines[0]!.endsWith('\n')).toBe(true);
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'warn', device: 'disk0', msg: 'loud' });
    makeLogger('silent', (line) => lines.push(line)).error({}, 'nothing');
    expect(lines).toHaveLength(1);
  });
});
