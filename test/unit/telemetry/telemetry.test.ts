import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { Ledger } from '../../../src/core/usage.js';
import { makeLogger } from '../../../src/telemetry/logger.js';
import { DeviceUsageSeries, NAMED_TAGS_MAX, OTHER_TAGS } from '../../../src/telemetry/usage-series.js';

describe('DeviceUsageSeries', () => {
  it('never lets a counter fall while tags enter and leave the largest, and counts what has no name in the others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(2 * NAMED_TAGS_MAX), { maxLength: 150 }), { minLength: 2, maxLength: 8 }),
        (rounds) => {
          const ledger = new Ledger(new VirtualClock());
          const series = new DeviceUsageSeries(ledger);
          let before = new Map<string, number>();
          for (const tags of rounds) {
            for (const tag of tags) ledger.account(`t${String(tag)}`).record(1, 1, 1, false, false, 0, 0, 0);
            const allHadNames = [...before.keys()].filter((tag) => tag !== OTHER_TAGS).length < NAMED_TAGS_MAX;
            const now = new Map(series.read().map(({ tag, ops }) => [tag, ops.reduce((sum, op) => sum + op.count, 0)]));
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
      { numRuns: 200 },
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
