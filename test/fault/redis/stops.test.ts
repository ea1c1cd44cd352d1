/**
 * Hosts that are killed, stopped and let go on again under load, on one disk that writes down itself what
 * reaches it from whom: how soon the others have all of it, what they have meanwhile, how many requests
 * are there at any moment, and that nothing stale comes from a host that stood still.
 *
 * The disk takes the same time for every request, however many there are: what it serves a second is how
 * many slots are in use. Time is looked at in windows long enough for a machine with more to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EqualUnits, SharedDisks, type SharedDisk } from '../../../bench/shared-disk.js';
import { GIB, NS_PER_MS } from '../../../src/core/model/units.js';
import { DiskLog } from '../../support/disk-log.js';
import { CountedLoad, Hosts } from '../../support/hosts.js';
import { RedisServer, canRedis, eventually } from '../../support/redis.js';
import type { TestService } from '../../support/service.js';

const DEPTH = 4;
const HOSTS = 3;
const SERVICE_MS = 20;
const LEASE_MS = 2_000;
const OUTSTANDING = 16;
const WINDOW_MS = 500;
/** The last host is the one that something happens to. */
const VICTIM = `host${String(HOSTS - 1)}`;
const SETTINGS = `
devices: { disk0: { binding: disk0, depth: ${String(DEPTH)} } }
coordination: { lease_ms: ${String(LEASE_MS)}, grace_ms: 5000 }
store_restore_ms: 300
`;

