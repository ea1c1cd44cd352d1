import { cpSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SavedUsage } from '../../../src/coordination/local/saved-usage.js';
import { SegmentLog } from '../../../src/coordination/local/segment-log.js';
import { USAGE_STEPS, type UsageQuery } from '../../../src/core/model/usage.js';
import { Ledger } from '../../../src/core/usage.js';
import { StillClock } from '../../support/still-clock.js';
import { TempFolder } from '../../support/temp-folder.js';

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
  quantiles: [0.5, 0.99],
};

interface Life {
  readonly ledgers: Map<string, Ledger>;
  readonly saved: SavedUsage;
  readonly troubles: string[];
}

let folder: TempFolder;
let reports: string[];
beforeEach(() => {
  folder = new TempFolder();
  reports = [];
});
afterEach(() => folder[Symbol.dispose]());

async function start(clock: StillClock, path = folder.path): Promise<Life> {
  const ledgers = new Map<string, Ledger>();
  const troubles: string[] = [];
  const make = (saved: SavedUsage, device: string): Ledger => {
    const ledger = new Ledger(clock);
    ledgers.set(device, ledger);
    saved.follow(device, ledger);
    return ledger;
  };
  const saved = await SavedUsage.open(
    path,
    clock,
    make,
    (message) => reports.push(message),
    (problem) => troubles.push(problem),
  );
  if (!ledgers.has('disk0')) make(saved, 'disk0');
  return { ledgers, saved, troubles };
}

/** As a kill leaves it: nothing more is written, nothing is closed in order. */
async function kill(life: Life): Promise<void> {
  const { logs, timer } = life.saved as unknown as { logs: SegmentLog[]; timer: { cancel(): void } };
  timer.cancel();
  for (const log of logs) await log.close();
}

/** What a ledger says at every step, of all that it keeps. */
function told(ledger: Ledger, clock: StillClock): unknown[] {
  const everything = ledger
    .query(ALL, 'disk0')
    .map(({ tag, endMs, ops, queueUs, serviceUs }) => ({ tag, endMs, ops, queueUs, serviceUs }));
  const steps = USAGE_STEPS.flatMap(({ stepMs, keepMs, keepQuantilesMs }) => {
    const toMs = (Math.floor(clock.wallMs() / stepMs) + 1) * stepMs;
    const query = { ...ALL, stepMs, toMs };
    return [
      ledger.query({ ...query, fromMs: toMs - stepMs - keepQuantilesMs }, 'disk0'),
      ledger.query({ ...query, fromMs: toMs - stepMs - keepMs, quantiles: [] }, 'disk0'),
    ];
  });
  return [everything, ...steps, ledger.listTags('', '', 10).map(({ tag }) => tag)];
}

const record = (ledger: Ledger, clock: StillClock, tag: string, n: number): void =>
  ledger
    .account(tag)
    .record(n % 2 === 0 ? 1 : 2, 4_096, 1 + (n % 7), n % 5 === 0, false, n * 1_000, n * 7_000, clock.nowNs());

const step = fc.record({
  gapMs: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1_000, max: 5_000 }) },
    { weight: 3, arbitrary: fc.integer({ min: 1_000, max: 120_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: 1_000, max: 3 * 3_600_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1_000, max: 3 * 86_400_000 }) },
  ),
  tags: fc.array(fc.constantFrom('acme', 'acme/db', 'beta/x'), { minLength: 1, maxLength: 4 }),
  then: fc.constantFrom('go on', 'go on', 'go on', 'kill', 'stop'),
});

