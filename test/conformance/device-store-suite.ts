/** What every maker of DeviceStore does. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, patchSettings } from '../../src/core/model/device.js';
import type { DeviceRecord } from '../../src/core/model/device.js';
import type { DeviceEvent, DeviceStore } from '../../src/core/ports.js';

export interface MadeDeviceStore {
  readonly store: DeviceStore;
  /** Resolves when every event so far has been told. */
  readonly settled: () => Promise<void>;
  close(): Promise<void>;
}

type NewRecord = Omit<DeviceRecord, 'etag' | 'revision'>;

const record = (name: string, depth = 32): NewRecord => ({
  name,
  target: { binding: 'fast' },
  settings: patchSettings(DEFAULT_SETTINGS, { depth }),
  draining: false,
});

export function deviceStoreConformance(name: string, make: () => Promise<MadeDeviceStore>): void {
  const using = async (body: (made: MadeDeviceStore) => Promise<void>): Promise<void> => {
    const made = await make();
    try {
      await body(made);
    } finally {
      await made.close();
    }
  };

  describe(`DeviceStore: ${name}`, () => {
    it('gives what was put, by name and in order', () =>
      using(async ({ store }) => {
        for (const device of ['b', 'c', 'a']) await store.put(record(device), '');
        expect(await store.get('b')).toMatchObject(record('b'));
        expect(await store.get('absent')).toBeNull();
        expect((await store.list()).map((r) => r.name)).toEqual(['a', 'b', 'c']);
      }));

    it('changes etag and revision with each change, and only then', () =>
      using(async ({ store }) => {
        const first = await store.put(record('a'), '');
        expect(await store.put(record('a'), '')).toEqual(first);
        const second = await store.put(record('a', 8), '');
        expect(second.etag).not.toBe(first.etag);
        expect(second.revision).toBeGreaterThan(first.revision);
        expect(await store.get('a')).toEqual(second);
      }));

    it('holds writers to the etag they name', () =>
      using(async ({ store }) => {
        await expect(store.put(record('a'), 'x')).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
        const first = await store.put(record('a'), '*');
        await expect(store.put(record('a'), '*')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
        const second = await store.put(record('a', 8), first.etag);
        await expect(store.put(record('a', 9), first.etag)).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
        await expect(store.delete('a', first.etag)).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
        await store.delete('a', second.etag);
        await expect(store.delete('a', '')).rejects.toMatchObject({ code: 'NOT_FOUND' });
        expect(await store.get('a')).toBeNull();
      }));

    it('lets one of two writers with the same etag through', () =>
      using(async ({ store }) => {
        const { etag } = await store.put(record('a'), '');
        const ends = await Promise.allSettled([1, 2, 3].map((depth) => store.put(record('a', depth), etag)));
        expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
      }));

    it('tells a watcher what is there, then each change once, in order', () =>
      using(async ({ store, settled }) => {
        const a = await store.put(record('a'), '');
        const b = await store.put(record('b'), '');
        const events: DeviceEvent[] = [];
        const stop = store.watch({ event: (event) => events.push(event) });
        await settled();
        expect(events.map((event) => [event.before, event.after])).toEqual([
          [null, a],
          [null, b],
        ]);
        const changed = await store.put(record('a', 8), '');
        await store.put(record('a', 8), '');
        await store.delete('b', '');
        await settled();
        stop();
        await store.delete('a', '');
        await settled();
        expect(events.slice(2).map((event) => [event.before, event.after])).toEqual([
          [a, changed],
          [b, null],
        ]);
      }));
  });
}
