import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ledger } from '../../../src/core/usage.js';
import { USAGE_STEPS } from '../../../src/core/model/usage.js';
import type { OpUsage, UsageQuery, UsageRow } from '../../../src/core/model/usage.js';
import { isWithin, tagAtLevel } from '../../../src/core/model/tag.js';
import type { Op } from '../../../src/core/model/request.js';
import { WallClock } from './clock.js';

const T0 = Date.UTC(2026, 0, 1, 10, 59, 50);
const ALL: UsageQuery = {
  device: '',
  tagPrefix: '',
  fromMs: 0,
  toMs: 0,
  stepMs: 0,
  groupLevel: 0,
  orderBy: 'tag',
  topN: 0,
  apart: [],
  quantiles: [],
};

interface Execution {
  atMs: number;
  tag: string;
  op: Op;
  bytes: number;
  cost: number;
  failed: boolean;
  cacheHit: boolean;
  queueNs: number;
  serviceNs: number;
}

function record(ledger: Ledger, clock: WallClock, e: Execution): void {
  ledger.account(e.tag).record(e.op, e.bytes, e.cost, e.failed, e.cacheHit, e.queueNs, e.serviceNs, clock.nowNs());
}

/** The answer to a query from the plain list of what was executed. */
function plainAnswer(executions: readonly Execution[], query: UsageQuery, startMs: number, endMs: number): UsageRow[] {
  const shown = (tag: string): string =>
    executions.some((e) => e.tag !== tag && isWithin(e.tag, tag)) ? `${tag}/.` : tag;
  const rows = new Map<string, UsageRow>();
  const everything = query.fromMs === 0 && query.toMs === 0;
  for (const e of executions) {
    if (!isWithin(shown(e.tag), query.tagPrefix)) continue;
    if (!everything && (e.atMs < query.fromMs || e.atMs >= query.toMs)) continue;
    const start = everything ? startMs : query.stepMs === 0 ? query.fromMs : e.atMs - (e.atMs % query.stepMs);
    const end = everything ? endMs : query.stepMs === 0 ? query.toMs : start + query.stepMs;
    const tag = tagAtLevel(shown(e.tag), query.groupLevel);
    const key = `${String(start).padStart(16, '0')} ${tag}`;
    let row = rows.get(key);
    if (row === undefined) {
      row = { device: 'disk0', tag, startMs: start, endMs: end, ops: [], queueUs: [], serviceUs: [] };
      rows.set(key, row);
    }
    let sums = row.ops.find((o) => o.op === e.op);
    if (sums === undefined) {
      sums = { op: e.op, count: 0, errors: 0, bytes: 0, cost: 0, cacheHits: 0, queueUsSum: 0, serviceUsSum: 0 };
      row.ops.push(sums);
      row.ops.sort((a, b) => a.op - b.op);
    }
    sums.count += 1;
    sums.errors += e.failed ? 1 : 0;
    sums.bytes += e.failed ? 0 : e.bytes;
    sums.cost += e.cost;
    sums.cacheHits += e.cacheHit ? 1 : 0;
    sums.queueUsSum += e.queueNs / 1_000;
    sums.serviceUsSum += e.serviceNs / 1_000;
  }
  return [...rows.entries()].sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, row]) => row);
}

const tags = ['acme', 'acme/db', 'acme/web', 'acme/db/wal', 'beta/x', 'b'];

/** Steps of time that cross seconds, minutes, hours, and every retention. */
const gapMs = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 1_500 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 120_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 3 * 3_600_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 4 * 86_400_000 }) },
);

const execution = fc.record({
  gapMs,
  tag: fc.constantFrom(...tags),
  op: fc.integer({ min: 1, max: 5 }) as fc.Arbitrary<Op>,
  bytes: fc.integer({ min: 0, max: 1 << 20 }),
  cost: fc.integer({ min: 1, max: 64 }),
  failed: fc.boolean(),
  cacheHit: fc.boolean(),
  // Whole microseconds, so that sums are exact in any order.
  queueNs: fc.integer({ min: 0, max: 1_000_000 }).map((us) => us * 1_000),
  serviceNs: fc.integer({ min: 0, max: 1_000_000 }).map((us) => us * 1_000),
});

