/** What every maker of PolicyStore does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/core/model/errors.js';
import type { Policy, PolicyFields } from '../../src/core/model/policy.js';
import type { PolicyEvent, PolicyStore, PolicyWrite } from '../../src/core/ports.js';

export interface PolicyStoreCapabilities {
  /** Events and answers come inside the call that made them; else soon after. */
  readonly synchronous: boolean;
  /** Events that the store keeps at least for watchers that come back. */
  readonly eventsKept: number;
}

export interface MadePolicyStore {
  readonly store: PolicyStore;
  /** Resolves when every event so far has been told. */
  readonly settled: () => Promise<void>;
  close(): Promise<void>;
}

const set = (device: string, tag: string, shares: number, ifMatch = ''): PolicyWrite => ({
  device,
  tag,
  fields: { shares },
  ifMatch,
});
const remove = (device: string, tag: string, ifMatch = ''): PolicyWrite => ({ device, tag, fields: null, ifMatch });

export function policyStoreConformance(
  name: string,
  make: () => Promise<MadePolicyStore>,
  capabilities: PolicyStoreCapabilities,
): void {
  const using = async (body: (made: MadePolicyStore) => Promise<void>): Promise<void> => {
    const made = await make();
    try {
      await body(made);
    } finally {
      await made.close();
    }
  };

  describe(`PolicyStore: ${name}`, () => {
    it('gives what was written, with a new etag and revision for each change', () =>
      using(async ({ store }) => {
        const before = await store.revision();
        expect(await store.get('disk0', 'acme')).toBeNull();
        const first = await store.write([set('disk0', 'acme', 200)], '');
        const created = (await store.get('disk0', 'acme'))!;
        expect(created).toMatchObject({ device: 'disk0', tag: 'acme', shares: 200, revision: first.revision });
        expect(first.revision).toBeGreaterThan(before);
        expect(created.etag).not.toBe('');
        const second = await store.write([set('disk0', 'acme', 300)], '');
        const updated = (await store.get('disk0', 'acme'))!;
        expect(second.events).toEqual([{ before: created, after: updated, revision: updated.revision }]);
        expect(updated.etag).not.toBe(created.etag);
        expect(await store.get('*', 'acme')).toBeNull();
      }));

    it('replaces the whole policy', () =>
      using(async ({ store }) => {
        await store.write([{ device: '*', tag: 'a', fields: { shares: 5, selfShares: 7 }, ifMatch: '' }], '');
        await store.write([{ device: '*', tag: 'a', fields: { selfShares: 8 }, ifMatch: '' }], '');
        const policy = (await store.get('*', 'a'))!;
        expect(policy.selfShares).toBe(8);
        expect('shares' in policy).toBe(false);
      }));

    it('gives no event and no new etag for a write that changes nothing', () =>
      using(async ({ store }) => {
        await store.write([set('*', 'a', 5)], '');
        const before = (await store.get('*', 'a'))!;
        const again = await store.write([set('*', 'a', 5)], '');
        expect(again.events).toEqual([]);
        expect(await store.get('*', 'a')).toEqual(before);
        expect(await store.revision()).toBe(again.revision);
      }));

    it('holds writers to the etag they name', () =>
      using(async ({ store }) => {
        await expect(store.write([set('*', 'a', 1, 'x')], '')).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
        await store.write([set('*', 'a', 1, '*')], '');
        await expect(store.write([set('*', 'a', 2, '*')], '')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
        const { etag } = (await store.get('*', 'a'))!;
        await store.write([set('*', 'a', 2, etag)], '');
        await expect(store.write([set('*', 'a', 3, etag)], '')).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
        await expect(store.write([remove('*', 'a', etag)], '')).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
        await store.write([remove('*', 'a', (await store.get('*', 'a'))!.etag)], '');
        await expect(store.write([remove('*', 'a')], '')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      }));

    it('lets one of two writers with the same etag through', () =>
      using(async ({ store }) => {
        await store.write([set('*', 'a', 1)], '');
        const { etag } = (await store.get('*', 'a'))!;
        const ends = await Promise.allSettled(
          [2, 3, 4].map((shares) => store.write([set('*', 'a', shares, etag)], '')),
        );
        expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
      }));

    it('writes all or none, later writes seeing earlier ones', () =>
      using(async ({ store, settled }) => {
        const seen: PolicyEvent[] = [];
        store.watch(await store.revision(), { event: (event) => seen.push(event) });
        await expect(
          store.write([set('*', 'a', 1), set('*', 'b', 1), remove('*', 'absent')], ''),
        ).rejects.toBeInstanceOf(SluiceError);
        expect(await store.get('*', 'a')).toBeNull();
        const { events } = await store.write([set('*', 'a', 1), remove('*', 'a'), set('*', 'a', 2, '*')], '');
        expect(events.map((event) => event.after?.shares ?? null)).toEqual([1, null, 2]);
        await settled();
        expect(seen).toEqual(events);
      }));

    it('answers a repeated request id with the first answer and changes nothing', () =>
      using(async ({ store }) => {
        const first = await store.write([set('*', 'a', 1)], 'request-1');
        await store.write([set('*', 'a', 2)], '');
        expect(await store.write([set('*', 'a', 1)], 'request-1')).toEqual(first);
        expect((await store.get('*', 'a'))?.shares).toBe(2);
      }));

    it('lists by device, then tag, page by page, within a device and a prefix', () =>
      using(async ({ store }) => {
        const keys = ['* a', '* a/b', 'disk0 a', 'disk0 a-b', 'disk0 a/b', 'disk0 a/b/c', 'disk0 b', 'disk1 a'];
        await store.write(
          keys.toReversed().map((key) => set(key.split(' ')[0]!, key.split(' ')[1]!, 1)),
          '',
        );
        const all = async (device: string, prefix: string, limit: number): Promise<string[]> => {
          const found: string[] = [];
          let after: Policy | null = null;
          for (;;) {
            const { policies } = await store.list({ device, prefix, after, limit });
            expect(policies.length).toBeLessThanOrEqual(limit);
            found.push(...policies.map((p) => `${p.device} ${p.tag}`));
            after = policies.at(-1) ?? null;
            if (after === null) return found;
          }
        };
        for (const limit of [1, 3, 100]) {
          expect(await all('', '', limit)).toEqual(keys);
          expect(await all('disk0', '', limit)).toEqual(keys.filter((key) => key.startsWith('disk0')));
          expect(await all('disk0', 'a', limit)).toEqual(['disk0 a', 'disk0 a/b', 'disk0 a/b/c']);
          expect(await all('', 'a/b', limit)).toEqual(['* a/b', 'disk0 a/b', 'disk0 a/b/c']);
          expect(await all('disk', '', limit)).toEqual([]);
        }
      }));

    it('tells watchers each event once, in order, from the revision they name', () =>
      using(async ({ store, settled }) => {
        const start = await store.revision();
        const first = await store.write([set('*', 'a', 1), set('*', 'b', 1)], '');
        const seen: number[] = [];
        const late: number[] = [];
        const stop = store.watch(start, { event: (event) => seen.push(event.revision) })!;
        store.watch(first.events[0]!.revision, { event: (event) => late.push(event.revision) });
        await store.write([set('*', 'c', 1)], '');
        await settled();
        stop();
        await store.write([set('*', 'd', 1)], '');
        await settled();
        expect(late).toHaveLength(3);
        expect(seen).toEqual([first.events[0]!.revision, ...late.slice(0, 2)]);
        expect(late).toEqual([...late].sort((a, b) => a - b));
      }));

    it('says when a revision is too old, or not of this store', () =>
      using(async ({ store }) => {
        const start = await store.revision();
        expect(store.watch(start + 1, { event: () => undefined })).toBeNull();
        for (let i = 0; i < 2 * capabilities.eventsKept + 1; i++) await store.write([set('*', 'a', (i % 2) + 1)], '');
        expect(store.watch(start, { event: () => undefined })).toBeNull();
        const kept: number[] = [];
        const from = (await store.revision()) - capabilities.eventsKept;
        expect(store.watch(from, { event: (event) => kept.push(event.revision) })).not.toBeNull();
        if (capabilities.synchronous) expect(kept).toHaveLength(capabilities.eventsKept);
      }));

    if (capabilities.synchronous) {
      it('keeps order for all when a watcher writes', () =>
        using(async ({ store }) => {
          const revisions: number[] = [];
          let answered = false;
          const start = await store.revision();
          store.watch(start, {
            event: () => {
              if (!answered) void store.write([set('*', 'reply', 1)], '');
              answered = true;
            },
          });
          store.watch(start, { event: (event) => revisions.push(event.revision) });
          await store.write([set('*', 'a', 1), set('*', 'b', 1)], '');
          expect(revisions).toEqual([start + 1, start + 2, start + 3]);
        }));
    }

    it('holds what a plain map would, and its events rebuild it', () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({
              device: fc.constantFrom('*', 'disk0'),
              tag: fc.constantFrom('a', 'a/b', 'b'),
              shares: fc.option(fc.integer({ min: 1, max: 4 })),
            }),
            { maxLength: 30 },
          ),
          (writes) =>
            using(async ({ store, settled }) => {
              const plain = new Map<string, PolicyFields>();
              const rebuilt = new Map<string, PolicyFields>();
              const key = (p: { device: string; tag: string }): string => `${p.device} ${p.tag}`;
              store.watch(await store.revision(), {
                event: ({ before, after }) => {
                  if (after === null) rebuilt.delete(key(before!));
                  else rebuilt.set(key(after), { shares: after.shares! });
                },
              });
              for (const { shares, ...at } of writes) {
                if (shares === null && !plain.has(key(at))) continue;
                await store.write([shares === null ? remove(at.device, at.tag) : set(at.device, at.tag, shares)], '');
                if (shares === null) plain.delete(key(at));
                else plain.set(key(at), { shares });
              }
              await settled();
              const { policies } = await store.list({ device: '', prefix: '', after: null, limit: 100 });
              expect(policies.map((p) => [key(p), { shares: p.shares }])).toEqual(
                [...plain].sort(([a], [b]) => (a < b ? -1 : 1)),
              );
              expect(rebuilt).toEqual(plain);
            }),
        ),
        { numRuns: 100 },
      ));
  });
}
