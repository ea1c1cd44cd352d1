/** When a file device answers: the system's answers are under the test's hand. */
import { open } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileHandle } from 'node:fs/promises';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { OPS, type DeviceIo } from '../../../src/core/model/request.js';
import { FileDevice } from '../../../src/devices/file/file-device.js';
import type { Transfers } from '../../../src/devices/file/transfers.js';

type Synced = (error: NodeJS.ErrnoException | null) => void;

class HeldTransfers implements Transfers {
  readonly writes: (() => void)[] = [];
  readonly syncs: Synced[] = [];

  read(): void {
    throw new Error('nothing is read here');
  }

  write(...[, , lengthBytes, , done]: Parameters<Transfers['write']>): void {
    this.writes.push(() => done(null, lengthBytes));
  }

  sync(done: Synced): void {
    this.syncs.push(done);
  }

  close(): void {
    return;
  }
}

let handle: FileHandle;
beforeAll(async () => {
  handle = await open('/dev/null');
});
afterAll(() => handle.close());

function begin(op: typeof OPS.WRITE | typeof OPS.WRITE_ZEROES, fua: boolean) {
  const transfers = new HeldTransfers();
  const parts = { sizeBytes: 8_192, blockBytes: 512, readOnly: false, pool: null, transfers };
  const device = new FileDevice(handle, null, new VirtualClock(), parts);
  const data = op === OPS.WRITE ? Buffer.alloc(512) : null;
  const io: DeviceIo = { op, offset: 0, lengthBytes: 512, fua, data, submittedNs: 0, finishedNs: -1 };
  const told: string[] = [];
  device.submit(io, (_, code, message) => told.push(`${code} ${message}`.trim()));
  transfers.writes.shift()!();
  return { transfers, told };
}

test.each([OPS.WRITE, OPS.WRITE_ZEROES])('operation %i with FUA is answered when a sync after it has ended', (op) => {
  const { transfers, told } = begin(op, true);
  expect([told, transfers.syncs.length]).toEqual([[], 1]);
  transfers.syncs[0]!(null);
  expect(told).toEqual(['OK']);
});

test('the error of that sync is the error of the write', () => {
  const { transfers, told } = begin(OPS.WRITE, true);
  transfers.syncs[0]!(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }));
  expect(told).toEqual([expect.stringMatching(/^DEVICE_IO .*fdatasync/)]);
});

test('without FUA nothing is synced', () => {
  const { transfers, told } = begin(OPS.WRITE, false);
  expect([told, transfers.syncs.length]).toEqual([['OK'], 0]);
});