describe('saved usage', () => {
  it('says after any kills and stops what it would have said without them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        using place = new TempFolder();
        const clock = new StillClock(T0);
        const plain = new Ledger(clock);
        let life = await start(clock, place.path);
        let n = 0;
        for (const { gapMs, tags, then } of steps) {
          for (const tag of tags) {
            record(plain, clock, tag, ++n);
            record(life.ledgers.get('disk0')!, clock, tag, n);
          }
          // What a stop leaves open is closed by it, though its second is not over.
          if (then === 'stop') await life.saved.close();
          clock.advance(gapMs);
          // A kill after the flush of the second: nothing was open.
          if (then !== 'stop') await life.saved.flush();
          if (then === 'kill') await kill(life);
          if (then !== 'go on') life = await start(clock, place.path);
          expect(told(life.ledgers.get('disk0')!, clock)).toEqual(told(plain, clock));
        }
        expect(reports).toEqual([]);
        await life.saved.close();
      }),
      { numRuns: 60 },
    );
  }, 30_000);

  it('counts nothing twice when a kill cuts the coarser logs short', async () => {
    const clock = new StillClock(T0);
    const life = await start(clock);
    const plain = new Ledger(clock);
    for (let n = 1; n <= 200; n++) {
      for (const ledger of [plain, life.ledgers.get('disk0')!]) record(ledger, clock, `t${String(n % 3)}`, n);
      clock.advance(20_000);
      await life.saved.flush();
    }
    await life.saved.close();
    const counted = plain.query({ ...ALL, quantiles: [] }, 'disk0').map(({ ops }) => ops);
    const files = readdirSync(folder.path).filter((name) => name.endsWith('.log') || name === 'usage-totals');
    for (const level of ['usage-minutes', 'usage-hours', 'usage-totals']) {
      // As if the last record of that file had never got there: the finer ones still have it.
      using copy = new TempFolder();
      cpSync(folder.path, copy.path, { recursive: true });
      const name = files
        .filter((file) => file.startsWith(level))
        .sort()
        .at(-1)!;
      if (level === 'usage-totals') rmSync(join(copy.path, name));
      else truncateSync(join(copy.path, name), statSync(join(copy.path, name)).size - 1);
      const again = await start(clock, copy.path);
      const ledger = again.ledgers.get('disk0')!;
      expect(
        ledger.query({ ...ALL, quantiles: [] }, 'disk0').map(({ ops }) => ops),
        level,
      ).toEqual(counted);
      await again.saved.close();
    }
  });

  it('keeps what is sound around damage and says where it is', async () => {
    const clock = new StillClock(T0);
    const life = await start(clock);
    for (let n = 1; n <= 30; n++) {
      record(life.ledgers.get('disk0')!, clock, 'a', n);
      clock.advance(1_000);
      await life.saved.flush();
    }
    await life.saved.close();
    const file = join(folder.path, 'usage-seconds-000001.log');
    const bytes = readFileSync(file);
    const at = bytes.indexOf('SLR1', bytes.length >> 1) + 20;
    bytes[at] = bytes[at]! ^ 0x55;
    writeFileSync(file, bytes);
    const again = await start(clock);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatch(/usage-seconds-000001\.log: bytes \d+ to \d+ are damaged; the records in them are lost/);
    await kill(again);
    const seconds = { ...ALL, stepMs: 1_000, fromMs: T0, toMs: T0 + 60_000 };
    expect(again.ledgers.get('disk0')!.query(seconds)).toHaveLength(29);
  });

  it('says once that it cannot write, keeps counting, and writes all of it when it can', async () => {
    const clock = new StillClock(T0);
    const life = await start(clock);
    const ledger = life.ledgers.get('disk0')!;
    const full = vi.spyOn(SegmentLog.prototype, 'write');
    for (let n = 1; n <= 100; n++) {
      record(ledger, clock, 'a', n);
      clock.advance(1_000);
      if (n === 5) {
        full.mockRejectedValue(new Error('ENOSPC: no space left on device, write'));
      }
      if (n === 95) full.mockRestore();
      await life.saved.flush();
    }
    expect(life.troubles.filter((problem) => problem !== '').length).toBeGreaterThanOrEqual(90);
    expect(life.troubles.at(-1)).toBe('');
    await kill(life);
    const again = await start(clock);
    expect(told(again.ledgers.get('disk0')!, clock)).toEqual(told(ledger, clock));
    await kill(again);
  });

  it('drops logs whose series have let go of them', async () => {
    const clock = new StillClock(T0);
    const life = await start(clock);
    for (let n = 1; n <= 24 * 60; n++) {
      record(life.ledgers.get('disk0')!, clock, 'a', n);
      clock.advance(60_000);
      await life.saved.flush();
    }
    await life.saved.close();
    const count = (name: string): number => readdirSync(folder.path).filter((file) => file.startsWith(name)).length;
    expect(count('usage-seconds')).toBeLessThanOrEqual(6);
    expect(count('usage-minutes')).toBeGreaterThanOrEqual(6);
    expect(count('usage-hours')).toBe(1);
  });
});
