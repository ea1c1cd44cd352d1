import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisConnection } from '../../../src/coordination/redis/connection.js';
import { RedisExchange, exchangeKey } from '../../../src/coordination/redis/transport.js';
import type { ExchangeCall, ExchangeReply } from '../../../src/coordination/exchange/protocol.js';
import { ModelHost } from '../../support/exchange-history.js';
import { RedisServer, eventually } from '../../support/redis.js';
import { connectTo } from '../../support/shared-store.js';

/** A day of tags in short; the long form is as many as a busy day has. */
const CHURN_TAGS = process.env.SLUICE_LONG === '1' ? 1_000_000 : 10_000;
const NO_POLICIES = { revision: 0, shares: new Map() };

function ask(exchange: RedisExchange, call: ExchangeCall): Promise<ExchangeReply> {
  return new Promise((resolve, reject) => {
    exchange.exchange(call, (reply, failure) => {
      if (reply === null) reject(new Error(failure));
      else resolve(reply);
    });
  });
}

describe('the exchange over Redis', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let exchange: RedisExchange;

  beforeAll(async () => {
    server = await RedisServer.start({ persistent: true });
    connection = await connectTo(server.url);
    exchange = new RedisExchange(connection);
  });
  afterAll(async () => {
    connection.close();
    await server[Symbol.asyncDispose]();
  });

  const step = async (host: ModelHost): Promise<ExchangeReply> => {
    const reply = await ask(exchange, host.call(Date.now() * 1_000));
    host.taken(reply);
    return reply;
  };

  it('grants by the order over two hosts, and nudges the one that did not ask', async () => {
    const a = new ModelHost('a', 'grants', { depth: 2 }, NO_POLICIES);
    const b = new ModelHost('b', 'grants', { depth: 2 }, NO_POLICIES);
    let nudged = 0;
    const stop = exchange.onNudge('grants', 'b', () => (nudged += 1));
    for (let i = 0; i < 8; i++) {
      a.arrive('x', 1, 0);
      b.arrive('y', 1, 0);
    }
    await step(a);
    expect(a.outstanding).toBe(2);
    await step(b);
    expect(b.outstanding).toBe(0);
    a.finishAll();
    await step(a);
    await eventually('b is nudged', () => (nudged > 0 ? true : null));
    const reply = await step(b);
    expect(reply.granted.length).toBe(1);
    expect(a.outstanding + b.outstanding).toBeLessThanOrEqual(2);
    expect(reply.contended).toBe(true);
    stop();
  });

  it('asks hosts to join anew once the state is gone', async () => {
    const host = new ModelHost('h', 'emptied', { depth: 2 }, NO_POLICIES);
    const first = await step(host);
    expect(first).toMatchObject({
      status: 'ok',
      hosts: 1,
      depth: 2,
      server: connection.serverOf(exchangeKey('emptied')),
    });
    await server.admin.flushall();
    expect((await step(host)).status).toBe('rejoin');
    const again = await step(host);
    expect(again).toMatchObject({ status: 'ok', epoch: 2 });
    expect(again.incarnation).not.toBe(first.incarnation);
  });

  it('keeps the state over a restart, and settles while hosts say again what they hold', async () => {
    const host = new ModelHost('h', 'restarted', { depth: 2 }, NO_POLICIES);
    const first = await step(host);
    await server.kill();
    await expect(ask(exchange, host.call(0))).rejects.toThrow(/store|connection/i);
    host.lost();
    await server.restart();
    await eventually('the connection is back', () => (connection.up ? true : null));
    const after = await step(host);
    expect(after).toMatchObject({ status: 'ok', incarnation: first.incarnation, settling: true });
    expect(after.server).not.toBe(first.server);
  });

  it('refuses the state of a newer schema, naming both', async () => {
    // fixarray of one: schema 9.
    await server.admin.set(exchangeKey('newer'), Buffer.from([0x91, 9]));
    const host = new ModelHost('h', 'newer', {}, NO_POLICIES);
    expect(await step(host)).toMatchObject({
      status: 'refused',
      code: 'UNSUPPORTED',
      message: 'device newer has state of schema 9; this host reads up to 3',
    });
  });

  it('forgets tags that come and go, and hosts that vanish', async () => {
    const host = new ModelHost('churn', 'churn', { depth: 16 }, NO_POLICIES);
    const gone = new ModelHost('gone', 'churn', { depth: 16 }, NO_POLICIES);
    gone.leaseMs = 50;
    for (let i = 0; i < 100; i++) gone.arrive(`gone${i}`, 1, 0);
    await step(gone);
    const key = exchangeKey('churn');
    let tags = 0;
    const round = async (): Promise<void> => {
      for (let i = 0; i < 16; i++) host.arrive(`tenant${tags % 7}/tag${tags++}`, 1, 0);
      await step(host);
      host.finishAll();
      await step(host);
      host.forgetQuiet();
    };
    for (let i = 0; i < 200; i++) await round();
    await eventually('idle nodes are forgotten', async () => {
      await round();
      return (await server.admin.hlen(`${key}:n`)) < 1_600 ? true : null;
    });
    await eventually('a host that vanished leaves nothing', async () => {
      await round();
      const left = (await server.admin.hkeys(`${key}:t`)).filter((tag) => tag.startsWith('gone'));
      return left.length === 0 && (await server.admin.exists(`${key}:r1`)) === 0 ? true : null;
    });
  });

  it(`stays as small as it was while ${CHURN_TAGS} tags come and go`, { timeout: 3_600_000 }, async () => {
    const host = new ModelHost('many', 'many', { depth: 128 }, NO_POLICIES);
    const key = exchangeKey('many');
    const samples: { nodes: number; bytes: number; rows: number }[] = [];
    const round = async (from: number, count: number): Promise<void> => {
      for (let i = from; i < from + count; i++) host.arrive(`t${i % 1_000}/tag${i}`, 1, 0);
      await step(host);
      host.finishAll();
      await step(host);
      host.forgetQuiet();
    };
    for (let tags = 0; tags < CHURN_TAGS; tags += 64) {
      await round(tags, 64);
      if (tags % (CHURN_TAGS / 20) >= 64) continue;
      const memory = /used_memory:(\d+)/.exec(await server.admin.info('memory'));
      samples.push({ nodes: await server.admin.hlen(`${key}:n`), bytes: Number(memory![1]), rows: host.rowCount });
    }
    const early = samples.slice(2, 10);
    const late = samples.slice(10);
    for (const what of ['nodes', 'bytes', 'rows'] as const) {
      const before = Math.max(...early.map((sample) => sample[what]));
      const after = Math.max(...late.map((sample) => sample[what]));
      expect(after, `${what}, from ${JSON.stringify(samples)}`).toBeLessThan(before * 2 + 2_000);
    }
    await eventually('nothing is left of them', async () => {
      for (let i = 0; i < 50; i++) await round(0, 0);
      return (await server.admin.hlen(`${key}:n`)) < 10 ? true : null;
    });
    const left = await server.admin.keys(`${key}:*`);
    expect(left.filter((each) => each.includes(':o'))).toEqual([]);
  });
});
