import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SluiceClient, SluiceError, type Policy, type PolicyWatchEvent } from '../../../src/client/index.js';
import { KIB, MIB } from '../../../src/core/model/units.js';
import { HostRig } from './host-rig.js';

let host: HostRig;
let client: SluiceClient;

beforeAll(async () => {
  host = await HostRig.start();
  client = await SluiceClient.connect(host.address);
});

afterAll(async () => {
  await client.close();
  await host[Symbol.asyncDispose]();
});

async function failure(promise: Promise<unknown>): Promise<SluiceError> {
  return promise.then(
    () => expect.unreachable('it resolved'),
    (error: unknown) => error as SluiceError,
  );
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of source) found.push(each);
  return found;
}

describe('policies', () => {
  it('are set, read, listed over pages, and deleted', async () => {
    const set: Policy[] = [];
    for (let i = 0; i < 5; i++)
      set.push(await client.policies.put({ device: '*', tag: `page/t${String(i)}`, shares: 10 + i }));
    expect(await client.policies.get('*', 'page/t3')).toEqual(set[3]);
    expect(set[3]).toMatchObject({ device: '*', tag: 'page/t3', shares: 13 });
    expect(set[3]).not.toHaveProperty('selfShares');
    expect(await all(client.policies.list({ tagPrefix: 'page', pageSize: 2 }))).toEqual(set);
    expect(await client.policies.delete('*', 'page/t3', set[3]!.etag)).toBeGreaterThan(0);
    expect((await failure(client.policies.get('*', 'page/t3'))).code).toBe('NOT_FOUND');
  });

  it('say what is in force, defaults and all', async () => {
    await client.policies.put({ device: '*', tag: 'force/a', shares: 300 });
    const effective = await client.policies.get('disk0', 'force/a', { effective: true });
    expect(effective).toMatchObject({ device: 'disk0', tag: 'force/a', shares: 300, selfShares: 100 });
  });

  it('are guarded by etags', async () => {
    const policy = { device: 'disk0', tag: 'guard', shares: 5 } as const;
    const first = await client.policies.put({ ...policy, etag: '*' });
    expect((await failure(client.policies.put({ ...policy, etag: '*' }))).code).toBe('ALREADY_EXISTS');
    await client.policies.put({ ...policy, shares: 6, etag: first.etag });
    expect((await failure(client.policies.put({ ...policy, etag: first.etag }))).code).toBe('ETAG_MISMATCH');
  });

  it('are checked before they are encoded, naming the field', async () => {
    expect((await failure(client.policies.put({ device: '*', tag: 'a', shares: 0 }))).field).toBe('policy.shares');
    expect((await failure(client.policies.put({ device: '*', tag: 'a', limitPerS: 5 }))).code).toBe('UNSUPPORTED');
    expect((await failure(client.policies.put({ device: 'Disk', tag: 'a' }))).field).toBe('policy.device');
    expect((await failure(all(client.policies.list({ pageSize: -1 })))).field).toBe('pageSize');
  });

  it('change many at once, or say what would change', async () => {
    const wanted = [
      { device: 'disk0', tag: 'many/a', shares: 1 },
      { device: 'disk0', tag: 'many/b', shares: 2 },
    ];
    const dry = await client.policies.apply(wanted, { dryRun: true });
    expect(dry.changes.map((change) => change.kind)).toEqual(['created', 'created']);
    expect((await failure(client.policies.get('disk0', 'many/a'))).code).toBe('NOT_FOUND');
    await client.policies.apply(wanted);
    const pruned = await client.policies.apply(wanted.slice(1), {
      prune: true,
      pruneDevice: 'disk0',
      prunePrefix: 'many',
    });
    expect(pruned.unchanged).toBe(1);
    expect(pruned.changes).toMatchObject([{ kind: 'deleted', after: null, before: { tag: 'many/a', shares: 1 } }]);
  });

  it('are watched: what is there, then changes, until the signal', async () => {
    await client.policies.put({ device: 'null0', tag: 'watch/a', shares: 7 });
    const stop = new AbortController();
    const seen: PolicyWatchEvent[] = [];
    const ended = (async () => {
      for await (const event of client.policies.watch({ device: 'null0', signal: stop.signal })) {
        seen.push(event);
        if (event.kind === 'snapshot-done') await client.policies.put({ device: 'null0', tag: 'watch/b', shares: 8 });
        if (event.kind === 'change') stop.abort();
      }
    })();
    expect((await failure(ended)).code).toBe('CANCELLED');
    expect(seen.map((event) => event.kind).filter((kind) => kind !== 'heartbeat')).toEqual([
      'snapshot',
      'snapshot-done',
      'change',
    ]);
    expect(seen.at(-1)).toMatchObject({
      change: { kind: 'created', before: null, after: { tag: 'watch/b', shares: 8 } },
    });
  });
});

