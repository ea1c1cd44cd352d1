import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { Policies } from '../../../src/control/policies.js';
import type { PolicyWatchEvent } from '../../../src/control/policy-watch.js';
import { LocalPolicyStore } from '../../../src/coordination/local/policy-store.js';
import { NS_PER_S } from '../../../src/core/model/units.js';

function make(): { store: LocalPolicyStore; clock: VirtualClock; policies: Policies } {
  const store = new LocalPolicyStore(1_000);
  const clock = new VirtualClock();
  return { store, clock, policies: new Policies(store, clock) };
}

const APPLY = { policies: [], prune: false, pruneDevice: '', prunePrefix: '', dryRun: false, requestId: '' };
const put = (device: string, tag: string, shares: number, etag = '') => ({ device, tag, fields: { shares }, etag });

describe('Policies', () => {
  it('refuses what is malformed, naming the field', async () => {
    const { policies } = make();
    const cases: [() => Promise<unknown>, string][] = [
      [() => policies.get('Disk', 'a'), 'device'],
      [() => policies.get('*', 'a//b'), 'tag'],
      [() => policies.getEffective('disk0', ''), 'tag'],
      [() => policies.put('*', 'a', { shares: 10_001 }, ''), 'policy.shares'],
      [() => policies.put('*', 'a', { selfShares: 0 }, ''), 'policy.self_shares'],
      [() => policies.delete('*', 'a', '*'), 'etag'],
      [() => policies.list({ device: 'Disk', prefix: '', pageSize: 0, pageToken: '' }), 'device'],
      [() => policies.list({ device: '', prefix: '/', pageSize: 0, pageToken: '' }), 'tag_prefix'],
      [() => policies.list({ device: '', prefix: '', pageSize: -1, pageToken: '' }), 'page_size'],
      [() => policies.list({ device: '', prefix: '', pageSize: 0, pageToken: 'x' }), 'page_token'],
      [() => policies.apply({ ...APPLY, policies: [put('*', 'a', 1), put('*', 'a', 2)] }), 'policies[1]'],
      [() => policies.apply({ ...APPLY, pruneDevice: 'disk0' }), 'prune_device'],
      [() => policies.apply({ ...APPLY, requestId: 'x'.repeat(129) }), 'request_id'],
      [() => policies.watch('Disk', 0, () => undefined), 'device'],
      [() => policies.watch('', -1, () => undefined), 'resume_revision'],
    ];
    for (const [call, field] of cases) await expect(call()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field });
    await expect(policies.put('*', 'a', { burst: 1 }, '')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      field: 'policy.burst',
    });
  });

  it('answers a put that changes nothing with what is there', async () => {
    const { policies } = make();
    const first = await policies.put('*', 'a', { shares: 5 }, '');
    expect(await policies.put('*', 'a', { shares: 5 }, '')).toEqual(first);
  });

  it('prunes within device and prefix, even while others change what is pruned', async () => {
    const { policies, store } = make();
    await policies.apply({ ...APPLY, policies: ['x', 'x/a', 'x/b', 'xy'].map((tag) => put('*', tag, 1)) });
    const original = store.write.bind(store);
    let meddled = false;
    store.write = async (writes, requestId) => {
      if (!meddled) await original([{ device: '*', tag: 'x/b', fields: { shares: 9 }, ifMatch: '' }], '');
      meddled = true;
      return original(writes, requestId);
    };
    const applied = await policies.apply({ ...APPLY, policies: [put('*', 'x/a', 1)], prune: true, prunePrefix: 'x' });
    expect(applied.changes.map((change) => [change.kind, change.before?.tag, change.before?.shares])).toEqual([
      ['deleted', 'x', 1],
      ['deleted', 'x/b', 9],
    ]);
    expect(applied.unchanged).toBe(1);
    const { policies: left } = await policies.list({ device: '', prefix: '', pageSize: 0, pageToken: '' });
    expect(left.map((policy) => policy.tag)).toEqual(['x/a', 'xy']);
  });

  it('a dry run says what the real one then does, etags included, and changes nothing', async () => {
    const { policies, store } = make();
    const a = await policies.put('*', 'a', { shares: 1 }, '');
    const revision = await store.revision();
    const request = { ...APPLY, policies: [put('*', 'a', 2, a.etag), put('disk0', 'b', 3, '*')] };
    const dry = await policies.apply({ ...request, dryRun: true });
    expect(await store.revision()).toBe(revision);
    const real = await policies.apply(request);
    const told = (changes: typeof real.changes): unknown =>
      changes.map(({ kind, before, after }) => [kind, before, after?.tag, after?.shares]);
    expect(told(dry.changes)).toEqual(told(real.changes));
    await expect(policies.apply({ ...request, dryRun: true })).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
    await expect(policies.apply(request)).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
  });

  it('watches: snapshot, changes, heartbeats; from a revision only what came since', async () => {
    const { policies, clock } = make();
    const a = await policies.put('disk0', 'a', { shares: 1 }, '');
    await policies.put('*', 'other', { shares: 1 }, '');
    const all: PolicyWatchEvent[] = [];
    const one: PolicyWatchEvent[] = [];
    const stop = await policies.watch('', 0, (event) => all.push(event));
    await policies.watch('disk0', a.revision, (event) => one.push(event));
    expect(all.map((event) => event.kind)).toEqual(['snapshot', 'snapshot', 'snapshotDone']);
    const b = await policies.put('disk0', 'b', { shares: 2 }, '');
    const change = { kind: 'change', change: { kind: 'created', before: null, after: b, revision: b.revision } };
    expect(all.at(-1)).toEqual(change);
    expect(one).toEqual([change]);
    await policies.put('*', 'other', { shares: 3 }, '');
    expect(one).toHaveLength(1);
    clock.runFor(5 * NS_PER_S);
    expect(all.at(-1)).toEqual({ kind: 'heartbeat', revision: b.revision + 1 });
    expect(one.at(-1)).toEqual({ kind: 'heartbeat', revision: b.revision + 1 });
    const before = all.length;
    stop();
    await policies.put('disk0', 'c', { shares: 2 }, '');
    clock.runFor(60 * NS_PER_S);
    expect(all).toHaveLength(before);
    await expect(policies.watch('', 5, () => undefined)).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
      field: 'resume_revision',
    });
  });

  it('misses nothing that is written while a long snapshot is told', async () => {
    const { policies, store } = make();
    const many = Array.from({ length: 2_500 }, (_, i) => put('*', `t${String(i).padStart(4, '0')}`, 1));
    await policies.apply({ ...APPLY, policies: many });
    const original = store.list.bind(store);
    store.list = async (query) => {
      const page = await original(query);
      await store.write([{ device: '*', tag: 't0000', fields: { shares: 2 + page.policies.length }, ifMatch: '' }], '');
      return page;
    };
    const held = new Map<string, number | undefined>();
    await policies.watch('', 0, (event) => {
      if (event.kind === 'snapshot') held.set(event.policy.tag, event.policy.shares);
      else if (event.kind === 'change') held.set(event.change.after!.tag, event.change.after!.shares);
    });
    expect(held.size).toBe(2_500);
    expect(held.get('t0000')).toBe((await policies.get('*', 't0000')).shares);
  });
});
