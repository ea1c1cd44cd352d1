/** Policies and devices of several hosts in one Redis that is emptied, set back and upgraded under them. */
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../src/core/model/device.js';
import type { PolicyEvent } from '../../../src/core/ports.js';
import { RedisConnection } from '../../../src/coordination/redis/connection.js';
import { RedisDeviceStore } from '../../../src/coordination/redis/device-store.js';
import { RedisPolicyStore } from '../../../src/coordination/redis/policy-store.js';
import type { SharedRecordsOptions } from '../../../src/coordination/redis/shared-records.js';
import { RedisServer, canRedis, eventually } from '../../support/redis.js';
import { connectTo, recordOptions } from '../../support/shared-store.js';

interface Host {
  readonly policies: RedisPolicyStore;
  readonly devices: RedisDeviceStore;
  readonly connection: RedisConnection;
  close(): void;
}

const open: Host[] = [];

async function host(server: RedisServer, more: Partial<SharedRecordsOptions> = {}, ears?: 'deaf'): Promise<Host> {
  const connection = await connectTo(server.url);
  if (ears === 'deaf') connection.subscribe = () => () => undefined;
  const policies = new RedisPolicyStore(recordOptions(connection, 'policies', { pollMs: 50, ...more }));
  const devices = new RedisDeviceStore(recordOptions(connection, 'devices', { pollMs: 50, ...more }));
  const made: Host = {
    policies,
    devices,
    connection,
    close: () => {
      policies.close();
      devices.close();
      connection.close();
    },
  };
  open.push(made);
  await policies.start();
  await devices.start();
  return made;
}

const set = (tag: string, shares: number) => ({ device: 'disk0', tag, fields: { shares }, ifMatch: '' });
const remove = (tag: string) => ({ device: 'disk0', tag, fields: null, ifMatch: '' });
const everything = { device: '', prefix: '', after: null, limit: 1_000 };
const disk0 = { name: 'disk0', target: { binding: 'fast' }, settings: DEFAULT_SETTINGS, draining: false };

async function sharesAt(at: Host): Promise<Record<string, number | undefined>> {
  const { policies } = await at.policies.list(everything);
  return Object.fromEntries(policies.map(({ tag, shares }) => [tag, shares]));
}