describe('Ledger', () => {
  it('answers every kept range at every step as a plain list of executions does', () => {
    fc.assert(
      fc.property(
        fc.array(execution, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom('', 'acme', 'acme/db', 'acme/.', 'nobody'),
        (list, groupLevel, tagPrefix) => {
          const clock = new WallClock(T0);
          const ledger = new Ledger(clock);
          const done: Execution[] = [];
          for (const { gapMs: gap, ...e } of list) {
            clock.advance(gap);
            const full = { ...e, atMs: clock.wallMs() };
            record(ledger, clock, full);
            done.push(full);
          }
          const query = { ...ALL, groupLevel, tagPrefix };
          expect(ledger.query(query, 'disk0')).toEqual(plainAnswer(done, query, T0, clock.wallMs()));
          for (const { stepMs, keepMs } of USAGE_STEPS) {
            const toMs = (Math.floor(clock.wallMs() / stepMs) + 1) * stepMs;
            const range = { ...query, fromMs: toMs - stepMs - keepMs, toMs };
            const stepped = { ...range, stepMs };
            expect(ledger.query(stepped, 'disk0')).toEqual(plainAnswer(done, stepped, 0, 0));
            const inner = { ...stepped, fromMs: toMs - 7 * stepMs, toMs: toMs - 2 * stepMs };
            expect(ledger.query(inner, 'disk0')).toEqual(plainAnswer(done, inner, 0, 0));
            const single = { ...inner, stepMs: 0 };
            expect(ledger.query(single, 'disk0')).toEqual(plainAnswer(done, single, 0, 0));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('answers for tags that are busy, idle and busy again, through one handle and through two, as a plain list does', () => {
    const round = fc.record({
      gapMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2_500 })),
      tag: fc.constantFrom('a/x', 'b', 'c'),
      handle: fc.nat(1),
      times: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 60, max: 200 })),
      op: fc.integer({ min: 1, max: 5 }) as fc.Arbitrary<Op>,
      failed: fc.boolean(),
      cacheHit: fc.boolean(),
      us: fc.nat(100_000),
      asks: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(round, { minLength: 1, maxLength: 25 }), (rounds) => {
        const clock = new WallClock(T0);
        const ledger = new Ledger(clock);
        const plain = new Ledger(clock);
        const handles = new Map(['a/x', 'b', 'c'].map((tag) => [tag, [ledger.account(tag), ledger.account(tag)]]));
        const done: Execution[] = [];
        const check = (query: UsageQuery): void => {
          expect(ledger.query(query, 'disk0')).toEqual(plain.query(query, 'disk0'));
        };
        for (const { gapMs: gap, tag, handle, times, op, failed, cacheHit, us, asks } of rounds) {
          clock.advance(gap);
          for (let i = 0; i < times; i++) {
            const [queueNs, serviceNs] = [us * 1_000 + i * 64_000, us * 3_000];
            const e = { atMs: clock.wallMs(), tag, op, bytes: 512 * i, cost: 3, failed, cacheHit, queueNs, serviceNs };
            const { bytes, cost } = e;
            handles.get(tag)![handle]!.record(op, bytes, cost, failed, cacheHit, queueNs, serviceNs, clock.nowNs());
            // A handle each, so none of them is ever busy.
            record(plain, clock, e);
            done.push(e);
          }
          if (asks) check({ ...ALL, quantiles: [0.1, 0.5, 0.999] });
        }
        expect(ledger.query(ALL, 'disk0')).toEqual(plainAnswer(done, ALL, T0, clock.wallMs()));
        for (const { stepMs } of USAGE_STEPS) {
          const toMs = (Math.floor(clock.wallMs() / stepMs) + 1) * stepMs;
          const query = { ...ALL, stepMs, fromMs: toMs - 15 * 60 * stepMs, toMs };
          check({ ...query, fromMs: toMs - 100 * stepMs, quantiles: [0.5] });
          expect(ledger.query(query, 'disk0')).toEqual(plainAnswer(done, query, 0, 0));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('counts what is recorded while the wall clock jumps either way', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ wallMs: fc.integer({ min: 0, max: 3 * 366 * 86_400_000 }), tag: fc.constantFrom('a', 'b') }),
          {
            minLength: 1,
            maxLength: 40,
          },
        ),
        (list) => {
          const clock = new WallClock(T0);
          const ledger = new Ledger(clock);
          for (const { wallMs, tag } of list) {
            clock.set(T0 - 366 * 86_400_000 + wallMs);
            const account = ledger.account(tag);
            for (let i = 0; i < 100; i++) account.record(1, 4_096, 1, false, false, 1_000, 1_000, clock.nowNs());
          }
          expect(sum(ledger.query(ALL, 'disk0'), 'count')).toBe(list.length * 100);
          expect(ledger.totals()[0]?.count).toBe(list.length * 100);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('answers for everything in small steps, each execution once though intervals close between them', () => {
    const clock = new WallClock(T0);
    const ledger = new Ledger(clock);
    const tags = Array.from({ length: 20_000 }, (_, i) => `t${String(i % 10)}/${String(i)}`);
    const read = (tag: string): void => ledger.account(tag).record(1, 1, 1, false, false, 0, 0, clock.nowNs());
    for (const tag of tags) read(tag);
    for (const query of [ALL, { ...ALL, groupLevel: 1, quantiles: [0.5] }, { ...ALL, orderBy: 'cost' as const }]) {
      const steps = ledger.steps(query, 'disk0');
      const counted = new Map<string, number>();
      let turns = 0;
      for (let step = steps.next(); step.done !== true; step = steps.next()) {
        turns += 1;
        clock.advance(60_000);
        read('late');
        for (const row of step.value?.rows ?? []) counted.set(row.tag, row.ops[0]!.count);
      }
      expect(turns).toBeGreaterThan(tags.length / 4_096);
      counted.delete('late');
      expect(counted.size).toBe(query.groupLevel === 1 ? 10 : tags.length);
      for (const count of counted.values()) expect(count).toBe(tags.length / counted.size);
    }
  });

  it.each([
    { span: 'hour', ms: 3_600_000 },
    { span: 'second', ms: 1_000 },
  ])('answers for the open $span in small steps, each execution once though it closes after any of them', ({ ms }) => {
    const tags = Array.from({ length: 8_200 }, (_, i) => `t${String(i % 10)}/${String(i)}`);
    const fromMs = T0 - (T0 % ms);
    const range = { ...ALL, fromMs, toMs: fromMs + ms };
    for (const query of [
      { ...range, groupLevel: 1, quantiles: [0.5] },
      { ...range, stepMs: ms },
    ]) {
      for (let closesAfter = 0; closesAfter < 4; closesAfter++) {
        const clock = new WallClock(fromMs);
        const ledger = new Ledger(clock);
        const read = (tag: string): void => ledger.account(tag).record(1, 1, 1, false, false, 0, 50_000, clock.nowNs());
        // Of each tag something in the second that is open last, of some in those before it and in minutes before.
        for (let i = 0; i < tags.length; i += 2) read(tags[i]!);
        clock.advance(T0 - (T0 % 1_000) - fromMs);
        for (const tag of tags) read(tag);
        let turn = 0;
        const counted = new Map<string, number>();
        for (const step of ledger.steps(query, 'disk0')) {
          if (turn++ === closesAfter) clock.advance(ms);
          // Of a tag that is there and of one that comes: after the close they belong to another interval.
          read(tags[turn]!);
          read('late');
          for (const row of step?.rows ?? []) counted.set(row.tag, row.ops[0]!.count);
        }
        expect(turn).toBeGreaterThan(tags.length / 4_096);
        const late = counted.get('late') ?? 0;
        counted.delete('late');
        const sum = [...counted.values()].reduce((all, count) => all + count, 0);
        const before = tags.length + tags.length / 2;
        expect(sum).toBeGreaterThanOrEqual(before);
        expect(sum + late).toBeLessThanOrEqual(before + 2 * closesAfter);
        expect(counted.size).toBe(query.groupLevel === 1 ? 10 : tags.length);
      }
    }
  });

  it('sums groups to the total, and quantiles of a group as if its tags had been one', () => {
    fc.assert(
      fc.property(fc.array(execution, { minLength: 1, maxLength: 80 }), (list) => {
        const clock = new WallClock(T0);
        const apart = new Ledger(clock);
        const asOne = new Ledger(clock);
        for (const { gapMs: gap, ...e } of list) {
          clock.advance(gap);
          record(apart, clock, { ...e, atMs: 0 });
          record(asOne, clock, { ...e, atMs: 0, tag: tagAtLevel(e.tag, 1) });
        }
        const query = { ...ALL, quantiles: [0.01, 0.5, 0.9, 0.999] };
        expect(apart.query({ ...query, groupLevel: 1 }, 'disk0')).toEqual(asOne.query(query, 'disk0'));
        for (const field of ['count', 'bytes', 'cost', 'errors'] as const) {
          const total = apart.totals().reduce((all, op) => all + op[field], 0);
          for (let groupLevel = 0; groupLevel <= 3; groupLevel++) {
            expect(sum(apart.query({ ...ALL, groupLevel }, 'disk0'), field)).toBe(total);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('orders by what is asked and keeps the first of each step', () => {
    const clock = new WallClock(T0);
    const ledger = new Ledger(clock);
    ledger.account('few-large').record(1, 1 << 20, 64, false, false, 0, 0, clock.nowNs());
    for (let i = 0; i < 3; i++) ledger.account('many-small').record(1, 512, 1, false, false, 0, 0, clock.nowNs());
    for (let i = 0; i < 2; i++) ledger.account('costly').record(3, 0, 100, false, false, 0, 0, clock.nowNs());
    const order = (orderBy: UsageQuery['orderBy'], topN = 0): string[] =>
      ledger.query({ ...ALL, orderBy, topN }, 'disk0').map((row) => row.tag);
    expect(order('tag')).toEqual(['costly', 'few-large', 'many-small']);
    expect(order('cost')).toEqual(['costly', 'few-large', 'many-small']);
    expect(order('bytes')).toEqual(['few-large', 'many-small', 'costly']);
    expect(order('ops')).toEqual(['many-small', 'costly', 'few-large']);
    expect(order('ops', 2)).toEqual(['many-small', 'costly']);
  });

  it('refuses a range that begins before what is kept, naming the earliest', () => {
    const clock = new WallClock(T0);
    const ledger = new Ledger(clock);
    const second = Math.floor(T0 / 1_000) * 1_000;
    const query = { ...ALL, stepMs: 1_000, fromMs: second - 900_000, toMs: second };
    expect(ledger.query(query, 'disk0')).toEqual([]);
    expect(() => ledger.query({ ...query, fromMs: query.fromMs - 1_000 }, 'disk0')).toThrow(
      `from_ms must be ${String(second - 900_000)} or later where steps of 1000 ms answer, got ${String(second - 901_000)}`,
    );
  });

  it('keeps the sums of old hours longer than their percentiles, and says where those end', () => {
    const clock = new WallClock(T0);
    const ledger = new Ledger(clock);
    for (let hour = 0; hour < 20 * 24; hour++) {
      for (let i = 1; i <= 50; i++)
        ledger.account('a').record(1, 4_096, 1, false, false, i * 1_000, i * i * 1_000, clock.nowNs());
      clock.advance(3_600_000);
    }
    const toMs = Math.floor(clock.wallMs() / 3_600_000) * 3_600_000;
    const query = { ...ALL, stepMs: 3_600_000, fromMs: toMs - 20 * 86_400_000, toMs };
    expect(ledger.query(query).length).toBe(20 * 24);
    const week = toMs - 7 * 86_400_000;
    const quantiles = [0.5];
    expect(() => ledger.query({ ...query, quantiles })).toThrow(
      `from_ms must be ${String(week)} or later where steps of 3600000 ms answer and quantiles are asked for`,
    );
    const kept = ledger.query({ ...query, quantiles, fromMs: week });
    expect(kept.map(({ queueUs }) => Math.abs(queueUs[0]! / 25 - 1) < 1 / 32)).toEqual(kept.map(() => true));
    expect(ledger.bytesUsed).toBeLessThan(7 * 24 * 900 + 20 * 24 * 500 + 900 * 900);
  });

  it('gives up the oldest seconds when memory runs short, says so, and keeps totals exact', () => {
    const clock = new WallClock(T0);
    const ledger = new Ledger(clock, { memoryBytesMax: 200_000 });
    const accounts = Array.from({ length: 20 }, (_, i) => ledger.account(`t${String(i)}`));
    for (let s = 0; s < 300; s++) {
      clock.advance(1_000);
      for (const account of accounts) account.record(1, 4_096, 1, false, false, s * 997, s * 1_009, clock.nowNs());
    }
    expect(ledger.bytesUsed).toBeLessThan(220_000);
    expect(sum(ledger.query(ALL, 'disk0'), 'count')).toBe(6_000);
    const toMs = Math.floor(clock.wallMs() / 1_000) * 1_000;
    expect(() => ledger.query({ ...ALL, stepMs: 1_000, fromMs: toMs - 280_000, toMs }, 'disk0')).toThrow(
      'from_ms must be',
    );
    expect(ledger.query({ ...ALL, stepMs: 1_000, fromMs: toMs - 50_000, toMs }, 'disk0')).toHaveLength(50 * 20);
  });

  it('bounds the number of tags with an error that names the bound', () => {
    const ledger = new Ledger(new WallClock(T0), { tagsMax: 2 });
    ledger.account('a');
    ledger.account('b');
    ledger.account('a');
    expect(() => ledger.account('c')).toThrow('usage is counted for at most 2 tags a device');
  });

  it('keeps a tag served once in one row and one record a series, however old', () => {
    const clock = new WallClock(T0);
    const ledger = new Ledger(clock);
    for (let i = 0; i < 1_000; i++)
      ledger.account(`t${String(i)}`).record(1, 4_096, 1, false, false, 100, 100, clock.nowNs());
    const once = ledger.bytesUsed;
    expect(once / 1_000).toBeLessThan(100);
    for (let day = 0; day < 400; day++) {
      clock.advance(86_400_000);
      ledger.account('clockwork').record(1, 4_096, 1, false, false, 100, 100, clock.nowNs());
    }
    const clockwork = 366 * 500;
    expect(ledger.bytesUsed).toBeLessThan(once + clockwork);
    expect(sum(ledger.query(ALL, 'disk0'), 'count')).toBe(1_400);
  });

  it('lists the tags that were served, in order, page by page', () => {
    const clock = new WallClock(T0);
    const ledger = new Ledger(clock);
    ledger.account('never');
    for (const tag of ['b', 'a/x', 'a', 'a-1']) ledger.account(tag).record(1, 0, 1, false, false, 0, 0, clock.nowNs());
    const names = (prefix: string, after: string, limit: number): string[] =>
      ledger.listTags(prefix, after, limit).map((t) => t.tag);
    expect(names('', '', 10)).toEqual(['a-1', 'a/.', 'a/x', 'b']);
    expect(names('a', '', 10)).toEqual(['a/.', 'a/x']);
    expect(names('', 'a-1', 1)).toEqual(['a/.']);
    expect(ledger.listTags('b', '', 1)).toEqual([{ tag: 'b', lastSeenMs: T0 }]);
  });
});

function sum(rows: readonly UsageRow[], field: Exclude<keyof OpUsage, 'op'>): number {
  return rows.flatMap((row) => row.ops).reduce((total, op) => total + op[field], 0);
}
