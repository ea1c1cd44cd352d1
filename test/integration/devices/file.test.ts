import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import { OPS } from '../../../src/core/model/request.js';
import { KIB, MIB } from '../../../src/core/model/units.js';
import type { BlockDevice } from '../../../src/core/ports.js';
import { openFileDevice, type FileSpec } from '../../../src/devices/file/open.js';
import { ThreadTransfers } from '../../../src/devices/file/transfers.js';
import { ioOf, pattern } from '../../conformance/device-suite.js';
import { perform } from './perform.js';

const clock = new RealClock();
let folder: string;
let file: string;
const devices: BlockDevice[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-file-'));
  file = path.join(folder, 'disk');
});
afterEach(async () => {
  for (const device of devices.splice(0)) await device.close();
  await rm(folder, { recursive: true, force: true });
});

async function opened(spec: Partial<FileSpec> = {}): Promise<BlockDevice> {
  const device = await openFileDevice({ path: file, ...spec }, clock);
  devices.push(device);
  return device;
}

async function close(device: BlockDevice): Promise<void> {
  devices.splice(devices.indexOf(device), 1);
  await device.close();
}

const lock = (): string => `${file}.sluice-lock`;

describe('a file device', () => {
  it('keeps what was written over close and open, and holes read as zeros', async () => {
    const first = await opened({ create: true, sizeBytes: 8 * MIB });
    const data = pattern(64 * KIB, 3);
    expect((await perform(first, ioOf(OPS.WRITE, 4 * MIB, data.length, 0, data))).code).toBe('OK');
    await close(first);
    const again = await opened();
    expect(data.equals((await perform(again, ioOf(OPS.READ, 4 * MIB, data.length, 0))).io.data!)).toBe(true);
    const hole = await perform(again, ioOf(OPS.READ, 0, MIB, 0));
    expect(Buffer.alloc(MIB).equals(hole.io.data!)).toBe(true);
    expect((await readFile(file)).subarray(4 * MIB, 4 * MIB + data.length).equals(data)).toBe(true);
  });

  it('writes zeros over a range longer than its chunks', async () => {
    await writeFile(file, Buffer.alloc(5 * MIB, 0xab));
    const device = await opened();
    expect((await perform(device, ioOf(OPS.WRITE_ZEROES, 512, 3 * MIB + 512, 0))).code).toBe('OK');
    await close(device);
    const content = await readFile(file);
    expect(content.subarray(512, 3 * MIB + 1_024).every((byte) => byte === 0)).toBe(true);
    expect(content[511]).toBe(0xab);
    expect(content[3 * MIB + 1_024]).toBe(0xab);
  });

  it('reads and refuses to write where it is read-only', async () => {
    await writeFile(file, Buffer.alloc(8 * KIB, 4));
    const device = await opened({ readOnly: true });
    expect(device.readOnly).toBe(true);
    expect((await perform(device, ioOf(OPS.READ, 0, 512, 0))).io.data![0]).toBe(4);
    for (const op of [OPS.WRITE, OPS.WRITE_ZEROES]) {
      const { code } = await perform(device, ioOf(op, 0, 512, 0, op === OPS.WRITE ? Buffer.alloc(512) : null));
      expect(code).toBe('READ_ONLY');
    }
    // Nothing to lock: any number may read.
    await opened({ readOnly: true });
  });

  it('answers DEVICE_IO with the reason where the file was cut under it', async () => {
    const device = await opened({ create: true, sizeBytes: MIB });
    await truncate(file, 64 * KIB);
    const { code, message } = await perform(device, ioOf(OPS.READ, 60 * KIB, 8 * KIB, 0));
    expect(code).toBe('DEVICE_IO');
    expect(message).toContain('65536');
  });

  it('answers NO_SPACE with the errno where there is none left', async () => {
    const handle = await open('/dev/full', 'r+');
    const { FileDevice } = await import('../../../src/devices/file/file-device.js');
    const device = new FileDevice(handle, null, clock, {
      sizeBytes: MIB,
      blockBytes: 512,
      readOnly: false,
      pool: null,
      transfers: new ThreadTransfers(handle.fd),
    });
    devices.push(device);
    const { code, message } = await perform(device, ioOf(OPS.WRITE, 0, 512, 0, Buffer.alloc(512, 1)));
    expect(code).toBe('NO_SPACE');
    expect(message).toContain('ENOSPC');
  });
});

describe('the lock of a file device', () => {
  it('lets a second one in only when the first has closed, by whatever name', async () => {
    const first = await opened({ create: true, sizeBytes: MIB });
    await symlink(file, path.join(folder, 'alias'));
    for (const name of ['disk', 'alias']) {
      await expect(openFileDevice({ path: path.join(folder, name) }, clock)).rejects.toMatchObject({
        code: 'DEVICE_IO',
        message: expect.stringContaining(`is in use by process ${String(process.pid)} on ${os.hostname()}`) as string,
      });
    }
    await close(first);
    await close(await opened());
    expect((await readdir(folder)).sort()).toEqual(['alias', 'disk']);
  });

  it('lets exactly one of many in at once', async () => {
    await writeFile(file, Buffer.alloc(MIB));
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => opened()));
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  });

  it('takes over from a process that is gone, or whose pid another process has now', async () => {
    await close(await opened({ create: true, sizeBytes: MIB }));
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    const mine = await heldLock();
    for (const change of [{ pid: child.pid }, { started: '1' }, { boot: 'an earlier one' }]) {
      await writeFile(lock(), JSON.stringify({ ...mine, nonce: 'old', ...change }));
      await close(await opened());
    }
    expect(await readdir(folder)).toEqual(['disk']);
  });

  it('keeps out where it cannot tell whether the holder runs, and says what to do', async () => {
    await close(await opened({ create: true, sizeBytes: MIB }));
    const mine = await heldLock();
    for (const text of [
      JSON.stringify({ ...mine, host: 'another' }),
      JSON.stringify({ ...mine, namespace: 'pid:[1]' }),
      'no JSON',
      '',
    ]) {
      await writeFile(lock(), text);
      await expect(openFileDevice({ path: file }, clock)).rejects.toMatchObject({
        code: 'DEVICE_IO',
        message: expect.stringContaining('if not, remove that file') as string,
      });
      expect(await readFile(lock(), 'utf8')).toBe(text);
    }
  });

  it('leaves a lock that another has taken over', async () => {
    const device = await opened({ create: true, sizeBytes: MIB });
    const other = JSON.stringify({ ...(JSON.parse(await readFile(lock(), 'utf8')) as object), nonce: 'another' });
    await writeFile(lock(), other);
    await close(device);
    expect(await readFile(lock(), 'utf8')).toBe(other);
  });
});

async function heldLock(): Promise<object> {
  const device = await opened();
  const holder = JSON.parse(await readFile(lock(), 'utf8')) as object;
  await close(device);
  return holder;
}
