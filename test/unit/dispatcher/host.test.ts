import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { LocalDeviceStore } from '../../../src/coordination/local/device-store.js';
import { LocalGate } from '../../../src/coordination/local/gate.js';
import { Host } from '../../../src/core/host.js';
import { DEFAULT_SETTINGS, type DeviceSettings } from '../../../src/core/model/device.js';
import { SluiceError } from '../../../src/core/model/errors.js';
import { NS_PER_S } from '../../../src/core/model/units.js';
import type { PendingIo } from '../../../src/core/pending-io.js';
import { Ledger } from '../../../src/core/usage.js';
import { ManualDevice, Rig, quiet } from '../../support/dispatcher-rig.js';

interface Stand {
  clock: VirtualClock;
  store: LocalDeviceStore;
  host: Host;
  device: ManualDevice;
  known: Set<string>;
  answered: PendingIo[];
  send: (tag?: string) => PendingIo;
}

/** A host with device `d` on a device that ends requests by hand; `broken` is a device that does not open. */
async function stand(settings: Partial<DeviceSettings> = {}): Promise<Stand> {
  const clock = new VirtualClock();
  const store = new LocalDeviceStore();
  const device = new ManualDevice(clock);
  const known = new Set<string>();
  const answered: PendingIo[] = [];
  const host = new Host({
    clock,
    logger: quiet,
    deviceStore: store,
    policies: {
      sharesOf: () => () => ({ shares: 100, selfShares: 100 }),
      isKnown: (_, tag) => known.has(tag),
      onChange: () => () => undefined,
    },
    factory: {
      open: (name) =>
        name === 'broken' ? Promise.reject(new SluiceError('DEVICE_IO', 'no such file')) : Promise.resolve(device),
      bindings: () => [],
    },
    makeGate: ({ settings: deviceSettings }, sharesOf) => new LocalGate(clock, deviceSettings, sharesOf),
    ledgerOf: () => new Ledger(clock),
  });
  await store.put(
    { name: 'd', target: { binding: 'x' }, settings: { ...DEFAULT_SETTINGS, ...settings }, draining: false },
    '*',
  );
  await host.start();
  const rig = new Rig();
  const send = (tag = 'a'): PendingIo => {
    const io = rig.io();
    Object.assign(io, { sink: { completed: (done: PendingIo) => answered.push(done) } });
    host.get('d')!.submit(io, tag);
    return io;
  };
  return { clock, store, host, device, known, answered, send };
}

describe('a host', () => {
  test('serves what the store holds, and says of what does not open why', async () => {
    const { store, host } = await stand();
    await store.put({ name: 'broken', target: { binding: 'y' }, settings: DEFAULT_SETTINGS, draining: false }, '*');
    await host.settled('broken');
    expect(host.list().map(({ name, state }) => [name, state])).toEqual([
      ['broken', 'unavailable'],
      ['d', 'ready'],
    ]);
    expect(host.get('broken')!.stateMessage).toBe('no such file');
    expect(host.get('broken')!.refusal('a')).toMatchObject({ code: 'DEVICE_IO' });
    expect(await host.close(NS_PER_S)).toEqual([]);
  });

  test('rejects tags without a policy where the device says so', async () => {
    const { host, known, send } = await stand({ unknownTags: 'reject' });
    expect(send('a')).toMatchObject({
      code: 'NOT_FOUND',
      message: 'tag a has no policy on device d, which rejects unknown tags',
    });
    known.add('a');
    expect(send('a').state).toBe('outstanding');
    expect(host.get('d')!.outstanding).toBe(1);
  });

  test('drains: takes nothing new, finishes what it has', async () => {
    const { store, host, device, answered, send } = await stand({ depth: 1 });
    const [first, second] = [send(), send()];
    const record = (await store.get('d'))!;
    await store.put({ ...record, draining: true }, record.etag);
    await host.settled('d');
    expect(send()).toMatchObject({ code: 'DRAINING' });
    expect(host.get('d')!.state).toBe('draining');
    device.complete();
    device.complete();
    expect(host.get('d')!.state).toBe('drained');
    expect(answered.slice(1)).toEqual([first, second]);
    await store.delete('d', '');
    await host.settled('d');
    expect(host.get('d')).toBeUndefined();
  });

  test('that closes answers what is queued, and does not wait for ever for a device that hangs', async () => {
    const { clock, host, send } = await stand({ depth: 1 });
    const [hung, queued] = [send(), send()];
    const closing = host.close(NS_PER_S);
    await Promise.resolve();
    await Promise.resolve();
    clock.runFor(NS_PER_S);
    expect(await closing).toEqual(['d']);
    expect(queued).toMatchObject({ code: 'DRAINING' });
    expect(hung.state).toBe('outstanding');
  });
});
