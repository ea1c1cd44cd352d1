/**
 * Lua and twin are one state machine written twice: over random histories each reply, each nudge
 * and, all along, the whole state are equal to the last bit. `SLUICE_SEED=N` replays one history.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import { SeededRng } from '../../../src/core/rng.js';
import type { ExchangeReply } from '../../../src/coordination/exchange/protocol.js';
import { exchange } from '../../../src/coordination/twin/exchange.js';
import type { DeviceState } from '../../../src/coordination/twin/records.js';
import { runHistory, type Exchange, type HistoryOptions } from '../../support/exchange-history.js';
import { LuaExchange } from '../../support/exchange-lua.js';
import { EXACT_SCHEMA } from '../../support/stored-exchange.js';
import { twinDump } from '../../support/twin-dump.js';
import { RedisServer } from '../../support/redis.js';

const LONG = process.env.SLUICE_LONG === '1';
const HISTORIES = LONG ? 10_000 : 200;
const STEPS = 60;
/** Calls between two comparisons of the whole state; a replay compares after each. */
const DUMP_EVERY = process.env.SLUICE_SEED === undefined ? 10 : 1;

const TAGS = ['a', 'b', 'a/x', 'a/y', 'b/x/1', 'b/x/2', 'b/x', 'c/d', 'e', 'f/g/h/i'];

/**
 * Counters are told beside the records at once, and in so little room that strings of them go all the time; the
 * device never has more nodes than may have them, or comes to.
 */
const JOURNALS = [{}, { JOURNAL_NODES: 7 }].map((bounds) => ({ JOURNAL_A_NODE: 60, JOURNAL_WARM: 1, ...bounds }));

function optionsFor(seed: number, rng: SeededRng): HistoryOptions {
  const scheduler = (['fair', 'fair', 'stride', 'fifo'] as const)[seed % 4]!;
  return {
    steps: STEPS,
    settings: {
      scheduler,
      depth: 1 + rng.below(12),
      fair: { credit: rng.below(4), idleResetMs: 1 + rng.below(100) },
      stride: {
        sleepMs: 1 + rng.below(20),
        // Low enough to be passed in a short history.
        threshold: rng.next() < 0.5 ? 500 : 2 ** 40,
        sleepRule: rng.next() < 0.5 ? 'as-written' : 'before-pick',
      },
    },
    hosts: 1 + rng.below(4),
    tags: TAGS.slice(0, 2 + rng.below(TAGS.length - 2)),
    faults: { lose: 0.1, duplicate: 0.1, crash: 0.03, server: 0.01, settings: 0.02, flush: 0.003 },
    ...(
      [
        { leaseMs: 200, stepUs: 2_000 },
        { leaseMs: 20_000, stepUs: 200_000 },
      ] as const
    )[rng.below(2)]!,
    // The last so dear that the tree's time is taken back within a history.
    costMax: ([20, 20, 65_536, 2 ** 31] as const)[rng.below(4)]!,
  };
}

async function compareHistory(seed: number, redis: Redis, lua: LuaExchange): Promise<void> {
  const rng = new SeededRng(seed);
  const options = optionsFor(seed, rng);
  let state: DeviceState | null = null;
  let calls = 0;
  // How often a call finds nothing of the state in memory.
  const forgets = new SeededRng(seed + 1);
  const forgetful = [0, 0.1, 0.7][seed % 3]!;
  const flush = async (): Promise<void> => {
    state = null;
    await redis.flushall();
  };
  const both: Exchange = async (call, around): Promise<ExchangeReply> => {
    const twin = exchange(state, structuredClone(call), around);
    state = twin.state;
    if (forgets.next() < forgetful) await lua.forget();
    const { reply, nudges } = await lua.exchange(call, around);
    // A state that hosts of the version before made.
    if (seed % 5 === 0 && state !== null && state.meta.schema !== EXACT_SCHEMA) {
      state.meta.schema = EXACT_SCHEMA;
      await lua.makeExact();
    }
    const where = `replay with SLUICE_SEED=${seed}; call ${calls}`;
    if (++calls % DUMP_EVERY === 0) expect(await lua.dump(), where).toEqual(twinDump(state));
    expect(reply, where).toEqual(twin.reply);
    expect(nudges, where).toEqual(twin.nudges);
    return reply;
  };
  await flush();
  await runHistory(rng, both, { ...options, flush });
  expect(await lua.dump(), `replay with SLUICE_SEED=${seed}; at the end`).toEqual(twinDump(state));
}

describe('the exchange in Lua and its twin', () => {
  let server: RedisServer;
  let redis: Redis;
  let luas: LuaExchange[];

  beforeAll(async () => {
    server = await RedisServer.start();
    redis = server.admin;
    luas = JOURNALS.map((bounds) => new LuaExchange(redis, bounds));
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const compare = (seed: number): Promise<void> => compareHistory(seed, redis, luas[(seed >> 2) % luas.length]!);

  const only = process.env.SLUICE_SEED;
  it(`are equal over ${only === undefined ? HISTORIES : 1} histories`, { timeout: 3_600_000 }, async () => {
    if (only !== undefined) {
      await compare(Number(only));
      return;
    }
    for (let seed = 0; seed < HISTORIES; seed++) await compare(seed);
  });
});
