import { expect, test } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { DEFAULT_SETTINGS, patchSettings } from '../../../src/core/model/device.js';
import { OPS, type DeviceIo, type Lease, type Op } from '../../../src/core/model/request.js';
import { MIB, NS_PER_MS } from '../../../src/core/model/units.js';
import { makeDeviceFactory } from '../../../src/devices/factory.js';
import { CheckedDevice } from '../../../src/devices/filters/checked.js';
import { LeaseDevice } from '../../../src/devices/lease/lease-device.js';

class Desk {
  readonly clock = new VirtualClock();
  readonly device = new CheckedDevice(
    new LeaseDevice({ sizeBytes: MIB, blockBytes: 512, readOnly: false }, this.clock),
  );
  readonly ended: [code: string, message: string][] = [];

  constructor(leaseMs = 100) {
    this.device.configure(patchSettings(DEFAULT_SETTINGS, { leaseMs }));
  }

  submit(op: Op, takes = true): { io: DeviceIo; lease: Lease | null } {
    const out: { io: DeviceIo; lease: Lease | null } = { io: null as never, lease: null };
    const grant = (lease: Lease): boolean => {
      out.lease = lease;
      return takes;
    };
    out.io = { op, offset: 0, lengthBytes: 4_096, fua: false, data: null, submittedNs: 0, finishedNs: -1, grant };
    this.device.submit(out.io, (_io, code, message) => this.ended.push([code, message]));
    return out;
  }

  pass(ms: number): void {
    this.clock.runFor(ms * NS_PER_MS);
  }
}

test('a lease ends as its holder says, once', () => {
  const desk = new Desk();
  const { lease, io } = desk.submit(OPS.WRITE);
  expect(lease!.leaseMs).toBe(100);
  desk.pass(60);
  lease!.finish('DEVICE_IO', 'a bad block');
  lease!.finish('OK', '');
  desk.pass(1_000);
  expect(desk.ended).toEqual([['DEVICE_IO', 'a bad block']]);
  expect([io.finishedNs, lease!.revoked]).toEqual([60 * NS_PER_MS, '']);
});

test('it lasts for as long as it is renewed, and no longer', () => {
  const desk = new Desk();
  const { lease } = desk.submit(OPS.READ);
  for (let i = 0; i < 10; i++) {
    desk.pass(90);
    lease!.renew();
  }
  desk.pass(99);
  expect(desk.ended).toEqual([]);
  desk.pass(1);
  expect(desk.ended[0]).toEqual([
    'OUTCOME_UNKNOWN',
    'its lease ended: it was not renewed within lease_ms (100); whether the client has done its I/O is not known',
  ]);
  lease!.renew();
  lease!.finish('OK', '');
  desk.pass(1_000);
  expect(desk.ended).toHaveLength(1);
});

test('one whose time at the device is over is taken back; one that nobody takes is refused', () => {
  const desk = new Desk();
  const { io, lease } = desk.submit(OPS.TRIM);
  desk.device.abandon(io);
  expect([desk.ended[0]![0], lease!.revoked]).toEqual(['OUTCOME_UNKNOWN', 'io_timeout_ms passed']);
  desk.submit(OPS.READ, false);
  desk.pass(1);
  expect(desk.ended[1]).toEqual([
    'UNSUPPORTED',
    'a lease device serves clients that do the I/O themselves, over a stream',
  ]);
});

test('close waits for who holds one', async () => {
  const desk = new Desk();
  desk.submit(OPS.READ);
  const closing = desk.device.close();
  desk.pass(100);
  await closing;
  expect(desk.ended).toHaveLength(1);
});

test('a binding has a size and blocks that make sense', async () => {
  const open = (sizeBytes: number, blockBytes: number): Promise<unknown> =>
    makeDeviceFactory({ l: { type: 'lease', sizeBytes, blockBytes } }, new VirtualClock()).open('d', { binding: 'l' });
  expect(await open(MIB, 4_096)).toMatchObject({ sizeBytes: MIB, blockBytes: 4_096, leased: true });
  await expect(open(1_000, 512)).rejects.toThrow('size_bytes must be a multiple of block_bytes (512), got 1000');
  await expect(open(MIB, 1_000)).rejects.toThrow('block_bytes must be a power of two, got 1000');
});