describe('devices', () => {
  it('are made, changed, drained and deleted', async () => {
    const made = await client.devices.create({
      name: 'scratch',
      simulation: { kind: 'hdd', sizeBytes: 8 * MIB },
      settings: { depth: 4, costModel: 'requests' },
    });
    expect(made).toMatchObject({ name: 'scratch', sizeBytes: 8 * MIB, blockBytes: 512, state: 'ready' });
    expect(made.settings).toMatchObject({ scheduler: 'fair', depth: 4, costModel: 'requests' });
    const changed = await client.devices.update('scratch', { scheduler: 'stride', stride: { sleepMs: 50 } }, made.etag);
    expect(changed.settings).toMatchObject({
      scheduler: 'stride',
      depth: 4,
      stride: { sleepMs: 50, sleepRule: 'before-pick' },
    });
    expect((await failure(client.devices.update('scratch', { depth: 5 }, made.etag))).code).toBe('ETAG_MISMATCH');
    expect((await all(client.devices.list())).map((device) => device.name)).toEqual(['disk0', 'null0', 'scratch']);
    await client.devices.drain('scratch');
    await expect.poll(async () => (await client.devices.get('scratch')).state).toBe('drained');
    await client.devices.delete('scratch');
    expect((await failure(client.devices.get('scratch'))).code).toBe('NOT_FOUND');
  });

  it('are checked before they are encoded, naming the field', async () => {
    const simulation = { kind: 'null' } as const;
    expect((await failure(client.devices.create({ name: 'x_y', simulation }))).field).toBe('name');
    const bad = client.devices.create({ name: 'xy', simulation, settings: { depth: 0 } });
    expect((await failure(bad)).field).toBe('settings.depth');
    expect((await failure(client.devices.create({ name: 'xy', binding: 'nowhere' }))).code).toBe('NOT_FOUND');
    expect((await failure(client.devices.create({ name: 'disk0', simulation }))).code).toBe('ALREADY_EXISTS');
  });
});

describe('usage', () => {
  it('counts what was served, by tag', async () => {
    await using disk = await client.open('null0', 'count');
    await Promise.all(Array.from({ length: 20 }, (_, i) => disk.read(i * 4 * KIB, 4 * KIB, { tag: 'count/a' })));
    await disk.write(0, Buffer.alloc(64 * KIB), { tag: 'count/b' });
    const rows = await all(client.usage.query({ device: 'null0', tagPrefix: 'count', quantiles: [0.5, 0.99] }));
    expect(rows.map((row) => row.tag)).toEqual(['count/a', 'count/b']);
    expect(rows[0]!.ops).toMatchObject([{ op: 1, count: 20, errors: 0, bytes: 80 * KIB, cost: 20 }]);
    expect(rows[1]!.ops).toMatchObject([{ op: 2, count: 1, bytes: 64 * KIB, cost: 4 }]);
    expect(rows[0]!.serviceUs).toHaveLength(2);
    const grouped = await all(
      client.usage.query({ device: 'null0', tagPrefix: 'count', groupLevel: 1, orderBy: 'cost' }),
    );
    expect(grouped.map((row) => row.tag)).toEqual(['count']);
    const tags = await all(client.usage.tags({ device: 'null0', tagPrefix: 'count' }));
    expect(tags.map((each) => each.tag)).toEqual(['count/a', 'count/b']);
  });

  it('is checked before it is asked, naming the field', async () => {
    expect((await failure(all(client.usage.query({ stepMs: 7 })))).field).toBe('stepMs');
    expect((await failure(all(client.usage.query({ quantiles: [1] })))).field).toBe('quantiles');
    expect((await failure(all(client.usage.query({ topN: -1 })))).field).toBe('topN');
    expect((await failure(all(client.usage.query({ orderBy: 'age' as never })))).field).toBe('orderBy');
  });
});
