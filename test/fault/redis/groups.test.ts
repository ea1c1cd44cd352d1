/** Hosts on Sentinel whose master dies, and on a cluster of three masters of which one dies and comes back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SluiceClient } from '../../../src/client/index.js';
import { CountedLoad, Hosts, executions } from '../../support/hosts.js';
import { RedisCluster, SentinelGroup } from '../../support/redis-groups.js';
import { canRedis, eventually } from '../../support/redis.js';

const CONFIG = `
devices:
  disk0: { simulation: { kind: hdd, size_bytes: 8589934592 }, depth: 4 }
  disk1: { simulation: { kind: hdd, size_bytes: 8589934592 }, depth: 4 }
policies:
  - { device: '*', tag: small, shares: 100 }
  - { device: '*', tag: gone, shares: 7 }
store_restore_ms: 300
coordination: { lease_ms: 1500, grace_ms: 500 }
`;

/** A tag on each host, through the fault: nothing lost, doubled or failed, all counted, records as they were. */
async function through(url: string, device: string, fault: () => Promise<void>): Promise<void> {
  await using hosts = await Hosts.start(2, url, CONFIG);
  const control = await SluiceClient.connect(hosts.services[0]!.grpc, { maxOutageMs: 60_000 });
  await control.policies.delete('*', 'gone');
  await control.policies.put({ device, tag: 'large', shares: 1000 });
  const loads = await Promise.all([
    // Of equal shares: no one is served in the outage what it has to wait for afterwards.
    CountedLoad.start(hosts.services[0]!.grpc, device, 'left', 16),
    CountedLoad.start(hosts.services[1]!.grpc, device, 'right', 16),
  ]);
  await sleep(300);
  await fault();
  await eventually('all hosts are coordinated', async () =>
    (await hosts.modes()).every((mode) => mode === 'coordinated') ? true : null,
  ).catch((error: unknown) => {
    for (const { output } of hosts.services) process.stderr.write(`${output}\n`);
    throw error;
  });
  const before = loads.map(({ ok }) => ok);
  await eventually('both tags are served', () =>
    loads.every(({ ok }, index) => ok > before[index]! + 4) ? true : null,
  );
  await Promise.all(loads.map((load) => load.stop()));
  for (const load of loads) {
    expect([load.answered, load.repeated, load.failure]).toEqual([load.sent, 0, '']);
  }
  const served = loads.reduce((sum, { ok }) => sum + ok, 0);
  await eventually(`usage is ${String(served)}`, async () =>
    (await executions(hosts.services[0]!, device)) === served ? true : null,
  );
  await eventually('policies are written again', () => control.policies.put({ device, tag: 'new', shares: 5 }));
  const there: Record<string, number | undefined> = {};
  for await (const { tag, shares } of control.policies.list()) there[tag] = shares;
  expect(there).toEqual({ small: 100, large: 1000, new: 5 });
  for (const load of loads) await load.close();
  await control.close();
}

describe.skipIf(!canRedis)('hosts on a group of Redis servers', () => {
  it('follow Sentinel to another master', async () => {
    await using group = await SentinelGroup.start();
    await through(group.url, 'disk0', async () => {
      const master = await group.master();
      await master.kill();
      await eventually('another is master', async () => ((await group.master()) === master ? null : true));
    });
  }, 120_000);

  it('go on when a master of a cluster dies and comes back', async () => {
    await using cluster = await RedisCluster.start();
    await through(cluster.url, 'disk0', async () => {
      const slot = (await cluster.nodes[0]!.admin.call('CLUSTER', 'KEYSLOT', '{disk0}')) as number;
      const node = cluster.nodes[Math.floor(slot / 5_461.4)]!;
      await node.kill();
      await sleep(1_500);
      await node.restart();
    });
  }, 120_000);
});
