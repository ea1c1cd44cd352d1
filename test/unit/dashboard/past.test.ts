import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { Usage, allRows } from '../../../src/control/usage.js';
import { LocalUsageStore } from '../../../src/coordination/local/usage-store.js';
import type { SluiceError } from '../../../src/core/model/errors.js';
import { SharesInForce } from '../../../src/core/model/owed-shares.js';
import { NS_PER_MS } from '../../../src/core/model/units.js';
import { SeededRng } from '../../../src/core/rng.js';
import { Ledger } from '../../../src/core/usage.js';
import { ApiError, QUANTILES, type UsageAsked, type UsageRow } from '../../../src/dashboard/data/api.js';
import { PastTimeline, loadLatency, loadSeries } from '../../../src/dashboard/data/past.js';
import { paceMs, spanOf, startsOf, type PastRange } from '../../../src/dashboard/data/range.js';
import { reasonOf } from '../../../src/dashboard/data/reason.js';
import { sharesOver } from '../../../src/dashboard/data/shares.js';
import { LATENCIES, METRICS } from '../../../src/dashboard/data/timeline.js';
import { rowJson } from '../../../src/doors/http/convert.js';

const T0 = Date.UTC(2026, 0, 1, 10, 20, 30);
const HOUR_MS = 3_600_000;
const RANGES: PastRange[] = ['1h', '24h', '7d'];

/** What the page asks, answered by the service's own parts, checks included. */
class Served {
  readonly clock = new VirtualClock(T0);
  readonly asked: UsageAsked[] = [];
  readonly #ledger = new Ledger(this.clock);
  readonly #usage = new Usage(new LocalUsageStore(() => new Map([['disk0', this.#ledger]]), this.clock), this.clock);

