/** What the usage store in memory does, the one in Redis does. */
import { afterAll, beforeAll, describe } from 'vitest';
import type { RedisConnection } from '../../src/coordination/redis/connection.js';
import { RedisUsageStore } from '../../src/coordination/redis/usage-store.js';
import { Ledger } from '../../src/core/usage.js';
import { LogLines } from '../support/log-lines.js';
import { RedisServer, canRedis } from '../support/redis.js';
import { connectTo } from '../support/shared-store.js';
import { usageStoreConformance } from './usage-store-suite.js';

describe.skipIf(!canRedis)('usage in Redis', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  beforeAll(async () => {
    server = await RedisServer.start();
    connection = await connectTo(server.url);
  });
  afterAll(async () => {
    connection.close();
    await server[Symbol.asyncDispose]();
  });

  usageStoreConformance(
    'Redis',
    async (clock) => {
      await server.admin.flushall();
      const store = new RedisUsageStore({ connection, clock, logger: new LogLines().logger, hostId: 'host-a' });
      const ledgers = new Map<string, Ledger>();
      return {
        store,
        ledger: (device) => {
          let ledger = ledgers.get(device);
          if (ledger === undefined) {
            ledgers.set(device, (ledger = new Ledger(clock)));
            store.follow(device, ledger);
          }
          return ledger;
        },
        settled: () => store.flush(),
        close: () => store.close(),
      };
    },
    { quantileError: 1 / 32 },
  );
});
