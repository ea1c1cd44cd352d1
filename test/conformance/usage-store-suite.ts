/** What every maker of UsageStore does. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual.js';
import { NS_PER_MS } from '../../src/core/model/units.js';
import type { UsageLedger, UsageQuery, UsageRow } from '../../src/core/model/usage.js';
import type { UsageStore } from '../../src/core/ports.js';

export interface UsageStoreCapabilities {
  /** A quantile is off by at most this part of its value. */
  readonly quantileError: number;
}

export interface MadeUsageStore {
  readonly store: UsageStore;
  /** Where what is served of a device is counted. */
  ledger(device: string): UsageLedger;
  /** Resolves when what was counted so far can be asked for. */
  readonly settled: () => Promise<void>;
  close(): Promise<void>;
}

const T0 = Date.UTC(2026, 0, 1, 12);
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

export function usageStoreConformance(
  name: string,
  make: (clock: VirtualClock) => Promise<MadeUsageStore>,
  capabilities: UsageStoreCapabilities,
): void {
  let nowNs = (): number => 0;
  const using = async (body: (made: MadeUsageStore, clock: VirtualClock) => Promise<void>): Promise<void> => {
    const clock = new VirtualClock(T0);
    nowNs = () => clock.nowNs();
    const made = await make(clock);
    try {
      await body(made, clock);
    } finally {
      await made.close();
    }
  };
  const read = (made: MadeUsageStore, device: string, tag: string, cost = 1): void => {
    made.ledger(device).account(tag).record(1, 4_096, cost, false, false, 20_000, 80_000, nowNs());
  };

  describe(`UsageStore: ${name}`, () => {
    const all = async (made: MadeUsageStore, query: UsageQuery): Promise<UsageRow[]> => {
      const rows: UsageRow[] = [];
      for await (const part of made.store.query(query)) rows.push(...part);
      return rows;
    };

    it('sums executions by device, tag and operation', () =>
      using(async (made, clock) => {
        const account = made.ledger('disk0').account('acme/db');
        account.record(1, 4_096, 1, false, false, 20_000, 80_000, nowNs());
        account.record(1, 8_192, 2, true, false, 30_000, 90_000, nowNs());
        account.record(1, 4_096, 1, false, true, 10_000, 0, nowNs());
        account.record(3, 0, 1, false, false, 0, 500_000, nowNs());
        clock.runFor(5_000 * NS_PER_MS);
        await made.settled();
        expect(await all(made, ALL)).toEqual([
          {
            device: 'disk0',
            tag: 'acme/db',
            startMs: T0,
            endMs: T0 + 5_000,
            ops: [
              { op: 1, count: 3, errors: 1, bytes: 8_192, cost: 4, cacheHits: 1, queueUsSum: 60, serviceUsSum: 170 },
              { op: 3, count: 1, errors: 0, bytes: 0, cost: 1, cacheHits: 0, queueUsSum: 0, serviceUsSum: 500 },
            ],
            queueUs: [],
            serviceUs: [],
          },
        ]);
      }));

    it('gives a row a step in which something was served', () =>
      using(async (made, clock) => {
        for (const gapMs of [0, 1_000, 59_000, 0, 3_600_000]) {
          clock.runFor(gapMs * NS_PER_MS);
          read(made, 'disk0', 'a');
        }
        await made.settled();
        const counts = async (stepMs: number, fromMs: number, toMs: number): Promise<(number | undefined)[][]> =>
          (await all(made, { ...ALL, stepMs, fromMs, toMs })).map((r) => [r.startMs - T0, r.ops[0]?.count]);
        const end = T0 + 3_661_000;
        expect(await counts(1_000, end - 900_000, end)).toEqual([[3_660_000, 1]]);
        expect(await counts(60_000, T0, T0 + 3_720_000)).toEqual([
          [0, 2],
          [60_000, 2],
          [3_660_000, 1],
        ]);
        expect(await counts(3_600_000, T0, T0 + 7_200_000)).toEqual([
          [0, 4],
          [3_600_000, 1],
        ]);
        expect(await counts(0, T0, T0 + 60_000)).toEqual([[0, 2]]);
        await expect(counts(1_000, T0, end)).rejects.toMatchObject({ code: 'OUT_OF_RANGE', field: 'from_ms' });
      }));

    it('limits to a device and a prefix, groups, orders, and keeps the first of all devices', () =>
      using(async (made) => {
        read(made, 'disk0', 'acme/db', 5);
        read(made, 'disk0', 'acme/web', 1);
        read(made, 'disk0', 'beta', 3);
        read(made, 'disk1', 'acme/db', 4);
        read(made, 'disk1', 'gamma/x', 2);
        await made.settled();
        const rows = async (query: Partial<UsageQuery>): Promise<string[]> =>
          (await all(made, { ...ALL, ...query })).map((r) => `${r.device} ${r.tag} ${String(r.ops[0]?.cost)}`);
        expect(await rows({})).toEqual([
          'disk0 acme/db 5',
          'disk1 acme/db 4',
          'disk0 acme/web 1',
          'disk0 beta 3',
          'disk1 gamma/x 2',
        ]);
        expect(await rows({ device: 'disk1' })).toEqual(['disk1 acme/db 4', 'disk1 gamma/x 2']);
        expect(await rows({ device: 'absent' })).toEqual([]);
        expect(await rows({ tagPrefix: 'acme', groupLevel: 1 })).toEqual(['disk0 acme 6', 'disk1 acme 4']);
        expect(await rows({ orderBy: 'cost', topN: 3 })).toEqual([
          'disk0 acme/db 5',
          'disk1 acme/db 4',
          'disk0 beta 3',
        ]);
      }));

    it('gives a row to the tags that are asked for apart, and one to all others of the prefix together', () =>
      using(async (made) => {
        read(made, 'disk0', 'acme', 7);
        read(made, 'disk0', 'acme/db', 5);
        read(made, 'disk0', 'acme/web', 1);
        read(made, 'disk0', 'beta/x', 3);
        read(made, 'disk0', 'beta/y', 4);
        await made.settled();
        const rows = async (query: Partial<UsageQuery>): Promise<string[]> =>
          (await all(made, { ...ALL, ...query })).map((r) => `${r.tag} ${String(r.ops[0]?.cost)}`);
        expect(await rows({ apart: ['acme/db', 'acme/.', 'idle'] })).toEqual(['_other 8', 'acme/. 7', 'acme/db 5']);
        expect(await rows({ apart: ['beta'], groupLevel: 1 })).toEqual(['_other 13', 'beta 7']);
        expect(await rows({ apart: ['acme/db'], tagPrefix: 'acme', orderBy: 'cost', topN: 1 })).toEqual(['_other 8']);
        const [others] = await all(made, { ...ALL, apart: ['acme/db'], quantiles: [0.5] });
        expect(others).toMatchObject({ tag: '_other', ops: [{ op: 1, count: 4 }] });
        expect(Math.abs(others!.queueUs[0]! / 20 - 1)).toBeLessThanOrEqual(capabilities.quantileError);
      }));

    it('gives quantiles over all operations, queue and service apart', () =>
      using(async (made) => {
        const account = made.ledger('disk0').account('a');
        for (let i = 1; i <= 1_000; i++) {
          account.record(i % 2 === 0 ? 1 : 2, 0, 1, false, false, i * 1_000, i * 1_000_000, nowNs());
        }
        await made.settled();
        const [row] = await all(made, { ...ALL, quantiles: [0.99, 0.5] });
        const wanted = [990, 500];
        wanted.forEach((us, i) => {
          expect(Math.abs(row!.queueUs[i]! / us - 1)).toBeLessThanOrEqual(capabilities.quantileError);
          expect(Math.abs(row!.serviceUs[i]! / (us * 1_000) - 1)).toBeLessThanOrEqual(capabilities.quantileError);
        });
      }));

    it('lists tags by device, then tag, page by page, with when they were last served', () =>
      using(async (made, clock) => {
        for (const [device, tag] of [
          ['disk1', 'a'],
          ['disk0', 'b'],
          ['disk0', 'a/x'],
          ['disk0', 'a'],
        ] as const) {
          read(made, device, tag);
          clock.runFor(1_000 * NS_PER_MS);
        }
        await made.settled();
        const list = async (device: string, prefix: string, limit: number): Promise<string[]> => {
          const found: string[] = [];
          let after: { device: string; tag: string } | null = null;
          for (;;) {
            const page = await made.store.listTags({ device, prefix, after, limit });
            expect(page.length).toBeLessThanOrEqual(limit);
            found.push(...page.map((t) => `${t.device} ${t.tag} ${String((t.lastSeenMs - T0) / 1_000)}`));
            after = page.at(-1) ?? null;
            if (after === null) return found;
          }
        };
        for (const limit of [1, 3, 10]) {
          expect(await list('', '', limit)).toEqual(['disk0 a/. 3', 'disk0 a/x 2', 'disk0 b 1', 'disk1 a 0']);
          expect(await list('disk0', 'a', limit)).toEqual(['disk0 a/. 3', 'disk0 a/x 2']);
        }
      }));
  });
}
