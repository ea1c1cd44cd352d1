/** What the stores in memory do, those in Redis do. */
import { afterAll, beforeAll, describe } from 'vitest';
import type { RedisConnection } from '../../src/coordination/redis/connection.js';
import { RedisDeviceStore } from '../../src/coordination/redis/device-store.js';
import { RedisPolicyStore } from '../../src/coordination/redis/policy-store.js';
import { RedisServer, canRedis } from '../support/redis.js';
import { connectTo, recordOptions } from '../support/shared-store.js';
import { deviceStoreConformance } from './device-store-suite.js';
import { policyStoreConformance } from './policy-store-suite.js';

describe.skipIf(!canRedis)('stores in Redis', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let made = 0;
  beforeAll(async () => {
    server = await RedisServer.start();
    connection = await connectTo(server.url);
  });
  afterAll(async () => {
    connection.close();
    await server[Symbol.asyncDispose]();
  });

  const eventsKept = 50;
  policyStoreConformance(
    'Redis',
    async () => {
      const store = new RedisPolicyStore(recordOptions(connection, `policies:${String(made++)}`, { eventsKept }));
      await store.start();
      return {
        store,
        settled: async () => {
          await store.revision();
        },
        close: () => {
          store.close();
          return Promise.resolve();
        },
      };
    },
    { synchronous: false, eventsKept },
  );

  deviceStoreConformance('Redis', async () => {
    const store = new RedisDeviceStore(recordOptions(connection, `devices:${String(made++)}`));
    await store.start();
    return {
      store,
      settled: async () => {
        await store.list();
      },
      close: () => {
        store.close();
        return Promise.resolve();
      },
    };
  });
});
