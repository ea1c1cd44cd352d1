import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { Usage, allRows, type RawUsageQuery } from '../../../src/control/usage.js';
import { LocalUsageStore } from '../../../src/coordination/local/usage-store.js';
import { NS_PER_MS } from '../../../src/core/model/units.js';
import { Ledger } from '../../../src/core/usage.js';

const T0 = Date.UTC(2026, 0, 1, 12) + 250;
const GROUPING = { device: '', tagPrefix: '', groupLevel: 0, orderBy: 'tag', apart: [], topN: 0, quantiles: [] };
const ALL: RawUsageQuery = { ...GROUPING, fromMs: 0, toMs: 0, stepMs: 0 };

function make(): { clock: VirtualClock; ledger: Ledger; usage: Usage } {
  const clock = new VirtualClock(T0);
  const ledger = new Ledger(clock);
  return { clock, ledger, usage: new Usage(new LocalUsageStore(() => new Map([['disk0', ledger]]), clock), clock) };
}

describe('Usage', () => {
  it('refuses malformed queries, naming the field', async () => {
    const { usage } = make();
    const cases: [Partial<RawUsageQuery>, string][] = [
      [{ fromMs: Number.NaN }, 'from_ms'],
      [{ fromMs: 2 ** 60, toMs: 2 ** 61 }, 'from_ms'],
      [{ fromMs: 500, toMs: 2_000 }, 'from_ms'],
      [{ fromMs: 1_000, toMs: 2_500 }, 'to_ms'],
      [{ fromMs: 60_000, toMs: 61_000, stepMs: 60_000 }, 'to_ms'],
      [{ fromMs: 3_000, toMs: 2_000 }, 'to_ms'],
      [{ fromMs: 0, toMs: 200_000_000, stepMs: 1_000 }, 'to_ms'],
      [{ stepMs: 2_000, toMs: 2_000 }, 'step_ms'],
      [{ groupLevel: 1.5 }, 'group_level'],
      [{ topN: -1 }, 'top_n'],
      [{ quantiles: [0.5, 1] }, 'quantiles[1]'],
      [{ quantiles: [Number.NaN] }, 'quantiles[0]'],
      [{ apart: ['acme', 'acme/../db'] }, 'apart[1]'],
      [{ apart: Array<string>(65).fill('acme') }, 'apart'],
      [{ orderBy: 'size' }, 'order_by'],
      [{ device: 'a b' }, 'device'],
    ];
    for (const [query, field] of cases) {
      await expect(usage.query({ ...ALL, ...query })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field });
    }
    for (const intervalMs of [1, 1_500, -1_000, 3_600_000, Number.NaN]) {
      await expect(usage.watch({ ...GROUPING, intervalMs }, () => undefined)).rejects.toMatchObject({
        field: 'interval_ms',
      });
    }
  });

  it('says where history ends instead of answering a part', async () => {
    const { usage } = make();
    const query = { ...ALL, fromMs: T0 - 250 - 3_600_000, toMs: T0 - 250, stepMs: 1_000 };
    await expect(usage.query(query)).rejects.toMatchObject({ code: 'OUT_OF_RANGE', field: 'from_ms' });
    expect(await allRows(await usage.query({ ...query, stepMs: 60_000 }))).toEqual([]);
  });

  it('refuses a tag that nobody ever used, and answers nothing for one that was idle', async () => {
    const { clock, ledger, usage } = make();
    ledger.account('acme/db').record(1, 0, 1, false, false, 0, 0, clock.nowNs());
    ledger.account('acme').record(1, 0, 1, false, false, 0, 0, clock.nowNs());
    await expect(usage.query({ ...ALL, tagPrefix: 'acme/dbx' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      field: 'tag_prefix',
    });
    const own = await allRows(await usage.query({ ...ALL, tagPrefix: 'acme/.' }));
    expect(own.map(({ tag, ops }) => [tag, ops[0]!.count])).toEqual([['acme/.', 1]]);
    clock.runFor(60_000 * NS_PER_MS);
    const later = { ...ALL, fromMs: T0 - 250 + 60_000, toMs: T0 - 250 + 120_000, tagPrefix: 'acme/db' };
    expect(await allRows(await usage.query(later))).toEqual([]);
  });

  it('tells each interval once, as it completes', async () => {
    const { clock, ledger, usage } = make();
    const told: [number, number, number][] = [];
    const stop = await usage.watch({ ...GROUPING, intervalMs: 2_000 }, (rows, startMs, endMs) => {
      told.push([startMs - T0 + 250, endMs - T0 + 250, rows[0]?.ops[0]?.count ?? 0]);
    });
    for (let tick = 0; tick < 100; tick++) {
      ledger.account('a').record(1, 0, 1, false, false, 0, 0, clock.nowNs());
      clock.runFor(100 * NS_PER_MS);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(told).toEqual([
      [0, 2_000, 18],
      [2_000, 4_000, 20],
      [4_000, 6_000, 20],
      [6_000, 8_000, 20],
      [8_000, 10_000, 20],
    ]);
    stop();
    expect(clock.pending).toBe(0);
  });

  it('pages through tags', async () => {
    const { clock, ledger, usage } = make();
    for (const tag of ['a', 'b', 'c']) ledger.account(tag).record(1, 0, 1, false, false, 0, 0, clock.nowNs());
    const query = { device: '', tagPrefix: '', pageSize: 2, pageToken: '' };
    const first = await usage.listTags(query);
    expect(first.tags.map((tag) => tag.tag)).toEqual(['a', 'b']);
    const rest = await usage.listTags({ ...query, pageToken: first.nextPageToken });
    expect(rest.tags.map((tag) => tag.tag)).toEqual(['c']);
    expect(rest.nextPageToken).toBe('');
  });
});
