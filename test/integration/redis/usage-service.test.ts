/** Two services, one store: usage is what all clients counted, whichever host is asked, over stops and a kill. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SluiceClient, SluiceError, type Handle } from '../../../src/client/index.js';
import { RedisServer, canRedis } from '../../support/redis.js';
import { TestService, runSluice } from '../../support/service.js';

const CONFIG = "fence_ms: 200\ndevices: { nil: { simulation: { kind: 'null' }, depth: 8 } }\n";
/** How far behind another host's usage may be: its next flush, on a loaded machine. */
const BEHIND_MS = 4_000;

async function countOf(address: string): Promise<Map<string, [count: number, bytes: number]>> {
  const client = await SluiceClient.connect(address);
  const counts = new Map<string, [number, number]>();
  for await (const { tag, ops } of client.usage.query({ device: 'nil' })) {
    counts.set(tag, [ops.reduce((sum, op) => sum + op.count, 0), ops.reduce((sum, op) => sum + op.bytes, 0)]);
  }
  await client.close();
  return counts;
}

/** @returns requests and bytes that were answered */
async function work(handle: Handle, goOn: () => boolean): Promise<[count: number, bytes: number]> {
  let count = 0;
  for (let i = 0; goOn(); i++) {
    try {
      await (i % 2 === 0 ? handle.read(0, 4_096) : handle.write(0, Buffer.alloc(4_096)));
      count += 1;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      expect(['DRAINING', 'CANCELLED', 'STORE_UNAVAILABLE']).toContain(error.code);
    }
  }
  return [count, count * 4_096];
}

describe.skipIf(!canRedis)('usage of two services with one store', () => {
  test('is what their clients counted, over a restart, whichever is asked', async () => {
    await using redis = await RedisServer.start({ persistent: true });
    const args = ['--store', redis.url];
    let first = await TestService.start({ config: CONFIG, args });
    await using second = await TestService.start({ config: CONFIG, args });
    try {
      const clients = await Promise.all(
        [first, second].map(({ grpc }) => SluiceClient.connect(grpc, { maxOutageMs: 20_000 })),
      );
      let stop = false;
      const working = Promise.all(
        clients.map(async (client, i) => work(await client.open('nil', `tenant/app-${String(i)}`), () => !stop)),
      );
      await sleep(1_500);
      expect(await first.end('SIGTERM')).toBe(0);
      first = await TestService.start({ config: CONFIG, args, grpc: first.grpc });
      await sleep(1_500);
      stop = true;
      const counted = await working;
      const expected = new Map(counted.map((each, i) => [`tenant/app-${String(i)}`, each]));
      for (const { grpc } of [first, second]) {
        const untilMs = Date.now() + BEHIND_MS;
        let found = await countOf(grpc);
        while (Date.now() < untilMs && [...expected].some(([tag, [count]]) => found.get(tag)?.[0] !== count)) {
          await sleep(100);
          found = await countOf(grpc);
        }
        expect(found).toEqual(expected);
      }
      const total = counted.reduce((sum, [count]) => sum + count, 0);
      const cli = ['usage', '--level', '1', '--from', '-10m', '--json', '--address'];
      const { stdout } = await runSluice([...cli, second.grpc]);
      const { rows } = JSON.parse(stdout) as { rows: { tag: string; ops: { count: number }[] }[] };
      expect(rows.map(({ tag, ops }) => [tag, ops.reduce((sum, op) => sum + op.count, 0)])).toEqual([
        ['tenant', total],
      ]);
      for (const client of clients) client.destroy();
    } finally {
      await first[Symbol.asyncDispose]();
    }
  }, 60_000);
});
