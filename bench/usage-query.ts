/**
 * How long queries over a day of a thousand tags take: the day is served under a clock of its own,
 * second by second, every tag in each minute, reads and writes; then each query runs a few times on
 * an otherwise idle process, and the longest time that it kept the event loop from others is measured.
 */
import { RealClock } from '../src/clock/real.js';
import { LocalUsageStore } from '../src/coordination/local/usage-store.js';
import type { UsageQuery } from '../src/core/model/usage.js';
import { MIB, NS_PER_S } from '../src/core/model/units.js';
import { SeededRng } from '../src/core/rng.js';
import type { Clock, Logger, Timer, UsageStore } from '../src/core/ports.js';
import { Ledger } from '../src/core/usage.js';
import { RedisConnection } from '../src/coordination/redis/connection.js';
import { parseStoreUrl } from '../src/coordination/redis/url.js';
import { RedisUsageStore } from '../src/coordination/redis/usage-store.js';
import { heldBy, type Held } from './loop-hold.js';
import { manyTags } from './many-tags.js';
import { BenchRedis } from './redis-server.js';
import { median, row, type BenchRow } from './report.js';

const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const TAGS = 1_000;
const DAY_S = 86_400;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = DAY_S * 1_000;
const ROUNDS = 5;
/** A day that begins at midnight. */
const DAY_START_MS = Date.UTC(2026, 0, 1);

class SetClock implements Clock {
  #wallMs: number;

  constructor(wallMs: number) {
    this.#wallMs = wallMs;
  }

