/** Transfers through io_uring, and through threads: one contract. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import { KIB, MIB } from '../../../src/core/model/units.js';
import { alignedBytes } from '../../../src/devices/file/aligned-pool.js';
import { openFileDevice } from '../../../src/devices/file/open.js';
import { RingTransfers } from '../../../src/devices/file/ring-transfers.js';
import { ThreadTransfers, type Transfers } from '../../../src/devices/file/transfers.js';
import { pattern } from '../../conformance/device-suite.js';
import { ROOT } from '../../support/service.js';
import { takesRing } from './perform.js';

const SIZE_BYTES = MIB;
let folder: string;
let file: string;
let fd: number;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-ring-'));
  file = path.join(folder, 'disk');
  writeFileSync(file, pattern(SIZE_BYTES, 1));
  fd = openSync(file, 'r+');
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true, force: true });
});

type Ended = [error: NodeJS.ErrnoException | null, bytes: number];
const reading = (transfers: Transfers, memory: Uint8Array, at: number, bytes: number, position: number) =>
  new Promise<Ended>((resolve) =>
    transfers.read(memory, at, bytes, position, (error, moved) => resolve([error, moved])),
  );
const writing = (transfers: Transfers, memory: Uint8Array, at: number, bytes: number, position: number) =>
  new Promise<Ended>((resolve) =>
    transfers.write(memory, at, bytes, position, (error, moved) => resolve([error, moved])),
  );

const MAKERS: [string, (fd: number) => Transfers][] = [['threads', (of) => new ThreadTransfers(of)]];
if (takesRing) MAKERS.push(['io_uring', (of) => RingTransfers.open(of)!]);

describe.each(MAKERS)('transfers through %s', (_name, make) => {
  it('move what was asked for, to and from where it was asked for', async () => {
    const transfers = make(fd);
    const memory = alignedBytes(128 * KIB);
    expect(await reading(transfers, memory, 4_096, 100, 5_000)).toEqual([null, 100]);
    expect(memory.subarray(4_096, 4_196)).toEqual(pattern(SIZE_BYTES, 1).subarray(5_000, 5_100));
    expect(memory.subarray(4_196, 4_300).every((byte) => byte === 0)).toBe(true);
    expect(await writing(transfers, memory, 4_096, 100, 70_000)).toEqual([null, 100]);
    expect(await new Promise((resolve) => transfers.sync(resolve))).toBe(null);
    expect(await reading(transfers, memory, 0, 100, 70_000)).toEqual([null, 100]);
    expect(memory.subarray(0, 100)).toEqual(memory.subarray(4_096, 4_196));
    transfers.close();
  });

  it('tell of the end of the file with what there was, past it with none', async () => {
    const transfers = make(fd);
    const memory = alignedBytes(64 * KIB);
    expect(await reading(transfers, memory, 0, 1_000, SIZE_BYTES - 10)).toEqual([null, 10]);
    expect(await reading(transfers, memory, 0, 1_000, SIZE_BYTES)).toEqual([null, 0]);
    // Beyond 4 GiB: the offset has two halves.
    expect(await writing(transfers, memory, 0, 1, 5 * 2 ** 32)).toEqual([null, 1]);
    expect(await reading(transfers, memory, 0, 1_000, 5 * 2 ** 32)).toEqual([null, 1]);
    transfers.close();
  });

  it('answer an error as node:fs would', async () => {
    const readOnly = openSync(file, 'r');
    const transfers = make(readOnly);
    const [error] = await writing(transfers, alignedBytes(64 * KIB), 0, 512, 0);
    expect(error).toMatchObject({ code: 'EBADF', message: 'EBADF: bad file descriptor, write', syscall: 'write' });
    transfers.close();
    closeSync(readOnly);
  });

  it('take any number at once, from callbacks too', async () => {
    const transfers = make(fd);
    const memory = alignedBytes(64 * KIB);
    const blocks = SIZE_BYTES / 512;
    let ended = 0;
    await new Promise<void>((resolve) => {
      const onRead = (error: NodeJS.ErrnoException | null, bytes: number): void => {
        expect([error, bytes]).toEqual([null, 512]);
        ended += 1;
        if (ended === 20_000) resolve();
        // Half as many again, each from a callback.
        if (ended <= 10_000) transfers.read(memory, 0, 512, (ended % blocks) * 512, onRead);
      };
      for (let i = 0; i < 10_000; i++) transfers.read(memory, 0, 512, (i % blocks) * 512, onRead);
    });
    transfers.close();
    expect(ended).toBe(20_000);
  });
});

describe.skipIf(!takesRing)('a ring', () => {
  it('shows what has ended a few at a time, so that a turn of the loop is short however much there is', async () => {
    const transfers = RingTransfers.open(fd)!;
    const memory = alignedBytes(64 * KIB);
    const endedIn: number[] = [];
    let turn = 0;
    await new Promise<void>((resolve) => {
      const next = (): void => {
        turn += 1;
        if (endedIn.length === 100) resolve();
        else setImmediate(next);
      };
      // From the page cache: all of them have ended by the first look.
      for (let i = 0; i < 100; i++) transfers.read(memory, 0, 512, i * 512, () => endedIn.push(turn));
      setImmediate(next);
    });
    transfers.close();
    const each = new Map<number, number>();
    for (const at of endedIn) each.set(at, (each.get(at) ?? 0) + 1);
    expect(Math.max(...each.values())).toBe(8);
    expect(each.size).toBe(Math.ceil(100 / 8));
  });
});

describe.skipIf(!takesRing)('a device on io_uring', () => {
  it('is refused where the file is not opened for direct I/O', async () => {
    const spec = { path: file, engine: 'ring', direct: false } as const;
    await expect(openFileDevice(spec, new RealClock())).rejects.toMatchObject({ code: 'UNSUPPORTED', field: 'engine' });
  });

  it('keeps its process while a request is out, and lets it end when none is', () => {
    const at = (name: string): string => JSON.stringify(pathToFileURL(path.join(ROOT, 'dist', name)).href);
    const script = `
      const { openFileDevice } = await import(${at('devices/file/open.js')});
      const { RealClock } = await import(${at('clock/real.js')});
      const spec = { path: ${JSON.stringify(file)}, direct: true, engine: 'ring', blockBytes: 4096 };
      const device = await openFileDevice(spec, new RealClock());
      const io = { op: 1, offset: 0, lengthBytes: 4096, fua: false, data: null, submittedNs: 0, finishedNs: -1 };
      device.submit(io, (_io, code) => console.log(code));`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(child).toMatchObject({ stdout: 'OK\n', status: 0 });
  });
});