describe.skipIf(!canRedis)('a host under load', { timeout: 60_000 }, () => {
  let redis: RedisServer;
  let disks: SharedDisks;
  let disk: SharedDisk;
  let hosts: Hosts;
  let log: DiskLog;
  let loads: CountedLoad[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    disks = await SharedDisks.start();
    disk = disks.add('disk0', 8 * GIB, new EqualUnits(SERVICE_MS));
    hosts = await Hosts.start(HOSTS, redis.url, (made) => disks.bindings(`host${String(made)}`) + SETTINGS);
  });
  afterAll(async () => {
    await hosts[Symbol.asyncDispose]();
    await disks[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    loads = await Promise.all(
      hosts.services.map(({ grpc }, i) => CountedLoad.start(grpc, 'disk0', `tag${String(i)}`, OUTSTANDING)),
    );
    await eventually('all are served', () => (loads.every(({ ok }) => ok > 20) ? true : null));
    log = new DiskLog(disk, () => disks.clock.nowNs() / NS_PER_MS);
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') for (const { output } of hosts.services) process.stderr.write(`${output}\n`);
    hosts.services.at(-1)!.child.kill('SIGCONT');
    for (const load of loads) load.abandon();
  });

  /** What all hosts together get out of the disk. */
  async function full(): Promise<number> {
    const fromMs = log.nowMs;
    await sleep(1_500);
    return log.rate(fromMs, log.nowMs);
  }

  const others = (who: string): boolean => who !== VICTIM;

  /** Milliseconds after `sinceMs` until the others served as many as that over a window. */
  async function backAt(rate: number, sinceMs: number): Promise<number> {
    return eventually('the others have the disk', () => {
      const nowMs = log.nowMs;
      return log.rate(nowMs - WINDOW_MS, nowMs, others) >= rate ? nowMs - WINDOW_MS - sinceMs : null;
    });
  }

  function lowest(fromMs: number, toMs: number): number {
    let least = Infinity;
    for (let atMs = fromMs; atMs + WINDOW_MS <= toMs; atMs += 20) {
      least = Math.min(least, log.rate(atMs, atMs + WINDOW_MS, others));
    }
    return least;
  }

  /** All that was sent is answered, once. @param refused what may be answered besides OK */
  async function settle(settled: readonly CountedLoad[], refused = /^$/): Promise<void> {
    for (const load of settled) await load.stop();
    for (const { sent, answered, repeated, failure } of settled) {
      expect([answered, repeated]).toEqual([sent, 0]);
      expect(failure).toMatch(refused);
    }
  }

  const victim = (): TestService => hosts.services[HOSTS - 1]!;

  it('stopped: the others keep half, then have all; let go on again it sends nothing stale', async () => {
    const usual = await full();
    victim().child.kill('SIGSTOP');
    const stoppedMs = log.nowMs;
    const backMs = await backAt(usual * 0.85, stoppedMs);
    await sleep(2 * LEASE_MS - (log.nowMs - stoppedMs));
    // A grant that was not fetched is somebody else's after two exchange times: far below this.
    const least = lowest(stoppedMs + 100, stoppedMs + LEASE_MS);
    const later = lowest(stoppedMs + LEASE_MS + WINDOW_MS, stoppedMs + 2 * LEASE_MS);
    victim().child.kill('SIGCONT');
    const goesOnMs = log.nowMs;
    const [first] = await eventually('it serves again', () => {
      const own = log.arrivals.filter(({ who, atMs }) => who === VICTIM && atMs > goesOnMs);
      return own.length > 20 ? own : null;
    });
    await settle(
      loads,
      /^$|^STORE_UNAVAILABLE: this host stood still for longer than its lease; the request was not sent$/,
    );
    console.info(
      `SIGSTOP: ${usual.toFixed(0)} requests/s before; others at least ${least.toFixed(0)} until the lease ended, ` +
        `back after ${backMs.toFixed(0)} ms (lease ${String(LEASE_MS)}), at least ${later.toFixed(0)} then; ` +
        `refused ${String(loads[HOSTS - 1]!.failedAt.length)}, first sent ${(first!.atMs - goesOnMs).toFixed(0)} ms after SIGCONT; ` +
        `at most ${String(disk.most)} at the disk`,
    );
    expect(least).toBeGreaterThan(usual * 0.5);
    expect(backMs).toBeLessThan(LEASE_MS + WINDOW_MS);
    expect(later).toBeGreaterThan(usual * 0.75);
    expect(disk.most).toBeLessThanOrEqual(DEPTH);
    // What was refused never reached the disk, before or after.
    const { failedAt } = loads[HOSTS - 1]!;
    expect(failedAt.length).toBeGreaterThan(0);
    const reached = new Set(log.arrivals.filter(({ who }) => who === VICTIM).map(({ offset }) => offset));
    expect(failedAt.filter((offset) => reached.has(offset))).toEqual([]);
    for (const load of loads.slice(0, -1)) expect(load.failure).toBe('');
  });

  it('stopped for less than its lease: goes on with what it had', async () => {
    await sleep(300);
    victim().child.kill('SIGSTOP');
    await sleep(LEASE_MS / 3);
    victim().child.kill('SIGCONT');
    const before = loads[HOSTS - 1]!.ok;
    await eventually('it serves again', () => (loads[HOSTS - 1]!.ok > before + 20 ? true : null));
    await settle(loads);
    expect(disk.most).toBeLessThanOrEqual(DEPTH);
  });

  it('killed: the others have all of the disk within a lease', async () => {
    const usual = await full();
    await victim().end('SIGKILL');
    const killedMs = log.nowMs;
    loads[HOSTS - 1]!.abandon();
    const backMs = await backAt(usual * 0.85, killedMs);
    const least = lowest(killedMs + 100, killedMs + Math.max(backMs, WINDOW_MS) + WINDOW_MS);
    await settle(loads.slice(0, -1));
    console.info(
      `kill -9: ${usual.toFixed(0)} requests/s before; others back after ${backMs.toFixed(0)} ms (lease ${String(LEASE_MS)}), ` +
        `at least ${least.toFixed(0)} until then; at most ${String(disk.most)} at the disk`,
    );
    expect(backMs).toBeLessThan(LEASE_MS + WINDOW_MS);
    expect(least).toBeGreaterThan(usual * 0.5);
    // What it held counts until its lease ends: the disk never has more than its depth.
    expect(disk.most).toBeLessThanOrEqual(DEPTH);
  });
});
