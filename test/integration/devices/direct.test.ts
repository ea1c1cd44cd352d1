/** Direct I/O on regular files. */
import { constants, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import { OPS } from '../../../src/core/model/request.js';
import { KIB, MIB } from '../../../src/core/model/units.js';
import type { FileDevice } from '../../../src/devices/file/file-device.js';
import { openFileDevice, type FileSpec } from '../../../src/devices/file/open.js';
import { ioOf, pattern } from '../../conformance/device-suite.js';
import { perform, takesDirect } from './perform.js';

const clock = new RealClock();
let folder: string;
let file: string;
const devices: FileDevice[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-direct-'));
  file = path.join(folder, 'disk');
});
afterEach(async () => {
  for (const device of devices.splice(0)) await device.close();
  await rm(folder, { recursive: true, force: true });
});

async function opened(spec: Partial<FileSpec> = {}): Promise<FileDevice> {
  const device = await openFileDevice({ path: file, ...spec }, clock);
  devices.push(device);
  return device;
}

/** Of each descriptor that this process has of the file, whether it is O_DIRECT (proc(5)). */
function directDescriptors(): boolean[] {
  const found: boolean[] = [];
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== file) continue;
    } catch {
      // The one that lists the folder has been closed again.
      continue;
    }
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!;
    found.push((parseInt(flags, 8) & constants.O_DIRECT) !== 0);
  }
  return found;
}

describe.skipIf(!takesDirect)('a file device with direct I/O', () => {
  it('is what a regular file gets when asked, and not otherwise', async () => {
    await opened({ create: true, sizeBytes: MIB, direct: true });
    expect(directDescriptors()).toEqual([true]);
    await devices.pop()!.close();
    for (const spec of [{}, { direct: false }]) {
      await opened(spec);
      expect(directDescriptors()).toEqual([false]);
      await devices.pop()!.close();
    }
  });

  it('moves more than a buffer holds in parts, and leaves all around as it was', async () => {
    await writeFile(file, Buffer.alloc(8 * MIB, 0xab));
    const device = await opened({ direct: true });
    const data = pattern(3 * MIB + 2 * device.blockBytes, 9);
    const at = device.blockBytes;
    // A plain Uint8Array, and one that begins within its memory: neither is a Buffer of its own.
    const plain = new Uint8Array(data.length + 5).subarray(5);
    plain.set(data);
    expect((await perform(device, ioOf(OPS.WRITE, at, data.length, 0, plain))).code).toBe('OK');
    const place = new Uint8Array(data.length);
    expect((await perform(device, ioOf(OPS.READ, at, data.length, 0, place))).io.data).toBe(place);
    expect(data.equals(place)).toBe(true);
    expect(data.equals((await perform(device, ioOf(OPS.READ, at, data.length, 0))).io.data!)).toBe(true);
    expect((await perform(device, ioOf(OPS.WRITE_ZEROES, 5 * MIB, 2 * MIB + at, 0))).code).toBe('OK');
    const wanted = Buffer.alloc(8 * MIB, 0xab);
    data.copy(wanted, at);
    wanted.fill(0, 5 * MIB, 7 * MIB + at);
    expect((await readFile(file)).equals(wanted)).toBe(true);
  });

  it('serves more at once than its buffers hold, each with its own data', async () => {
    const device = await opened({ create: true, sizeBytes: 128 * MIB, direct: true });
    // 96 MiB by way of 32, small ones in between.
    const writes = Array.from({ length: 96 }, (_, i) => pattern(i % 3 === 1 ? device.blockBytes : MIB, i));
    const written = await Promise.all(
      writes.map((data, i) => perform(device, ioOf(OPS.WRITE, i * MIB, data.length, 0, data))),
    );
    expect(new Set(written.map(({ code }) => code))).toEqual(new Set(['OK']));
    const reads = await Promise.all(writes.map((data, i) => perform(device, ioOf(OPS.READ, i * MIB, data.length, 0))));
    for (const [i, { io }] of reads.entries()) expect(writes[i]!.equals(io.data!), `request ${String(i)}`).toBe(true);
  });

  it('hands out memory of the request alone: later requests do not change what was read', async () => {
    const device = await opened({ create: true, sizeBytes: MIB, direct: true });
    const block = device.blockBytes;
    const first = pattern(block, 1);
    await perform(device, ioOf(OPS.WRITE, 0, block, 0, first));
    const { io } = await perform(device, ioOf(OPS.READ, 0, block, 0));
    for (let i = 1; i < 8; i++) await perform(device, ioOf(OPS.WRITE, i * block, block, 0, pattern(block, 100 + i)));
    expect(first.equals(io.data!)).toBe(true);
  });

  it('answers DEVICE_IO with the place where the file was cut, within a block too', async () => {
    const device = await opened({ create: true, sizeBytes: MIB, direct: true });
    await truncate(file, 60 * KIB + 100);
    const { code, message } = await perform(device, ioOf(OPS.READ, 56 * KIB, 16 * KIB, 0));
    expect(code).toBe('DEVICE_IO');
    expect(message).toContain(String(60 * KIB + 100));
  });
});

describe('a binding that asks for direct I/O', () => {
  it('is told why where the file system refuses', async () => {
    // procfs has none on any kernel.
    const spec = { path: '/proc/self/status', readOnly: true, direct: true };
    await expect(openFileDevice(spec, clock)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      field: 'direct',
      message: expect.stringMatching(
        /^direct must be false for \/proc\/self\/status: its file system refuses O_DIRECT/,
      ) as string,
    });
  });

  it('leaves no file behind that it made and could not serve', async () => {
    const spec = { path: file, create: true, sizeBytes: 1_536, direct: true, blockBytes: 512 };
    await writeFile(`${file}.sluice-lock`, 'held by no JSON');
    await expect(openFileDevice(spec, clock)).rejects.toThrow();
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
