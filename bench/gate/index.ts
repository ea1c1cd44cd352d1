/**
 * The gate of a shared store: grants a second beside a script that only picks and charges, beside
 * BullMQ and Bottleneck handing out jobs on the same Redis, and what it adds to a request.
 *
 * How many grants a call carries decides most: each row that is reported is written once a call,
 * however many grants it had. So batches are printed, and the bare script gets the same ones.
 */
import { median, row, type BenchRow } from '../report.js';
import { bare, coordinated } from './grants.js';
import { embedded, shared, type Load, type Percentiles } from './latency.js';
import { bottleneck, bullmq } from './peers.js';
import { BenchRedis } from './server.js';

const HOSTS = [1, 2, 4];
const SLOTS_A_HOST = [32, 128];
const PAIRS = 3;
const SECONDS = 0.5;
const JOBS = { bullmq: 4_000, bottleneck: 1_000 };

/** A request at a time, and many more than there are slots. */
const LIGHT: Load = { tags: 1, each: 1, depth: 32, requests: 2_000 };
const CONTENDED: Load = { tags: 4, each: 16, depth: 8, requests: 8_000 };

/** `bench gate:PART` runs one of them. */
const PARTS: Readonly<Record<string, (redis: BenchRedis) => Promise<BenchRow[]>>> = {
  few: (redis) => allGrants(redis, 10),
  many: (redis) => allGrants(redis, 1_000),
  beside,
  light: (redis) => latency('light load', LIGHT, redis),
  contention: (redis) => latency('contention', CONTENDED, redis),
};

/** @throws Error where the part is none of PARTS */
export async function gateBenchmark(part: string): Promise<BenchRow[]> {
  if (part !== '' && !Object.hasOwn(PARTS, part)) {
    throw new Error(`gate has no part ${JSON.stringify(part)}; parts: ${Object.keys(PARTS).join(', ')}`);
  }
  await using redis = await BenchRedis.start();
  const rows: BenchRow[] = [];
  for (const [name, run] of Object.entries(PARTS)) if (part === '' || part === name) rows.push(...(await run(redis)));
  return rows;
}

async function allGrants(redis: BenchRedis, tags: number): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const slots of SLOTS_A_HOST) for (const hosts of HOSTS) rows.push(await grants(redis, hosts, tags, slots));
  return rows;
}

async function grants(redis: BenchRedis, hosts: number, tags: number, slots: number): Promise<BenchRow> {
  const rates: number[] = [];
  const peers: number[] = [];
  let batch = 0;
  for (let pair = 0; pair < PAIRS; pair++) {
    const ours = await coordinated(redis, { hosts, tags, slots, seconds: SECONDS });
    const peer = await bare(redis, { hosts, tags, batch: ours.batch, seconds: SECONDS });
    rates.push(ours.perSecond);
    peers.push(peer.perSecond);
    ({ batch } = ours);
  }
  return {
    name: `grants, ${hosts} host${hosts === 1 ? '' : 's'}, ${tags} tags, ${batch.toFixed(0)} a call`,
    value: median(rates),
    unit: 'grants/s',
    peer: 'bare pick and charge in Lua',
    peerValue: median(peers),
    ratio: median(rates.map((rate, i) => rate / peers[i]!)),
  };
}

async function beside(redis: BenchRedis): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const rates: number[] = [];
  const jobs: { bullmq: number[]; bottleneck: number[] } = { bullmq: [], bottleneck: [] };
  for (let pair = 0; pair < PAIRS; pair++) {
    rates.push((await coordinated(redis, { hosts: 1, tags: 10, slots: 32, seconds: SECONDS })).perSecond);
    jobs.bullmq.push(await bullmq(redis, JOBS.bullmq));
    jobs.bottleneck.push(await bottleneck(redis, JOBS.bottleneck));
  }
  for (const peer of ['bullmq', 'bottleneck'] as const) {
    rows.push({
      name: 'grants, 1 host, 10 tags, 32 slots',
      value: median(rates),
      unit: 'grants/s',
      peer: `${peer}, 32 at a time`,
      peerValue: median(jobs[peer]),
      ratio: median(rates.map((rate, i) => rate / jobs[peer][i]!)),
    });
  }
  return rows;
}

async function latency(name: string, load: Load, redis: BenchRedis): Promise<BenchRow[]> {
  const ours: Percentiles[] = [];
  const peers: Percentiles[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    peers.push(await embedded(load));
    ours.push(await shared(redis, load));
  }
  return (['p50Us', 'p99Us'] as const).map((which) => ({
    ...row(`request at ${name}, ${which.slice(0, 3)}`, median(ours.map((one) => one[which])), 'us'),
    peer: 'embedded store',
    peerValue: median(peers.map((one) => one[which])),
    ratio: median(ours.map((one, i) => one[which] / peers[i]![which])),
  }));
}
