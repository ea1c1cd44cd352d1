import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { DEFAULT_SIMULATION } from '../../../src/core/model/device.js';
import { OPS } from '../../../src/core/model/request.js';
import { KIB, MIB } from '../../../src/core/model/units.js';
import { makeDeviceFactory, type BindingSpec } from '../../../src/devices/factory.js';
import { describeBlockSpecial } from '../../../src/devices/file/block-special.js';
import { CheckedDevice } from '../../../src/devices/filters/checked.js';
import { ioOf } from '../../conformance/device-suite.js';

const clock = new RealClock();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-factory-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const openFile = (spec: Omit<Extract<BindingSpec, { type: 'file' }>, 'type'>) =>
  makeDeviceFactory({ disk: { type: 'file', ...spec } }, clock).open('disk0', { binding: 'disk' });

describe('makeDeviceFactory', () => {
  it('opens bindings and simulations, each checked', async () => {
    const file = path.join(folder, 'disk');
    const simulation = { ...DEFAULT_SIMULATION, kind: 'ssd' as const };
    const factory = makeDeviceFactory(
      { a: { type: 'file', path: file, create: true, sizeBytes: MIB }, b: { type: 'simulation', simulation } },
      clock,
    );
    expect(factory.bindings()).toEqual(['a', 'b']);
    const targets = [
      { binding: 'a' },
      { binding: 'b' },
      { simulation },
      { simulation: { ...simulation, kind: 'hdd' } },
      { simulation: { ...simulation, kind: 'null' } },
    ] as const;
    const sizes = [];
    for (const target of targets) {
      const device = await factory.open('disk0', target);
      expect(device).toBeInstanceOf(CheckedDevice);
      sizes.push(device.sizeBytes);
      await device.close();
    }
    expect(sizes).toEqual([MIB, ...new Array<number>(4).fill(DEFAULT_SIMULATION.sizeBytes)]);
  });

  it('names the binding that is not there, and those that are', async () => {
    await expect(makeDeviceFactory({}, clock).open('d', { binding: 'x' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      field: 'binding',
      message: 'this host has no binding "x": it has none',
    });
    const other: BindingSpec = { type: 'file', path: '/nowhere' };
    await expect(makeDeviceFactory({ y: other }, clock).open('d', { binding: 'constructor' })).rejects.toMatchObject({
      message: 'this host has no binding "constructor": it has y',
    });
  });

  it.each(['hdd', 'ssd'] as const)(
    'gives a file the times of the simulated %s where its binding says so',
    async (delay) => {
      const virtual = new VirtualClock();
      const binding: BindingSpec = {
        type: 'file',
        path: path.join(folder, 'disk'),
        create: true,
        sizeBytes: 64 * MIB,
        delay,
      };
      const factory = makeDeviceFactory({ a: binding }, virtual);
      const ends: number[] = [];
      const simulation = { ...DEFAULT_SIMULATION, kind: delay, sizeBytes: 64 * MIB };
      for (const target of [{ binding: 'a' }, { simulation }]) {
        const device = await factory.open('disk0', target);
        await new Promise<void>((resolve) => {
          device.submit(ioOf(OPS.READ, 40 * MIB, 4 * KIB, 0), (io, code) => {
            expect(code).toBe('OK');
            ends.push(io.finishedNs);
            resolve();
          });
          virtual.run();
        });
        await device.close();
      }
      expect(ends[0]).toBeGreaterThan(0);
      // Each model begins at its own rest: what the clock shows by then does not count, submittedNs does.
      expect(ends[1]).toBe(ends[0]);
    },
  );

  it('refuses a simulation that makes no sense', async () => {
    const simulation = { ...DEFAULT_SIMULATION, kind: 'hdd' as const, blockBytes: 1_000 };
    await expect(makeDeviceFactory({}, clock).open('d', { simulation })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'simulation.block_bytes',
    });
  });
});

