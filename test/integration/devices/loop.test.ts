/** The file device on block devices and on file systems that are full, of this machine's kernel. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import { OPS } from '../../../src/core/model/request.js';
import { KIB, MIB } from '../../../src/core/model/units.js';
import { openFileDevice, type FileSpec } from '../../../src/devices/file/open.js';
import type { FileDevice } from '../../../src/devices/file/file-device.js';
import { ioOf, pattern } from '../../conformance/device-suite.js';
import { LoopDevice, Mounted, canLoop, canMount } from '../../support/loop.js';
import { ROOT } from '../../support/service.js';
import { perform } from './perform.js';

const clock = new RealClock();
const devices: FileDevice[] = [];
const others: Disposable[] = [];

afterEach(async () => {
  for (const device of devices.splice(0)) await device.close();
  for (const other of others.splice(0).reverse()) other[Symbol.dispose]();
});

function own<T extends Disposable>(made: T): T {
  others.push(made);
  return made;
}

async function opened(spec: FileSpec): Promise<FileDevice> {
  const device = await openFileDevice(spec, clock);
  devices.push(device);
  return device;
}

describe.skipIf(!canLoop)('a block device', () => {
  it.each([512, 4_096])('of blocks of %i bytes tells its size and blocks, and keeps what is written', async (block) => {
    const loop = own(new LoopDevice(8 * MIB, '--sector-size', String(block)));
    const device = await opened({ path: loop.path });
    expect([device.sizeBytes, device.blockBytes, device.readOnly]).toEqual([8 * MIB, block, false]);
    const data = pattern(64 * KIB + block, 5);
    const write = { ...ioOf(OPS.WRITE, 8 * MIB - data.length, data.length, 0, data), fua: true };
    expect((await perform(device, write)).code).toBe('OK');
    expect((await perform(device, ioOf(OPS.WRITE_ZEROES, 0, MIB, 0))).code).toBe('OK');
    expect((await perform(device, ioOf(OPS.FLUSH, 0, 0, 0))).code).toBe('OK');
    const read = await perform(device, ioOf(OPS.READ, write.offset, data.length, 0));
    expect(data.equals(read.io.data!)).toBe(true);
    expect(readFileSync(loop.backing).subarray(write.offset).equals(data)).toBe(true);
    expect((await perform(device, ioOf(OPS.TRIM, 0, MIB, 0))).code).toBe('UNSUPPORTED');
  });

  it('is opened past the page cache unless told otherwise', async () => {
    const loop = own(new LoopDevice(MIB, '--sector-size', '4096'));
    // Only O_DIRECT minds that the blocks asked for are smaller than those of the device.
    const small = { path: loop.path, blockBytes: 512 };
    await expect(openFileDevice(small, clock)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'block_bytes',
      message: `block_bytes must be at least 4096, what direct I/O on ${loop.path} needs (or direct false), got 512`,
    });
    const device = await opened({ ...small, direct: false });
    const data = pattern(512, 1);
    await perform(device, ioOf(OPS.WRITE, 512, 512, 0, data));
    expect(data.equals((await perform(device, ioOf(OPS.READ, 512, 512, 0))).io.data!)).toBe(true);
  });

  it('that is read-only is served so, by any number', async () => {
    const loop = own(new LoopDevice(MIB, '--read-only'));
    const [first, second] = [await opened({ path: loop.path }), await opened({ path: loop.path })];
    for (const device of [first, second]) {
      expect(device.readOnly).toBe(true);
      expect((await perform(device, ioOf(OPS.READ, 0, 4 * KIB, 0))).code).toBe('OK');
    }
    for (const op of [OPS.WRITE, OPS.WRITE_ZEROES]) {
      const { code } = await perform(first, ioOf(op, 0, 512, 0, op === OPS.WRITE ? Buffer.alloc(512) : null));
      expect(code).toBe('READ_ONLY');
    }
  });

  it('that is not the one meant is refused by size and by identity', async () => {
    const loop = own(new LoopDevice(MIB));
    await expect(openFileDevice({ path: loop.path, sizeBytes: 2 * MIB }, clock)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: `size_bytes must be the size of ${loop.path} (1048576), got 2097152`,
    });
    await expect(openFileDevice({ path: loop.path, uuid: 'naa.5000c500' }, clock)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: `uuid must be that of ${loop.path} ("none"), got "naa.5000c500"`,
    });
  });

  it('that another process of ours has is busy, and the error names the process', async () => {
    const loop = own(new LoopDevice(MIB));
    const at = (file: string): string => JSON.stringify(pathToFileURL(join(ROOT, 'dist', file)).href);
    const program = `
      const { openFileDevice } = await import(${at('devices/file/open.js')});
      const { RealClock } = await import(${at('clock/real.js')});
      const device = await openFileDevice({ path: ${JSON.stringify(loop.path)} }, new RealClock());
      console.log('open');
      process.stdin.once('data', async () => { await device.close(); process.exit(0); });`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      await expect(openFileDevice({ path: loop.path }, clock)).rejects.toMatchObject({
        code: 'DEVICE_IO',
        field: 'path',
        message: expect.stringContaining(`${loop.path} is in use by process ${String(holder.pid)} on `) as string,
      });
      // Who only reads disturbs nobody.
      await opened({ path: loop.path, readOnly: true });
      holder.stdin.write('end\n');
      await once(holder, 'exit');
      await opened({ path: loop.path });
    } finally {
      holder.kill('SIGKILL');
    }
  });

  it('that has shrunk answers with an error what lies past its end', async () => {
    const loop = own(new LoopDevice(2 * MIB));
    const device = await opened({ path: loop.path });
    loop.shrink(MIB);
    expect((await perform(device, ioOf(OPS.READ, 0, MIB, 0))).code).toBe('OK');
    const read = await perform(device, ioOf(OPS.READ, MIB - 4 * KIB, 8 * KIB, 0));
    expect([read.code, read.message]).toEqual([
      'DEVICE_IO',
      'the file has come to its end at 1048576: it was cut while in use',
    ]);
    const write = await perform(device, ioOf(OPS.WRITE, MIB, 4 * KIB, 0, Buffer.alloc(4 * KIB, 1)));
    expect(write.code).toBe('NO_SPACE');
  });

  it('answers an error of the disk below as one of the request', async () => {
    const loop = own(new LoopDevice(2 * MIB));
    const device = await opened({ path: loop.path });
    // The device keeps its size; what is below it has gone.
    writeFileSync(loop.backing, Buffer.alloc(MIB, 7));
    const gone = await perform(device, ioOf(OPS.READ, MIB, 4 * KIB, 0));
    expect(gone.code).toBe('DEVICE_IO');
    expect(gone.message).toContain('EIO');
    const there = await perform(device, ioOf(OPS.READ, 0, 4 * KIB, 0));
    expect([there.code, there.io.data![0]]).toEqual(['OK', 7]);
  });
});

describe.skipIf(!canMount)('where there is a file system', () => {
  it('on the block device, the device is busy', async () => {
    const loop = own(new LoopDevice(8 * MIB));
    own(Mounted.ext4(loop.path));
    await expect(openFileDevice({ path: loop.path }, clock)).rejects.toMatchObject({
      code: 'DEVICE_IO',
      field: 'path',
      message: expect.stringContaining(
        `${loop.path} is busy: it is mounted, or another program holds it (EBUSY`,
      ) as string,
    });
  });

  it.each(['ext4', 'tmpfs'] as const)(
    'that is full, a write to a file in %s ends NO_SPACE and reads go on',
    async (type) => {
      const room = type === 'tmpfs' ? Mounted.tmpfs(8 * MIB) : Mounted.ext4(own(new LoopDevice(8 * MIB)).path);
      own(room);
      // Sparse: it is larger than what is there to hold it. Old kernels have no O_DIRECT in tmpfs.
      const device = await opened({
        path: join(room.folder, 'disk'),
        create: true,
        sizeBytes: 64 * MIB,
        direct: type === 'ext4',
      });
      const ends = [];
      for (let i = 0; i < 16; i++) ends.push(await perform(device, ioOf(OPS.WRITE, i * MIB, MIB, 0, pattern(MIB, i))));
      const full = ends.findIndex(({ code }) => code !== 'OK');
      expect(full).toBeGreaterThan(2);
      expect(new Set(ends.slice(full).map(({ code }) => code))).toEqual(new Set(['NO_SPACE']));
      expect(ends[full]!.message).toContain('ENOSPC');
      for (let i = 0; i < full; i++) {
        const { io } = await perform(device, ioOf(OPS.READ, i * MIB, MIB, 0));
        expect(pattern(MIB, i).equals(io.data!)).toBe(true);
      }
    },
  );
});
