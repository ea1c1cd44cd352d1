import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisConnection } from '../../../src/coordination/redis/connection.js';
import { parseStoreUrl } from '../../../src/coordination/redis/url.js';
import { RedisServer, canRedis, eventually } from '../../support/redis.js';
import { LogLines } from '../../support/log-lines.js';

const text = 'return {KEYS[1], ARGV[1]}';
const script = { name: 'probe', text, digest: createHash('sha1').update(text).digest('hex') };

function open(url: string, log = new LogLines(), password = ''): Promise<RedisConnection> {
  return RedisConnection.open({
    url: parseStoreUrl(url),
    password,
    tls: {},
    logger: log.logger,
    commandTimeoutMs: 1_000,
  });
}

describe.skipIf(!canRedis)('a connection to Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start({ tcp: true });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it.each(['socket', 'TCP'])('runs scripts over %s, known to Redis or not', async (way) => {
    const connection = await open(way === 'socket' ? server.url : server.tcpUrl);
    try {
      await server.admin.script('FLUSH');
      for (let i = 0; i < 2; i++)
        expect(await connection.run(script, ['sluice:{a}'], [i])).toEqual(['sluice:{a}', String(i)]);
      expect(connection.serverOf('sluice:{a}')).toMatch(/^[0-9a-f]{40}$/);
    } finally {
      connection.close();
    }
  });

  it('tries for ever, says so once, and knows another server when it is back', async () => {
    await using own = await RedisServer.start();
    const log = new LogLines();
    const connection = await open(own.url, log);
    try {
      const before = connection.serverOf('x');
      const heard: string[] = [];
      connection.subscribe('sluice:{a}:news', (message) => heard.push(message));
      await own.kill();
      await eventually('it is down', () => (connection.up ? null : true));
      await expect(connection.batch([['GET', 'x']])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await own.restart();
      await eventually('it is up', () => (connection.up ? true : null));
      expect(connection.serverOf('x')).not.toBe(before);
      await eventually('messages come again', async () => {
        await own.admin.spublish('sluice:{a}:news', 'hello');
        return heard.length > 0 ? true : null;
      });
      const lines = log.lines.filter(({ message }) => message.includes('store'));
      expect(lines.map(({ level }) => level)).toEqual(['info', 'warn', 'info']);
    } finally {
      connection.close();
    }
  });
});
