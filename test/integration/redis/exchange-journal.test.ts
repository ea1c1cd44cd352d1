/** Counters are told beside the records of as many nodes as one call may have to read, by the numbers that are served. */
import { expect, test } from 'vitest';
import { LuaExchange } from '../../support/exchange-lua.js';
import { ModelHost } from '../../support/exchange-history.js';
import { RedisServer } from '../../support/redis.js';

test('a device of one node more has all that changes in its records', async () => {
  await using server = await RedisServer.start();
  const lua = new LuaExchange(server.admin);
  const host = new ModelHost('h', 'disk0', { depth: 32 }, { revision: 1, shares: new Map() });
  let nowUs = 1_000_000;
  const calls = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      nowUs += 100;
      host.finishAll();
      const { reply } = await lua.exchange(host.call(nowUs), { nowUs, server: 's', incarnation: 'i' });
      host.taken(reply);
    }
  };
  const nodes = async (): Promise<number> => ((await lua.dump()) as { meta: { nodes: number } }).meta.nodes;

  // The root is one. Of each tag something still waits after its grant: only counters of it have changed then.
  for (let tag = 1; tag < lua.journalNodes; tag++) for (let i = 0; i < 2; i++) host.arrive(`t${tag}`, 1, nowUs);
  await calls(90);
  expect(await nodes()).toBe(lua.journalNodes);
  let told = await lua.withEntries();
  expect(told).toBeGreaterThan(500);
  await calls(1);
  expect(await lua.withEntries()).toBeGreaterThan(told);

  host.arrive('one-more', 1, nowUs);
  await calls(1);
  expect(await nodes()).toBe(lua.journalNodes + 1);
  // Each grants to tags that were not granted to before.
  for (let call = 0; call < 5; call++) {
    told = await lua.withEntries();
    const served = host.served.size;
    await calls(1);
    expect(host.served.size).toBeGreaterThan(served);
    expect(await lua.withEntries()).toBeLessThanOrEqual(told);
  }

  await lua.forget();
  await calls(1);
  expect(await lua.withEntries()).toBe(0);
});