  nowNs(): number {
    return 0;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  set(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  /** What a timer would do the benchmark does. */
  after(): Timer {
    return { cancel: () => undefined };
  }
}

/** The wall clock stands at the end of the day, so that all of it is kept; the other one runs. */
class DayClock extends SetClock {
  readonly #real = new RealClock();

  override nowNs(): number {
    return this.#real.nowNs();
  }
}

function tagOf(i: number): string {
  return `tenant-${String(i % 20)}/app-${String(i)}`;
}

/** Serves the day; every second is told, so that what it closed can be kept elsewhere. */
async function serveDay(clock: SetClock, ledger: Ledger, second?: (s: number) => Promise<void>): Promise<void> {
  const accounts = Array.from({ length: TAGS }, (_, i) => ledger.account(tagOf(i)));
  const rng = new SeededRng(1);
  // In each minute each tag is served in one of its seconds, so that all minutes hold all tags.
  for (let s = 0; s < DAY_S; s++) {
    clock.set(DAY_START_MS + s * 1_000);
    for (let i = s % 60; i < TAGS; i += 60) {
      for (let n = 0; n < 3; n++) {
        const spread = rng.below(2_000_000);
        accounts[i]!.record(
          n === 2 ? 2 : 1,
          4_096 << rng.below(5),
          1 + rng.below(16),
          false,
          false,
          spread,
          80_000 + spread,
          s * NS_PER_S,
        );
      }
    }
    if (second !== undefined) await second(s);
  }
  clock.set(DAY_START_MS + DAY_MS);
  ledger.advance();
}

const DAY: UsageQuery = {
  device: '',
  tagPrefix: '',
  fromMs: DAY_START_MS,
  toMs: DAY_START_MS + DAY_MS,
  stepMs: 0,
  groupLevel: 0,
  orderBy: 'tag',
  topN: 0,
  apart: [],
  quantiles: [],
};

/** What is asked, and how many milliseconds it may take; 0: no bound was set. */
const QUERIES: readonly { readonly name: string; readonly query: Partial<UsageQuery>; readonly boundMs: number }[] = [
  { name: 'steps of 1 h, a row a tag', query: { stepMs: HOUR_MS }, boundMs: 200 },
  { name: 'steps of 1 h, by tenant', query: { stepMs: HOUR_MS, groupLevel: 1 }, boundMs: 200 },
  { name: 'steps of 1 min, a row a tag', query: { stepMs: MINUTE_MS }, boundMs: 2_000 },
  { name: 'steps of 1 min, by tenant', query: { stepMs: MINUTE_MS, groupLevel: 1 }, boundMs: 2_000 },
  { name: 'steps of 1 min, the 10 largest', query: { stepMs: MINUTE_MS, orderBy: 'cost', topN: 10 }, boundMs: 2_000 },
  {
    name: 'one row a tag over minutes',
    query: { toMs: DAY_START_MS + DAY_MS - MINUTE_MS },
    boundMs: 2_000,
  },
  // What the dashboard asks for.
  {
    name: 'steps of 1 min, 8 tags apart',
    query: { stepMs: MINUTE_MS, apart: Array.from({ length: 8 }, (_, i) => tagOf(i)) },
    boundMs: 2_000,
  },
  {
    name: 'steps of 1 min, one tag, p50 and p99',
    query: { stepMs: MINUTE_MS, tagPrefix: tagOf(0), quantiles: [0.5, 0.99] },
    boundMs: 2_000,
  },
  {
    name: 'steps of 1 h, by tenant, p50 and p99',
    query: { stepMs: HOUR_MS, groupLevel: 1, quantiles: [0.5, 0.99] },
    boundMs: 0,
  },
  {
    name: 'steps of 1 min, by tenant, p50 and p99',
    query: { stepMs: MINUTE_MS, groupLevel: 1, quantiles: [0.5, 0.99] },
    boundMs: 0,
  },
];

interface Asked {
  readonly rows: number;
  readonly operations: number;
}

async function ask(store: UsageStore, query: UsageQuery): Promise<Asked> {
  let rows = 0;
  let operations = 0;
  for await (const part of store.query(query)) {
    rows += part.length;
    for (const { ops } of part) for (const op of ops) operations += op.count;
  }
  return { rows, operations };
}

async function measureQueries(store: UsageStore, what: string): Promise<BenchRow[]> {
  const found: BenchRow[] = [];
  for (const { name, query, boundMs } of QUERIES) {
    const asked: Held<Asked>[] = [];
    for (let round = 0; round < ROUNDS; round++) asked.push(await heldBy(() => ask(store, { ...DAY, ...query })));
    const { rows, operations } = asked[0]!.value;
    const minutes = (query.toMs ?? DAY.toMs) < DAY.toMs ? 1_439 : 1_440;
    const expected = minutes * (query.tagPrefix === undefined ? TAGS : 1) * 3;
    if (query.topN === undefined && operations !== expected) {
      throw new Error(`${name}: ${String(operations)} operations, expected ${String(expected)}`);
    }
    const ms = median(asked.map((each) => each.ms));
    const label = `${what}: ${name}, ${rows.toLocaleString('en-US')} rows`;
    found.push(
      boundMs === 0
        ? row(label, ms, 'ms')
        : { ...row(label, ms, 'ms'), peer: 'bound', peerValue: boundMs, ratio: ms / boundMs },
      row(`${what}: ${name}, longest hold of the event loop`, Math.max(...asked.map((each) => each.heldMs)), 'ms'),
    );
  }
  return found;
}

const PARTS: Readonly<Record<string, () => Promise<BenchRow[]>>> = { embedded, redis, tags: manyTags };

/** @param part '' = all */
export async function usageQueryBenchmark(part: string): Promise<BenchRow[]> {
  const chosen = Object.entries(PARTS).filter(([name]) => part === '' || name === part);
  if (chosen.length === 0) throw new Error(`usage-query has the parts ${Object.keys(PARTS).join(', ')}, not ${part}`);
  const rows: BenchRow[] = [];
  for (const [, measure] of chosen) rows.push(...(await measure()));
  return rows;
}

async function embedded(): Promise<BenchRow[]> {
  const clock = new SetClock(DAY_START_MS);
  const ledger = new Ledger(clock);
  await serveDay(clock, ledger);
  const store = new LocalUsageStore(() => new Map([['disk0', ledger]]), new RealClock());
  return [
    row(`ledger, a day of ${String(TAGS)} tags`, ledger.bytesUsed / MIB, 'MiB'),
    ...(await measureQueries(store, 'embedded')),
  ];
}

/** Written by a host under the day's clock, read by another that counted nothing itself. */
async function redis(): Promise<BenchRow[]> {
  const server = await BenchRedis.start();
  if (server === null) {
    process.stderr.write('no redis-server on this machine: queries in Redis are not measured\n');
    return [];
  }
  const url = parseStoreUrl(server.url);
  const connection = await RedisConnection.open({ url, password: '', tls: {}, logger: SILENT });
  try {
    const clock = new SetClock(DAY_START_MS);
    const writer = new RedisUsageStore({ connection, clock, logger: SILENT, hostId: 'writer' });
    const ledger = new Ledger(clock);
    writer.follow('disk0', ledger);
    await serveDay(clock, ledger, async (s) => {
      // Sent once a minute, not once a second: what is read is the same.
      if (s % 60 === 59) await writer.flush();
    });
    await writer.close();
    const readerClock = new DayClock(DAY_START_MS + DAY_MS);
    const reader = new RedisUsageStore({ connection, clock: readerClock, logger: SILENT, hostId: 'reader' });
    return await measureQueries(reader, 'Redis');
  } finally {
    connection.close();
    await server.stop();
  }
}
