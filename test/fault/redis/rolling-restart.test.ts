/** Three hosts on one Redis are restarted one after the other under load: no client request fails. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SluiceClient } from '../../../src/client/index.js';
import { SeededRng } from '../../../src/core/rng.js';
import { RedisServer, canRedis, eventually } from '../../support/redis.js';
import { TestService } from '../../support/service.js';

const HOSTS = 3;
const BLOCKS = 2 ** 18;
const BLOCK_BYTES = 4_096;
const TAGS = ['acme/db', 'acme/backup', 'beta'];
const OUTSTANDING = 8;
const TIMEOUT_MS = 120_000;

describe.skipIf(!canRedis)('a rolling restart', () => {
  let redis: RedisServer;
  const services: TestService[] = [];
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(async () => {
    await Promise.all(services.map((service) => service[Symbol.asyncDispose]()));
    await redis[Symbol.asyncDispose]();
  });

  it(
    'is not seen by clients that know every host',
    async () => {
      const config = `
store: redis+unix://${redis.socket}
devices: { disk0: { simulation: { kind: ssd, size_bytes: ${String(BLOCKS * BLOCK_BYTES)} }, depth: 8 } }
`;
      for (let i = 0; i < HOSTS; i++) services.push(await TestService.start({ config }));
      const addresses = services.map(({ grpc }) => grpc);
      await eventually('every host lists the others', async () => {
        const res = await fetch(`http://${services[0]!.http}/v1/service`);
        const { hosts } = (await res.json()) as { hosts: { self: boolean; mode: string }[] };
        return hosts.length === HOSTS && hosts.every(({ mode }) => mode === 'coordinated') ? hosts : null;
      });

      const served = new Map(TAGS.map((tag) => [tag, 0]));
      const failures: string[] = [];
      let stopped = false;
      const clients = await Promise.all(
        TAGS.map((_, i) => SluiceClient.connect([...addresses.slice(i), ...addresses.slice(0, i)])),
      );
      const loops = TAGS.flatMap((tag, i) =>
        Array.from({ length: OUTSTANDING }, async (_, n) => {
          const rng = new SeededRng(n).fork(tag);
          const handle = await clients[i]!.open('disk0', tag);
          while (!stopped) {
            const offset = rng.below(BLOCKS) * BLOCK_BYTES;
            try {
              if (rng.below(4) === 0) await handle.write(offset, new Uint8Array(BLOCK_BYTES));
              else await handle.read(offset, BLOCK_BYTES);
              served.set(tag, served.get(tag)! + 1);
            } catch (error) {
              failures.push((error as Error).message);
            }
          }
        }),
      );
      for (let i = 0; i < HOSTS; i++) {
        const before = services[i]!;
        const total = (): number => [...served.values()].reduce((sum, count) => sum + count, 0);
        const reached = total() + 500;
        await eventually('load on all hosts', () => (total() > reached ? true : null));
        expect(await before.end('SIGTERM')).toBe(0);
        services[i] = await TestService.start({ config, grpc: addresses[i]! });
        await eventually('ready again', async () => {
          const res = await fetch(`http://${services[i]!.http}/readyz`);
          return res.ok ? true : null;
        });
      }
      stopped = true;
      await Promise.all(loops);
      await Promise.all(clients.map((client) => client.close()));
      expect(failures).toEqual([]);
      for (const count of served.values()) expect(count).toBeGreaterThan(500);
    },
    TIMEOUT_MS,
  );
});
