/** What a start says to a Redis that will not do: one typed error, one line, no password in it. */
import { describe, expect, it } from 'vitest';
import { RedisConnection } from '../../../src/coordination/redis/connection.js';
import { ACL_EXAMPLE } from '../../../src/coordination/redis/requirements.js';
import { parseStoreUrl } from '../../../src/coordination/redis/url.js';
import { SluiceError } from '../../../src/core/model/errors.js';
import { LogLines } from '../../support/log-lines.js';
import { RedisServer, canRedis, freePort } from '../../support/redis.js';
import { TellingServer } from '../../support/telling-server.js';

async function failure(url: string, log = new LogLines()): Promise<string> {
  let connection: RedisConnection;
  try {
    connection = await RedisConnection.open({ url: parseStoreUrl(url), password: '', tls: {}, logger: log.logger });
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', field: 'store' });
    const { message } = error as SluiceError;
    expect(message).not.toContain('\n');
    expect(message).not.toContain('secret');
    expect(log.lines).toEqual([]);
    return message;
  }
  connection.close();
  throw new Error('it started');
}

async function works(url: string, log: LogLines): Promise<void> {
  const connection = await RedisConnection.open({ url: parseStoreUrl(url), password: '', tls: {}, logger: log.logger });
  connection.close();
}

describe.skipIf(!canRedis)('a start on Redis', () => {
  it('says when nothing is there', async () => {
    const port = String(await freePort());
    expect(await failure(`redis://u:secret@127.0.0.1:${port}`)).toMatch(
      new RegExp(`^store redis://127.0.0.1:${port} is not to be reached: .*ECONNREFUSED`),
    );
    expect(await failure(`redis+cluster://127.0.0.1:${port}`)).toMatch(/is not to be reached: /);
    expect(await failure(`redis+sentinel://127.0.0.1:${port}/main`)).toMatch(/is not to be reached: .*entinel/);
    expect(await failure('redis+unix:///nowhere/redis.sock')).toMatch(/is not to be reached: .*ENOENT/);
  });

  it('says when user or password are wrong', async () => {
    await using server = await RedisServer.start({
      config: ['user me on >right ~* &* +@all', 'user default on nopass ~* &* +@all'],
    });
    expect(await failure(`redis+unix://me:secret@${server.socket}`)).toMatch(
      /does not take user me with this password: WRONGPASS/,
    );
    await works(`redis+unix://me:right@${server.socket}`, new LogLines());
    await server.admin.acl('SETUSER', 'default', 'resetpass', '>right');
    expect(await failure(server.url)).toMatch(/does not take the password: NOAUTH/);
    expect(await failure(`redis+unix://:secret@${server.socket}`)).toMatch(/does not take the password: WRONGPASS/);
  });

  it('refuses an evicting Redis and a node of a cluster, and warns of one that keeps nothing', async () => {
    await using server = await RedisServer.start();
    const log = new LogLines();
    await works(server.url, log);
    expect(log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^Redis keeps nothing on disk/),
    ]);
    await server.admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await failure(server.url)).toMatch(/must have maxmemory-policy noeviction, it has allkeys-lru/);
    await using node = await RedisServer.start({
      tcp: true,
      persistent: true,
      config: ['cluster-enabled yes', 'cluster-announce-ip 127.0.0.1'],
    });
    expect(await failure(node.tcpUrl)).toMatch(/is a node of a cluster: use redis\+cluster/);
    const clusterUrl = `redis+cluster://127.0.0.1:${String(node.port)}`;
    await node.admin.cluster('ADDSLOTSRANGE', 0, 5_000);
    expect(await failure(clusterUrl)).toMatch(/is a cluster with slots down: 5001 of 16384 are served, state fail/);
  });

  it('refuses a Redis that is too old, by what it says of itself', async () => {
    const said = 'redis_version:6.2.14\r\nrun_id:1\r\nmaxmemory_policy:noeviction\r\n';
    await using old = await TellingServer.start(said);
    expect(await failure(`redis://127.0.0.1:${String(old.port)}`)).toMatch(
      /must be Redis 7\.0 or later, it is 6\.2\.14$/,
    );
  });

  it('names the commands, keys and channels that the user lacks, and needs no more than it says', async () => {
    await using server = await RedisServer.start({
      persistent: true,
      config: [
        `user enough on >pw resetchannels ${ACL_EXAMPLE} -@all ${ACL_EXAMPLE}`,
        'user few on >pw ~sluice:* &sluice:* -@all +@all -hset -zadd',
        'user elsewhere on >pw ~other:* resetchannels &other:* +@all',
      ],
    });
    const url = (user: string): string => `redis+unix://${user}:pw@${server.socket}`;
    const log = new LogLines();
    await works(url('enough'), log);
    expect(log.lines.filter(({ level }) => level !== 'info')).toEqual([]);
    expect(await failure(url('few'))).toMatch(/does not permit user few the commands hset, zadd; it needs ~sluice:\*/);
    expect(await failure(url('elsewhere'))).toMatch(
      /does not permit user elsewhere the keys sluice:\* and the channels sluice:\*; it needs/,
    );
  });
});
