/**
 * What 100,000 tags cost those who ask about all of them: a scrape of /metrics, and sums of everything
 * that was counted. The longest hold of the event loop is what requests have to wait for it. An interval closes in
 * one go, whoever notices that it is over: told apart, and done before anybody asks.
 */
import { RealClock } from '../src/clock/real.js';
import { LocalUsageStore } from '../src/coordination/local/usage-store.js';
import type { UsageQuery } from '../src/core/model/usage.js';
import type { Clock } from '../src/core/ports.js';
import { SeededRng } from '../src/core/rng.js';
import { Ledger } from '../src/core/usage.js';
import { Metrics } from '../src/telemetry/metrics.js';
import { heldBy, type Held } from './loop-hold.js';
import { median, row, type BenchRow } from './report.js';

const TAGS = 100_000;
const HOUR_MS = 3_600_000;
const ROUNDS = 7;

const EVERYTHING: UsageQuery = {
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

const QUERIES: readonly { readonly name: string; readonly query: Partial<UsageQuery> }[] = [
  { name: 'a row a tag', query: {} },
  { name: 'by tenant', query: { groupLevel: 1 } },
  { name: 'the 10 largest', query: { orderBy: 'cost', topN: 10 } },
  { name: 'a row a tag, largest first', query: { orderBy: 'cost' } },
  { name: 'by tenant, p50 and p99', query: { groupLevel: 1, quantiles: [0.5, 0.99] } },
];

/** The hour that is open, and the one before in case that it turned just now. */
function lastHours(clock: Clock): Partial<UsageQuery> {
  const openMs = Math.floor(clock.wallMs() / HOUR_MS) * HOUR_MS;
  return { fromMs: openMs - HOUR_MS, toMs: openMs + HOUR_MS, groupLevel: 1 };
}

export async function manyTags(): Promise<BenchRow[]> {
  const clock = new RealClock();
  const ledger = new Ledger(clock);
  const rng = new SeededRng(3);
  const accounts = Array.from({ length: TAGS }, (_, i) => ledger.account(`tenant-${String(i % 500)}/app-${String(i)}`));
  for (let round = 0; round < 3; round++) {
    for (const account of accounts) {
      account.record(rng.below(2) === 0 ? 1 : 2, 4_096, 1, false, false, rng.below(1_000_000), 90_000, clock.nowNs());
    }
  }
  const closesAt = performance.now();
  ledger.closeSecond();
  const closedMs = performance.now() - closesAt;
  const ledgers = new Map([['disk0', ledger]]);
  const metrics = new Metrics(() => ledgers, {
    get: () => undefined,
    list: () => [],
    settled: () => Promise.resolve(),
  });
  const store = new LocalUsageStore(() => ledgers, clock);
  const rows = [
    row('100,000 tags: a second closes in which all were served', closedMs, 'ms'),
    ...told('scrape of /metrics', await rounds(() => metrics.render())),
  ];
  const asked = [...QUERIES, { name: 'of the open hour, by tenant', query: lastHours(clock) }];
  for (const { name, query } of asked) {
    const held = await rounds(async () => {
      let operations = 0;
      for await (const part of store.query({ ...EVERYTHING, ...query })) {
        for (const { ops } of part) for (const op of ops) operations += op.count;
      }
      return operations;
    });
    const [first] = held;
    if (query.topN === undefined && first!.value !== 3 * TAGS) {
      throw new Error(`${name}: ${String(first!.value)} operations, expected ${String(3 * TAGS)}`);
    }
    rows.push(...told(`usage, ${name}`, held));
  }
  return rows;
}

async function rounds<T>(work: () => Promise<T>): Promise<Held<T>[]> {
  const held: Held<T>[] = [];
  for (let round = 0; round < ROUNDS; round++) held.push(await heldBy(work));
  return held;
}

function told(name: string, held: readonly Held<unknown>[]): BenchRow[] {
  return [
    row(`100,000 tags: ${name}`, median(held.map(({ ms }) => ms)), 'ms'),
    row(`100,000 tags: ${name}, hold of the event loop`, median(held.map(({ heldMs }) => heldMs)), 'ms'),
    row(`100,000 tags: ${name}, longest hold`, Math.max(...held.map(({ heldMs }) => heldMs)), 'ms'),
  ];
}