describe('a file binding', () => {
  it('takes what is there as it is, with the blocks it is told', async () => {
    const file = path.join(folder, 'disk');
    await writeFile(file, Buffer.alloc(64 * KIB));
    for (const blockBytes of [512, 4 * KIB, 64 * KIB]) {
      const device = await openFile({ path: file, blockBytes });
      expect([device.sizeBytes, device.blockBytes, device.readOnly]).toEqual([64 * KIB, blockBytes, false]);
      await device.close();
    }
    const device = await openFile({ path: file, create: true, sizeBytes: 64 * KIB, readOnly: false });
    expect(device.blockBytes).toBe(512);
    await device.close();
  });

  it.each([
    ['no path', { path: '' }, 'INVALID_ARGUMENT', 'path', 'path must be the path of a file or block device, got ""'],
    ['odd blocks', { path: 'x', blockBytes: 1_000 }, 'INVALID_ARGUMENT', 'block_bytes', 'got 1000'],
    ['too large blocks', { path: 'x', blockBytes: 131_072 }, 'INVALID_ARGUMENT', 'block_bytes', '512..65536'],
    ['an unaligned size', { path: 'x', sizeBytes: 1_000 }, 'INVALID_ARGUMENT', 'size_bytes', 'got 1000'],
    ['create without a size', { path: 'x', create: true }, 'INVALID_ARGUMENT', 'size_bytes', 'got undefined'],
    [
      'create read-only',
      { path: 'x', create: true, sizeBytes: 512, readOnly: true },
      'INVALID_ARGUMENT',
      'create',
      'read_only',
    ],
    ['no such file', { path: '/nowhere/at/all' }, 'DEVICE_IO', 'path', '/nowhere/at/all does not open: ENOENT'],
    ['a folder', { path: os.tmpdir() }, 'DEVICE_IO', 'path', 'EISDIR'],
    [
      'a folder, read-only',
      { path: os.tmpdir(), readOnly: true },
      'INVALID_ARGUMENT',
      'path',
      'a regular file or a block device',
    ],
    [
      'no room for a file',
      { path: '/proc/x', create: true, sizeBytes: 512 },
      'DEVICE_IO',
      'path',
      '/proc/x does not open',
    ],
  ])('refuses %s', async (_name, spec, code, field, message) => {
    await expect(openFile(spec)).rejects.toMatchObject({
      code,
      field,
      message: expect.stringContaining(message) as string,
    });
  });

  it('refuses a file that is not what the binding says', async () => {
    const file = path.join(folder, 'disk');
    await writeFile(file, Buffer.alloc(64 * KIB));
    await expect(openFile({ path: file, sizeBytes: 32 * KIB })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'size_bytes',
      message: `size_bytes must be the size of ${file} (65536), got 32768`,
    });
    await expect(openFile({ path: file, uuid: 'u' })).rejects.toMatchObject({ code: 'UNSUPPORTED', field: 'uuid' });
    await truncate(file, 1_000);
    await expect(openFile({ path: file })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'path' });
    await truncate(file, 0);
    await expect(openFile({ path: file })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'path' });
  });
});

describe('describeBlockSpecial', () => {
  it('reads size, blocks, protection and identity from sysfs, of disks and of partitions', async () => {
    // 259:1 and, past the eight bits of either old field, 300:70000.
    const disk = path.join(folder, 'dev/block/259:1');
    await mkdir(path.join(disk, 'queue'), { recursive: true });
    await mkdir(path.join(disk, 'device'));
    await writeFile(path.join(disk, 'size'), '2048\n');
    await writeFile(path.join(disk, 'ro'), '1\n');
    await writeFile(path.join(disk, 'queue/logical_block_size'), '4096\n');
    await writeFile(path.join(disk, 'device/wwid'), 'naa.5000c500\n');
    const rdev = (major: number, minor: number): number =>
      (major & 0xfff) * 2 ** 8 + (minor & 0xff) + Math.floor(minor / 256) * 2 ** 20;
    await expect(describeBlockSpecial(rdev(259, 1), folder)).resolves.toEqual({
      sizeBytes: MIB,
      logicalBlockBytes: 4_096,
      readOnly: true,
      uuid: 'naa.5000c500',
    });
    const other = path.join(folder, 'dev/block/300:70000');
    await mkdir(other, { recursive: true });
    await writeFile(path.join(other, 'size'), '8\n');
    await expect(describeBlockSpecial(rdev(300, 70_000), folder)).resolves.toEqual({
      sizeBytes: 4_096,
      logicalBlockBytes: 512,
      readOnly: false,
      uuid: null,
    });
    await expect(describeBlockSpecial(rdev(1, 1), folder)).rejects.toMatchObject({ code: 'DEVICE_IO' });
  });
});
