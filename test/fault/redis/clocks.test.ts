/**
 * Clocks that are set ahead and back by an hour and more: a host's, Redis's. What is to be said is said once,
 * nothing that was accepted is lost, shares go on to hold, and no lease ends by it or outlives it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SluiceClient } from '../../../src/client/index.js';
import type { ExchangeReply } from '../../../src/coordination/exchange/protocol.js';
import { RedisExchange } from '../../../src/coordination/redis/transport.js';
import { ModelHost } from '../../support/exchange-history.js';
import { CountedLoad, Hosts, executions, standingLines } from '../../support/hosts.js';
import { RedisServer, canRedis, eventually } from '../../support/redis.js';
import { connectTo } from '../../support/shared-store.js';
import { ShiftedClock, canShiftClocks } from '../../support/shifted-clock.js';

const HOUR_S = 3_600;
const LEASE_MS = 1_500;
const CONFIG = `
devices:
  disk0: { simulation: { kind: hdd, size_bytes: 8589934592 }, depth: 4 }
policies:
  - { device: disk0, tag: small, shares: 100 }
  - { device: disk0, tag: large, shares: 1000 }
store_restore_ms: 300
coordination: { lease_ms: ${String(LEASE_MS)}, grace_ms: 500 }
`;
/** Long enough for what is said every second to be said twice more. */
const QUIET_MS = 2_200;