describe.skipIf(!canRedis)('stores of several hosts', () => {
  afterEach(() => {
    for (const made of open.splice(0)) made.close();
  });

  it('see what others wrote, resume at another host, and answer a repeated request at any', async () => {
    await using server = await RedisServer.start();
    const a = await host(server);
    const first = await a.policies.write([set('one', 1)], 'request');
    await a.policies.write([set('two', 2)], '');
    const b = await host(server);
    expect(await sharesAt(b)).toEqual({ one: 1, two: 2 });
    expect(await b.policies.write([set('one', 1)], 'request')).toEqual(first);
    const seen: PolicyEvent[] = [];
    expect(b.policies.watch(first.revision, { event: (event) => seen.push(event) })).not.toBeNull();
    expect(seen.map(({ after }) => after?.tag)).toEqual(['two']);
    await a.policies.write([remove('one')], '');
    await eventually('the change is told', () => (seen.length === 2 ? true : null));
    const { etag } = (await b.policies.get('disk0', 'two'))!;
    const ends = await Promise.allSettled(
      [a, b, a, b].map(({ policies }, index) => policies.write([{ ...set('two', 10 + index), ifMatch: etag }], '')),
    );
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('make good what messages miss', async () => {
    await using server = await RedisServer.start();
    const a = await host(server);
    const b = await host(server, { pollMs: 100 }, 'deaf');
    const seen: PolicyEvent[] = [];
    b.policies.watch(await b.policies.revision(), { event: (event) => seen.push(event) });
    await a.policies.write([set('one', 1)], '');
    await eventually('the poll finds it', () => (seen.length === 1 ? true : null));
  });

  it('come back after FLUSHALL at their newest revisions, deleted ones stay deleted, writes wait for it', async () => {
    await using server = await RedisServer.start();
    const restoreMs = 400;
    // b hears of nothing until it polls, so that a alone knows the last changes.
    const a = await host(server, { restoreMs, pollMs: 60_000 });
    await a.policies.seed([{ device: 'disk0', tag: 'kept', fields: { shares: 1 } }]);
    await a.devices.seed([disk0]);
    await a.policies.write([set('gone', 5), set('changed', 1)], '');
    const b = await host(server, { restoreMs, pollMs: 60_000 });
    const told: PolicyEvent[] = [];
    b.policies.watch(await b.policies.revision(), { event: (event) => told.push(event) });
    await a.policies.write([remove('gone'), set('changed', 2), set('late', 3)], '');
    const before = await a.policies.list(everything);
    await server.admin.flushall();

    expect(await sharesAt(b)).toEqual({ changed: 2, kept: 1, late: 3 });
    await expect(b.policies.write([set('new', 1)], '')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('being restored') as string,
    });
    expect(await sharesAt(a)).toEqual({ changed: 2, kept: 1, late: 3 });
    expect((await a.policies.list(everything)).policies).toEqual(before.policies);
    expect(await b.devices.get('disk0')).toMatchObject(disk0);
    await eventually('writes are taken', () => b.policies.write([set('new', 1)], ''));
    expect(await sharesAt(a)).toEqual({ changed: 2, kept: 1, late: 3, new: 1 });
    // The watcher of b has heard the end of the story, each revision once and in order.
    const state = new Map([['gone', 5], ['changed', 1], ['kept', 1]]); // prettier-ignore
    for (const { before: was, after } of told) {
      if (after === null) state.delete(was!.tag);
      else state.set(after.tag, after.shares!);
    }
    expect(Object.fromEntries(state)).toEqual({ changed: 2, kept: 1, late: 3, new: 1 });
    const revisions = told.map(({ revision }) => revision);
    expect(revisions).toEqual([...new Set(revisions)].sort((x, y) => x - y));

    // A configuration that still names what was deleted does not bring it back.
    const c = await host(server, { restoreMs });
    await c.policies.seed([{ device: 'disk0', tag: 'gone', fields: { shares: 5 } }]);
    expect(Object.keys(await sharesAt(c))).not.toContain('gone');
  });

  it('come back after a restart with older data, and after two histories grew apart', async () => {
    await using server = await RedisServer.start();
    const a = await host(server, { pollMs: 60_000 });
    await a.policies.write([set('base', 1)], '');
    await server.admin.save();
    await a.policies.write([set('base', 2), set('lost', 7)], '');
    await server.kill();
    // Comes back with what was saved: a knows better.
    await server.restart();
    const older = await host(server, { pollMs: 60_000 });
    await older.policies.write([set('elsewhere', 9)], '');
    await eventually('a is connected', () => (a.connection.up ? true : null));
    expect(await sharesAt(a)).toEqual({ base: 2, elsewhere: 9, lost: 7 });
    expect(await sharesAt(older)).toEqual({ base: 2, elsewhere: 9, lost: 7 });
  });

  it('read the schema before, refuse a newer one and one that is too old', async () => {
    await using server = await RedisServer.start();
    const old = await host(server, { schema: 1 });
    await old.policies.write([set('one', 1)], '');
    const next = await host(server, { schema: 2 });
    expect(await sharesAt(next)).toEqual({ one: 1 });
    await next.policies.write([set('two', 2)], '');
    expect(await sharesAt(old)).toEqual({ one: 1, two: 2 });
    await expect(host(server, { schema: 3 })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(
        /holds policies of schema 1, this version reads 2 and 3: start a version in between/,
      ) as string,
    });
    await server.admin.flushall();
    for (const made of open.splice(0)) made.close();
    await host(server, { schema: 2 });
    await expect(host(server, { schema: 1 })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/holds policies of schema 2, this version reads 1: upgrade this host/) as string,
    });
  });
});
