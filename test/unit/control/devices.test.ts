import { describe, expect, it } from 'vitest';
import { Devices } from '../../../src/control/devices.js';
import { LocalDeviceStore } from '../../../src/coordination/local/device-store.js';
import { DEFAULT_SIMULATION, type DeviceRecord } from '../../../src/core/model/device.js';
import type { DeviceFactory, ServedDevice, ServedDevices, ServedState } from '../../../src/core/ports.js';

/** A host that opens what it is told to, at once. */
class FakeHost implements ServedDevices {
  readonly served = new Map<string, DeviceRecord>();
  broken = '';
  queued = 0;

  constructor(store: LocalDeviceStore) {
    store.watch({
      event: ({ before, after }) => {
        if (after === null) this.served.delete(before!.name);
        else this.served.set(after.name, after);
      },
    });
  }

  get(name: string): ServedDevice | undefined {
    const record = this.served.get(name);
    if (record === undefined) return undefined;
    const state: ServedState =
      this.broken === name ? 'unavailable' : !record.draining ? 'ready' : this.queued > 0 ? 'draining' : 'drained';
    return {
      name,
      record,
      state,
      stateMessage: state === 'unavailable' ? 'no such file' : '',
      sizeBytes: 1_024,
      blockBytes: 512,
      readOnly: false,
      queued: this.queued,
      outstanding: 0,
      refusal: () => null,
      submit: () => undefined,
      cancel: () => false,
    };
  }

  list(): readonly ServedDevice[] {
    return [...this.served.keys()].map((name) => this.get(name)!);
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }
}

const factory: DeviceFactory = {
  open: () => Promise.reject(new Error('the host opens')),
  bindings: () => ['fast', 'slow'],
};

function make(): { store: LocalDeviceStore; host: FakeHost; devices: Devices } {
  const store = new LocalDeviceStore();
  const host = new FakeHost(store);
  return { store, host, devices: new Devices(store, host, factory) };
}

const request = (name: string, binding = 'fast') => ({ name, target: { binding }, settings: {} });

describe('Devices', () => {
  it('takes back the record of a device that does not open', async () => {
    const { devices, host, store } = make();
    host.broken = 'disk0';
    await expect(devices.create(request('disk0'))).rejects.toMatchObject({
      code: 'DEVICE_IO',
      message: 'device disk0 does not open: no such file',
    });
    expect(await store.get('disk0')).toBeNull();
  });

  it('refuses what is not allowed, naming it', async () => {
    const { devices } = make();
    await expect(devices.create(request('disk0', 'other'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'binding "other" does not exist: this host has fast, slow',
    });
    await expect(devices.create(request('Disk'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'name' });
    const simulation = { ...DEFAULT_SIMULATION, kind: 'null' as const, blockBytes: 1_000 };
    await expect(devices.create({ name: 'x', target: { simulation }, settings: {} })).rejects.toMatchObject({
      field: 'simulation.block_bytes',
    });
    await devices.create(request('disk0'));
    await expect(devices.create(request('disk0'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(devices.update('disk0', { depth: 0 }, '')).rejects.toMatchObject({ field: 'settings.depth' });
    await expect(devices.update('absent', {}, '')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(devices.list({ pageSize: 0, pageToken: 'bm8' })).rejects.toMatchObject({ field: 'page_token' });
  });

  it('updates over the etag that was seen, and over any that is there', async () => {
    const { devices } = make();
    const first = await devices.create(request('disk0'));
    const second = await devices.update('disk0', { depth: 4 }, first.record.etag);
    expect(second.record.settings.depth).toBe(4);
    await expect(devices.update('disk0', { depth: 5 }, first.record.etag)).rejects.toMatchObject({
      code: 'ETAG_MISMATCH',
    });
    const [a, b] = await Promise.all([
      devices.update('disk0', { depth: 6 }, ''),
      devices.update('disk0', { fair: { credit: 3 } }, ''),
    ]);
    expect([a.record.etag, b.record.etag]).not.toContain(second.record.etag);
    const { settings } = (await devices.get('disk0')).record;
    expect([settings.depth, settings.fair.credit]).toEqual([6, 3]);
  });

  it('deletes only what has been drained and has nothing left', async () => {
    const { devices, host } = make();
    await devices.create(request('disk0'));
    await expect(devices.delete('disk0', '')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    host.queued = 3;
    expect((await devices.drain('disk0')).state).toBe('draining');
    await expect(devices.delete('disk0', '')).rejects.toMatchObject({ code: 'DRAINING' });
    host.queued = 0;
    expect((await devices.get('disk0')).state).toBe('drained');
    await devices.delete('disk0', '');
    await expect(devices.get('disk0')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
