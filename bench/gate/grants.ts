/** Grants a second over hosts on one Redis, and the same number of picks and charges by a script that does nothing else. */
import { createHash } from 'node:crypto';
import type { RedisConnection } from '../../src/coordination/redis/connection.js';
import { RedisExchange } from '../../src/coordination/redis/transport.js';
import type { Script } from '../../src/coordination/redis/script.js';
import { LoadHost } from './load-host.js';
import type { BenchRedis } from './server.js';

/** A run, and how many grants a call carried. */
export interface Rate {
  readonly perSecond: number;
  readonly batch: number;
}

/** As many tenants as tags a tenant has. */
export function tagsOf(count: number): string[] {
  const tenants = Math.max(2, Math.round(Math.sqrt(count)));
  return Array.from({ length: count }, (_, i) => `tenant${i % tenants}/app${i}`);
}

async function forSeconds(seconds: number, steps: readonly (() => Promise<void>)[]): Promise<number> {
  const from = process.hrtime.bigint();
  const until = from + BigInt(Math.round(seconds * 1e9));
  await Promise.all(
    steps.map(async (step) => {
      while (process.hrtime.bigint() < until) await step();
    }),
  );
  return Number(process.hrtime.bigint() - from) / 1e9;
}

export interface CoordinatedRun {
  readonly hosts: number;
  readonly tags: number;
  /** Slots of the device for each host: about what a call grants, where all that was granted has ended. */
  readonly slots: number;
  readonly seconds: number;
}

export async function coordinated(redis: BenchRedis, run: CoordinatedRun): Promise<Rate> {
  const { hosts, tags, slots, seconds } = run;
  const connections = await Promise.all(Array.from({ length: hosts }, () => redis.connect()));
  try {
    await connections[0]!.batch([['FLUSHALL']]);
    const names = tagsOf(tags);
    const loads = connections.map((connection, i) => {
      return new LoadHost(new RedisExchange(connection), `h${i}`, names, slots * hosts);
    });
    for (const load of loads) await load.step();
    const steps = loads.map((load) => () => load.step());
    await forSeconds(0.2, steps);
    const before = { grants: sum(loads, 'grants'), calls: sum(loads, 'calls') };
    const took = await forSeconds(seconds, steps);
    const grants = sum(loads, 'grants') - before.grants;
    return { perSecond: grants / took, batch: grants / (sum(loads, 'calls') - before.calls) };
  } finally {
    for (const connection of connections) connection.close();
  }
}

function sum(loads: readonly LoadHost[], field: 'grants' | 'calls'): number {
  return loads.reduce((total, load) => total + load[field], 0);
}

/** Tags lie in one sorted set a tenant, tenants in one above: the lowest of the lowest is charged, and nothing else is done. */
const BARE = `
local out = {}
for i = 1, tonumber(ARGV[1]) do
  local tenant = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  local tags = KEYS[1] .. tenant
  local tag = redis.call('ZRANGE', tags, 0, 0)[1]
  redis.call('ZINCRBY', KEYS[1], 400, tenant)
  redis.call('ZINCRBY', tags, 400, tag)
  out[i] = tag
end
return out
`;
const BARE_SCRIPT: Script = { name: 'bare', text: BARE, digest: createHash('sha1').update(BARE).digest('hex') };

export interface BareRun {
  readonly hosts: number;
  readonly tags: number;
  /** Picks a call. */
  readonly batch: number;
  readonly seconds: number;
}

export async function bare(redis: BenchRedis, run: BareRun): Promise<Rate> {
  const { hosts, tags, batch, seconds } = run;
  const connections = await Promise.all(Array.from({ length: hosts }, () => redis.connect()));
  const count = Math.max(1, Math.round(batch));
  try {
    await connections[0]!.batch([['FLUSHALL']]);
    await fill(connections[0]!, tags);
    let grants = 0;
    const steps = connections.map((connection) => async (): Promise<void> => {
      grants += ((await connection.run(BARE_SCRIPT, ['{bare}'], [count])) as string[]).length;
    });
    await forSeconds(0.2, steps);
    grants = 0;
    const took = await forSeconds(seconds, steps);
    return { perSecond: grants / took, batch: count };
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function fill(connection: RedisConnection, tags: number): Promise<void> {
  for (const tag of tagsOf(tags)) {
    const [tenant, app] = tag.split('/') as [string, string];
    await connection.batch([
      ['ZADD', '{bare}', 0, tenant],
      ['ZADD', `{bare}${tenant}`, 0, app],
    ]);
  }
}