describe.skipIf(!canRedis || !canShiftClocks)('clocks that jump', { timeout: 60_000 }, () => {
  const hostClock = new ShiftedClock();
  const storeClock = new ShiftedClock();
  let redis: RedisServer;
  let hosts: Hosts;
  let loads: CountedLoad[] = [];
  let counted = 0;

  beforeAll(async () => {
    redis = await RedisServer.start({ environment: storeClock.environment });
    hosts = await Hosts.start(2, redis.url, CONFIG, [], (made) => (made === 1 ? hostClock.environment : {}));
  });
  afterAll(async () => {
    await hosts[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    for (const clock of [hostClock, storeClock]) clock[Symbol.dispose]();
  });

  beforeEach(async () => {
    counted = await executions(hosts.services[0]!, 'disk0');
    loads = await Promise.all([
      CountedLoad.start(hosts.services[0]!.grpc, 'disk0', 'large', 16),
      CountedLoad.start(hosts.services[1]!.grpc, 'disk0', 'small', 16),
    ]);
    await coordinated();
    await served(loads);
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') for (const { output } of hosts.services) process.stderr.write(`${output}\n`);
    for (const load of loads) load.abandon();
  });

  const coordinated = (): Promise<true> =>
    eventually('all hosts are coordinated', async () =>
      (await hosts.modes()).every((mode) => mode === 'coordinated') ? true : null,
    );

  async function served(of: readonly CountedLoad[]): Promise<void> {
    const before = of.map(({ ok }) => ok);
    await eventually('both tags are served', () => (of.every(({ ok }, i) => ok > before[i]! + 4) ? true : null));
  }

  /** Shares over the time in which `large` gets so much. */
  async function sharesHold(): Promise<void> {
    const before = loads.map(({ ok }) => ok);
    await eventually('enough was served to tell', () => (loads[0]!.ok - before[0]! >= 250 ? true : null));
    const [large, small] = loads.map(({ ok }, i) => ok - before[i]!);
    expect(large! / small!).toBeGreaterThan(8);
    expect(large! / small!).toBeLessThan(12.5);
  }

  /** All that was sent is answered once, and what was executed is counted. @param refused what else `small` may hear */
  async function settle(refused = /^$/): Promise<void> {
    for (const load of loads) await load.stop();
    for (const { sent, answered, repeated } of loads) expect([answered, repeated]).toEqual([sent, 0]);
    expect(loads[0]!.failure).toBe('');
    expect(loads[1]!.failure).toMatch(refused);
    const all = counted + loads.reduce((sum, { ok }) => sum + ok, 0);
    await eventually(`usage is ${String(all)}`, async () =>
      (await executions(hosts.services[0]!, 'disk0')) === all ? true : null,
    );
    for (const load of loads) await load.close();
  }

  it('a host: it says so once a jump, joins anew, and goes on; the others hear nothing of it', async () => {
    const [other, jumps] = hosts.services as [(typeof hosts.services)[0], (typeof hosts.services)[0]];
    const before = standingLines(other).length;
    for (const [seconds, said] of [
      [HOUR_S, /stood still for longer than its lease, by its wall clock, which went 3[56]\d{5} ms ahead/],
      [-HOUR_S, /"byMs":-7[12]\d{5}.*the wall clock jumped: this host joins anew/],
      // More than a quarter of a lease, less than all of it.
      [-HOUR_S + 0.8, /"byMs":[78]\d\d,.*the wall clock jumped: this host joins anew/],
      [0, /stood still for longer than its lease, by its wall clock, which went 3[56]\d{5} ms ahead/],
    ] as const) {
      const lines = standingLines(jumps).length;
      hostClock.set(seconds);
      await eventually('it has said so', () =>
        standingLines(jumps)
          .slice(lines)
          .some((line) => said.test(line))
          ? true
          : null,
      );
      await coordinated();
      await served(loads);
      // What it noticed, that it joins, that it is in step again: no more than that.
      const found = standingLines(jumps).slice(lines);
      expect(found.filter((line) => said.test(line))).toHaveLength(1);
      expect(found.length).toBeLessThanOrEqual(3);
    }
    const lines = standingLines(jumps).length;
    await Promise.all([sharesHold(), sleep(QUIET_MS)]);
    expect(standingLines(jumps)).toHaveLength(lines);
    expect(standingLines(other)).toHaveLength(before);
    await settle(
      /^$|^STORE_UNAVAILABLE: this host stood still for longer than its lease, by its wall clock, which went/,
    );
  });

  it('Redis: nobody has anything to say of it, and what is told with its time goes on', async () => {
    const lines = hosts.services.map(standingLines);
    const control = await SluiceClient.connect(hosts.services[0]!.grpc);
    for (const [i, seconds] of [HOUR_S, -HOUR_S, 0].entries()) {
      // One that a clock before the jump has listed, and that is no more.
      const listedMs = String(Date.now() + 2 * HOUR_S * 1_000);
      await redis.admin.hset('sluice:hosts', 'ghost', `coordinated ${listedMs}`);
      storeClock.set(seconds);
      await Promise.all([
        served(loads),
        eventually('policies are written', () => control.policies.put({ device: 'disk0', tag: 'new', shares: 5 + i })),
        eventually('only those are listed that tell how they stand', async () =>
          (await redis.admin.hkeys('sluice:hosts')).length === 2 ? true : null,
        ),
      ]);
      expect(await hosts.modes()).toEqual(['coordinated', 'coordinated']);
    }
    await sharesHold();
    expect(hosts.services.map(standingLines)).toEqual(lines);
    await control.close();
    await settle();
  });

  it.each([HOUR_S, -HOUR_S])(
    'Redis, by %i s: a lease ends neither with it nor later than it would',
    async (seconds) => {
      const connection = await connectTo(redis.url);
      const exchange = new RedisExchange(connection);
      const none = { revision: 0, shares: new Map() };
      const step = (host: ModelHost): Promise<ExchangeReply> =>
        new Promise((resolve, reject) => {
          exchange.exchange(host.call(0), (reply, failure) => {
            if (reply === null) {
              reject(new Error(failure));
              return;
            }
            host.taken(reply);
            resolve(reply);
          });
        });
      storeClock.set(0);
      const device = `leased${String(seconds)}`;
      const [silent, calling] = ['silent', 'calling'].map((id) => new ModelHost(id, device, { depth: 2 }, none));
      silent!.leaseMs = calling!.leaseMs = LEASE_MS;
      const lastMs = performance.now();
      await step(silent!);
      await step(calling!);
      await sleep(100);
      storeClock.set(seconds);
      for (;;) {
        const { hosts: there } = await step(calling!);
        const sinceMs = performance.now() - lastMs;
        if (there === 1) {
          expect(sinceMs).toBeGreaterThan(LEASE_MS);
          break;
        }
        // What passed between the calls before and after the jump is not counted; a call may take its time.
        expect(sinceMs).toBeLessThan(2 * LEASE_MS);
        await sleep(20);
      }
      storeClock.set(0);
      connection.close();
    },
  );
});
