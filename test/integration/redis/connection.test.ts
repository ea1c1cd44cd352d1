import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisConnection } from '../../../src/coordination/redis/connection.js';
import { parseStoreUrl } from '../../../src/coordination/redis/url.js';
import { RedisServer, canRedis, eventually } from '../../support/redis.js';
import { RedisCluster } from '../../support/redis-groups.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
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

  it('finds out that nothing answers, and comes back when it does', async () => {
    await using proxy = await TcpProxy.start({ path: server.socket });
    const log = new LogLines();
    const connection = await open(`redis://127.0.0.1:${String(proxy.port)}`, log);
    try {
      proxy.silent = true;
      await expect(connection.batch([['GET', 'x']])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await eventually('it is down', () => (connection.up ? null : true));
      proxy.silent = false;
      await eventually('it is up', () => (connection.up ? true : null));
      await expect(connection.batch([['GET', 'x']])).resolves.toEqual([null]);
      proxy.cut();
      await eventually('it is up again', () => (connection.up && proxy.connections > 0 ? true : null));
    } finally {
      connection.close();
    }
  });

  it('speaks to a cluster, by slots, and knows each server', async () => {
    await using cluster = await RedisCluster.start();
    const connection = await open(cluster.url);
    try {
      const heard: string[] = [];
      const servers = new Set<string>();
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
        const key = `sluice:{${name}}`;
        expect(await connection.run(script, [key], [name])).toEqual([key, name]);
        servers.add(connection.serverOf(key));
        connection.subscribe(`${key}:news`, (message) => heard.push(message));
      }
      expect(servers.size).toBe(3);
      expect(servers).not.toContain('');
      await eventually('messages come from every server', async () => {
        for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
          await connection.batch([['SPUBLISH', `sluice:{${name}}:news`, name]]);
        }
        return new Set(heard).size === 6 ? true : null;
      });
      const known = connection.serverOf('sluice:{a}');
      const node = cluster.nodes.find(({ port }) => String(port) === connection.nodeOf('sluice:{a}').split(':')[1])!;
      await node.kill();
      await node.restart();
      await eventually('its slots are served again, by another process', async () => {
        await connection.run(script, ['sluice:{a}'], ['x']);
        return connection.serverOf('sluice:{a}') === known || connection.serverOf('sluice:{a}') === '' ? null : true;
      });
    } finally {
      connection.close();
    }
  });
});
