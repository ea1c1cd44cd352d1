/** Usage of several hosts in one store: sums over all of them, kills, repeats, and a store that loses everything. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RedisConnection } from '../../../src/coordination/redis/connection.js';
import { RedisUsageStore } from '../../../src/coordination/redis/usage-store.js';
import { USAGE_STEPS, type UsageQuery, type UsageRow } from '../../../src/core/model/usage.js';
import { SeededRng } from '../../../src/core/rng.js';
import { Ledger } from '../../../src/core/usage.js';
import { LogLines } from '../../support/log-lines.js';
import { RedisServer, canRedis } from '../../support/redis.js';
import { StillClock } from '../../support/still-clock.js';
import { connectTo } from '../../support/shared-store.js';

const T0 = Date.UTC(2026, 0, 1, 10, 59, 50);
const TAGS = ['acme', 'acme/db', 'acme/web', 'beta/x'];
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

async function rowsOf(store: RedisUsageStore, query: UsageQuery): Promise<UsageRow[]> {
  const rows: UsageRow[] = [];
  for await (const part of store.query(query)) rows.push(...part);
  return rows;
}

describe.skipIf(!canRedis)('usage in Redis', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let clock: StillClock;
  let log: LogLines;
  let plain: Ledger;
  let hosts = 0;
  beforeAll(async () => {
    server = await RedisServer.start({ persistent: true });
    connection = await connectTo(server.url);
  });
  afterAll(async () => {
    connection.close();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await server.admin.flushall();
    clock = new StillClock(T0);
    log = new LogLines();
    plain = new Ledger(clock);
  });

  interface TestHost {
    readonly store: RedisUsageStore;
    readonly ledger: Ledger;
  }

  function host(): TestHost {
    const store = new RedisUsageStore({ connection, clock, logger: log.logger, hostId: `host-${String(++hosts)}` });
    const ledger = new Ledger(clock);
    store.follow('disk0', ledger);
    return { store, ledger };
  }

  const rng = new SeededRng(5);
  function serve({ ledger }: TestHost, times = 3): void {
    for (let i = 0; i < times; i++) {
      const tag = TAGS[rng.below(TAGS.length)]!;
      const us = rng.below(1_000_000);
      for (const each of [ledger, plain]) {
        each
          .account(tag)
          .record(
            us % 2 === 0 ? 1 : 2,
            4_096,
            1 + (us % 3),
            us % 7 === 0,
            false,
            us * 1_000,
            us * 2_000,
            clock.nowNs(),
          );
      }
    }
  }

  /** Held to a ledger that counted what all hosts did. */
  async function check(asked: TestHost): Promise<void> {
    expect(await rowsOf(asked.store, { ...ALL, device: 'disk0' })).toEqual(plain.query(ALL, 'disk0'));
    for (const { stepMs, keepMs } of USAGE_STEPS) {
      const toMs = (Math.floor(clock.wallMs() / stepMs) + 1) * stepMs;
      const query = { ...ALL, stepMs, toMs, fromMs: Math.max(toMs - keepMs, toMs - 150 * stepMs) };
      expect(await rowsOf(asked.store, query), String(stepMs)).toEqual(plain.query(query, 'disk0'));
    }
  }

  it('is that of all hosts together, at every step, those killed included', async () => {
    const living = [host(), host(), host()];
    for (let round = 0; round < 40; round++) {
      for (const each of living) serve(each);
      clock.advance(round % 10 === 9 ? 47 * 60_000 : 7_000);
      for (const each of living) await each.store.flush('all');
      // A kill: nothing more comes of it. What it had sent stays, and a new life of it counts on its own.
      if (round % 13 === 12) living[round % 3] = host();
    }
    await check(living[0]!);
    const tags = await living[1]!.store.listTags({ device: '', prefix: 'acme', after: null, limit: 10 });
    expect(tags.map(({ tag }) => tag)).toEqual(['acme/.', 'acme/db', 'acme/web']);
  });

  it('loses to a kill only what was counted since the last second was sent', async () => {
    const [killed, other] = [host(), host()];
    serve(killed, 10);
    clock.advance(1_000);
    await killed.store.flush();
    for (let i = 0; i < 4; i++) killed.ledger.account('acme/db').record(1, 4_096, 1, false, false, 0, 0, clock.nowNs());
    // Its minute and hour never closed here: what they stood at is in the store all the same.
    clock.advance(3 * 3_600_000);
    const query = { ...ALL, quantiles: [] };
    expect(await rowsOf(other.store, query)).toEqual(plain.query(query, 'disk0'));
    for (const stepMs of [60_000, 3_600_000]) {
      const fromMs = Math.floor(T0 / stepMs) * stepMs;
      const stepped = { ...query, stepMs, fromMs, toMs: fromMs + 2 * stepMs };
      expect(await rowsOf(other.store, stepped)).toEqual(plain.query(stepped, 'disk0'));
    }
  });

  it('counts a repeat once: what a lost answer left in doubt is sent again', async () => {
    const one = host();
    const batch = connection.batch.bind(connection);
    let lost = 0;
    connection.batch = async (commands) => {
      const replies = await batch(commands);
      if (commands.some(([name]) => name === 'HSET') && lost++ % 2 === 0) throw new Error('the answer was lost');
      return replies;
    };
    try {
      for (let round = 0; round < 20; round++) {
        serve(one);
        clock.advance(17_000);
        await one.store.flush();
      }
    } finally {
      connection.batch = batch;
    }
    expect(lost).toBeGreaterThan(5);
    await check(one);
  });

  it('comes back to a store that lost everything, from each host that lives', async () => {
    const [one, two] = [host(), host()];
    for (let round = 0; round < 12; round++) {
      serve(one);
      serve(two);
      clock.advance(60_000 - 1_000 * round);
      await one.store.flush('all');
      await two.store.flush('all');
      if (round === 8) await server.admin.flushall();
    }
    // Written between the loss and its being noticed: the same fields, so counted once.
    await check(two);
  });

  it('waits for a store that is away, says so once, and sends all of it', async () => {
    const one = host();
    serve(one);
    clock.advance(1_000);
    await one.store.flush();
    await server.kill();
    for (let second = 0; second < 30; second++) {
      serve(one);
      clock.advance(1_000);
      await one.store.flush();
    }
    await expect(rowsOf(one.store, ALL)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(log.lines.filter(({ message }) => message.includes('usage cannot be sent'))).toHaveLength(1);
    await server.restart();
    while (!connection.up) await new Promise((resolve) => setTimeout(resolve, 20));
    await check(one);
  });

  it('expires with its step', async () => {
    const one = host();
    serve(one);
    clock.advance(1_000);
    await one.store.flush('all');
    const second = T0 / 1_000;
    const ttl = (key: string): Promise<number> => server.admin.ttl(key);
    const kept = await Promise.all([
      ttl(`sluice:{disk0}:usage:0:${String(second)}:sums`),
      ttl(`sluice:{disk0}:usage:1:${String(second - (second % 60))}:histograms`),
      ttl(`sluice:{disk0}:usage:2:${String(second - (second % 3_600))}:sums`),
      ttl('sluice:{disk0}:usage:total:sums'),
    ]);
    expect(kept[0]).toBeGreaterThan(15 * 60 - 30);
    expect(kept[0]).toBeLessThan(18 * 60);
    expect(kept[1]).toBeGreaterThan(48 * 3_600 - 30);
    expect(kept[2]).toBeGreaterThan(366 * 86_400 - 30);
    expect(kept[3]).toBe(-1);
  });
});