  readonly ask = async (asked: UsageAsked): Promise<UsageRow[]> => {
    this.asked.push(asked);
    const query = {
      tagPrefix: '',
      groupLevel: 0,
      topN: 0,
      orderBy: 'cost',
      ...asked,
      apart: asked.apart?.split(',') ?? [],
      quantiles: asked.quantiles?.split(',').map(Number) ?? [],
    };
    try {
      const rows = await allRows(await this.#usage.query(query));
      return JSON.parse(JSON.stringify(rows.map(rowJson))) as UsageRow[];
    } catch (error) {
      const { code, message } = error as SluiceError;
      throw new ApiError(400, code, message);
    }
  };

  read(tag: string, count = 1, queueMs = 1): void {
    const account = this.#ledger.account(tag);
    for (let i = 0; i < count; i++) {
      account.record(1, 4_096, 2, false, false, queueMs * NS_PER_MS, 3 * NS_PER_MS, this.clock.nowNs());
    }
  }

  pass(ms: number): void {
    this.clock.runFor(ms * NS_PER_MS);
  }
}

const asked = (range: PastRange) => ({ device: 'disk0', range, metric: 'ops', count: 2 }) as const;
const latencyOf = (range: PastRange, tag: string) => ({ device: 'disk0', range, tag, quantiles: QUANTILES }) as const;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('spanOf', () => {
  it.each(RANGES)('covers %s with whole steps, the open one included, at every moment', (range) => {
    const steps = { '1h': [61, 61], '24h': [1_440, 1_500], '7d': [168, 168] }[range];
    for (let nowMs = T0; nowMs < T0 + 2 * HOUR_MS; nowMs += 7_001) {
      const span = spanOf(range, nowMs);
      const starts = startsOf(span);
      expect(span.fromMs % span.stepMs).toBe(0);
      expect(span.toMs % span.stepMs).toBe(0);
      expect(starts[0]).toBe(span.fromMs);
      expect(starts.at(-1)).toBe(Math.floor((nowMs - 1) / span.stepMs) * span.stepMs);
      expect(starts.length).toBeGreaterThanOrEqual(steps[0]!);
      expect(starts.length).toBeLessThanOrEqual(steps[1]!);
    }
  });
});

describe('a range of the past', () => {
  it('has the largest tags apart and all others in the total, by the second', async () => {
    const served = new Served();
    served.read('acme/db', 120);
    served.read('acme/web', 60);
    for (let i = 0; i < 20; i++) served.read(`small/${String(i)}`, 3);
    served.pass(HOUR_MS / 2);
    const series = await loadSeries(served.ask, asked('1h'), null, served.clock.wallMs());
    expect(series.tags).toEqual(['acme/db', 'acme/web']);
    const past = new PastTimeline(series);
    expect(past.times()).toHaveLength(61);
    // The minute that it was served in, 60 s long.
    expect(past.rates('acme/db', 'ops').filter((rate) => rate > 0)).toEqual([2]);
    expect(past.rates('acme/db', 'bytes').filter((rate) => rate > 0)).toEqual([8_192]);
    expect(past.rates(null, 'ops').filter((rate) => rate > 0)).toEqual([4]);
    expect(past.rates(null, 'cost').filter((rate) => rate > 0)).toEqual([8]);
    expect(past.rates('nobody', 'ops').every((rate) => rate === 0)).toBe(true);
  });

  it('takes the open step for as long as it is open', async () => {
    const served = new Served();
    served.pass(40_000);
    served.read('acme/db', 50);
    const series = await loadSeries(served.ask, asked('1h'), null, served.clock.wallMs());
    expect(new PastTimeline(series).rates('acme/db', 'ops').at(-1)).toBe(5);
    expect(new PastTimeline(series).times().at(-1)).toBe(served.clock.wallMs() / 1_000);
  });

  it.each(RANGES)('asked again over %s says the same as if it were asked for the first time', async (range) => {
    const served = new Served();
    const rng = new SeededRng(7);
    let series = null;
    let latency = null;
    for (let round = 0; round < 40; round++) {
      for (const tag of ['acme/db', 'acme/web', 'acme/backup', 'beta'])
        served.read(tag, 1 + rng.below(30), 1 + rng.below(9));
      const gapMs = rng.below(4) === 0 ? rng.below(HOUR_MS) : paceMs(range);
      served.pass(Math.ceil(gapMs / 1_000) * 1_000);
      const nowMs = served.clock.wallMs();
      series = await loadSeries(served.ask, asked(range), series, nowMs);
      latency = await loadLatency(served.ask, latencyOf(range, 'acme/db'), latency, nowMs);
      const anew = await loadSeries(served.ask, asked(range), null, nowMs);
      const latencyAnew = await loadLatency(served.ask, latencyOf(range, 'acme/db'), null, nowMs);
      const [past, fresh] = [new PastTimeline(series), new PastTimeline(anew)];
      expect(past.times()).toEqual(fresh.times());
      for (const metric of METRICS) expect(past.rates(null, metric)).toEqual(fresh.rates(null, metric));
      if (series.tags.join() === anew.tags.join()) {
        for (const tag of series.tags) expect(past.rates(tag, 'ops')).toEqual(fresh.rates(tag, 'ops'));
      }
      for (const key of LATENCIES) {
        const told = new PastTimeline(latency).latencies('acme/db', key);
        expect(told).toEqual(new PastTimeline(latencyAnew).latencies('acme/db', key));
        expect(told.some((us) => us !== null)).toBe(true);
      }
    }
  });

  it('asked again asks for what came since alone, and in the end for the tags that are largest by then', async () => {
    const served = new Served();
    served.read('a', 9);
    served.read('b', 8);
    let series = await loadSeries(served.ask, asked('24h'), null, served.clock.wallMs());
    served.read('c', 100);
    served.pass(60_000);
    served.asked.length = 0;
    series = await loadSeries(served.ask, asked('24h'), series, served.clock.wallMs());
    const steps = served.asked.find(({ stepMs }) => stepMs > 0)!;
    expect(served.clock.wallMs() - steps.fromMs).toBeLessThan(4 * 60_000);
    expect(series.tags).toEqual(['a', 'b']);
    for (let i = 0; i < 10; i++) series = await loadSeries(served.ask, asked('24h'), series, served.clock.wallMs());
    expect(series.tags).toEqual(['c', 'a']);
  });

  it('is asked for as a whole again where the clock went back or much was missed', async () => {
    const served = new Served();
    served.read('a', 9);
    served.read('b', 8);
    const ahead = await loadSeries(served.ask, asked('1h'), null, served.clock.wallMs() + 5 * HOUR_MS);
    served.pass(1_000);
    const back = await loadSeries(served.ask, asked('1h'), ahead, served.clock.wallMs());
    expect(sum(new PastTimeline(back).rates(null, 'ops'))).toBeGreaterThan(0);
    served.pass(3 * HOUR_MS);
    served.read('c', 7);
    const later = await loadSeries(served.ask, asked('1h'), back, served.clock.wallMs());
    expect(later.tags).toEqual(['c']);
  });

  it('has no latency where a tag was not served, or never', async () => {
    const served = new Served();
    served.read('a');
    const nowMs = served.clock.wallMs() + 1_000;
    const past = new PastTimeline(await loadLatency(served.ask, latencyOf('1h', 'a'), null, nowMs));
    expect(past.latencies('a', 'serviceUsP99').filter((us) => us !== null)).toHaveLength(1);
    const never = new PastTimeline(await loadLatency(served.ask, latencyOf('1h', 'never'), null, nowMs));
    expect(never.latencies('never', 'queueUsP50').every((us) => us === null)).toBe(true);
  });

  it('fails where the service has let go of a part, and says so to who looks at it', async () => {
    const served = new Served();
    const tooOld = served.ask({ device: 'disk0', fromMs: 0, toMs: HOUR_MS, stepMs: HOUR_MS });
    const load = loadLatency(() => tooOld, latencyOf('7d', 'a'), null, T0);
    const error = await load.then(
      () => null,
      (reason: unknown) => reason as Error,
    );
    expect(reasonOf(error)).toContain('no longer keeps all of this range');
    expect(reasonOf(new Error('away'))).toContain('(away)');
  });

  it('asks for nothing step by step where nothing was served', async () => {
    const served = new Served();
    const series = await loadSeries(served.ask, asked('7d'), null, served.clock.wallMs());
    expect(series.whole).toEqual([]);
    expect(served.asked).toHaveLength(1);
    expect(sum(new PastTimeline(series).rates(null, 'ops'))).toBe(0);
  });
});

describe('sharesOver', () => {
  it('sets what each tag was owed among those served beside its part of the cost', async () => {
    const served = new Served();
    served.read('acme/db', 60);
    served.read('acme/web', 20);
    served.read('beta', 20);
    const { whole } = await loadSeries(served.ask, asked('1h'), null, served.clock.wallMs() + 1_000);
    const inForce = new SharesInForce([{ device: 'disk0', tag: 'acme', shares: 300 }], 'disk0');
    expect(sharesOver(whole, inForce)).toEqual([
      { tag: 'acme/db', owed: 0.375, achieved: 0.6 },
      { tag: 'acme/web', owed: 0.375, achieved: 0.2 },
      { tag: 'beta', owed: 0.25, achieved: 0.2 },
    ]);
  });
});
