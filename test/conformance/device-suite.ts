/** What every BlockDevice has to do, whoever makes it. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Code } from '../../src/core/model/errors.js';
import { OPS, type DeviceIo, type Op } from '../../src/core/model/request.js';
import type { BlockDevice, Clock } from '../../src/core/ports.js';
import { CheckedDevice } from '../../src/devices/filters/checked.js';

export interface DeviceUnderTest {
  readonly device: BlockDevice;
  readonly clock: Clock;
  /** Lets virtual time go on until nothing is outstanding; nothing to do on the real clock. */
  readonly settle: () => void;
  readonly dispose: () => Promise<void>;
}

export interface DeviceFlags {
  /** What was written is read again; else reads give zeros. */
  readonly keepsData: boolean;
  /** What a range that was trimmed reads as: `any` = as the device likes. */
  readonly trim: 'zeros' | 'any' | 'unsupported';
  /** Histories to try. */
  readonly runs: number;
  /** Requests one after the other, where each takes long. */
  readonly nesting?: number;
}

interface Step {
  readonly op: Op;
  /** In blocks. */
  readonly at: number;
  readonly blocks: number;
  readonly fill: number;
  readonly fua: boolean;
  readonly ownPlace: boolean;
}

interface Ended {
  readonly io: DeviceIo;
  readonly code: Code;
  readonly message: string;
}

/** Blocks at either end of the device that histories touch. */
const WINDOW = 48;

export function ioOf(op: Op, offset: number, lengthBytes: number, submittedNs: number, data: Uint8Array | null = null) {
  return { op, offset, lengthBytes, fua: false, data, submittedNs, finishedNs: -1 } as DeviceIo & { fua: boolean };
}

export function deviceConformance(name: string, make: () => Promise<DeviceUnderTest>, flags: DeviceFlags): void {
  describe(`device conformance: ${name}`, () => {
    let made: DeviceUnderTest;
    let device: CheckedDevice;
    let closed: boolean;

    const fresh = async (): Promise<void> => {
      made = await make();
      device = new CheckedDevice(made.device);
      closed = false;
    };
    const tidy = async (): Promise<void> => {
      if (!closed) await device.close();
      await made.dispose();
    };
    beforeEach(fresh);
    afterEach(tidy);

    /** Submits all at once; resolves when all have ended. */
    const perform = async (...ios: DeviceIo[]): Promise<Ended[]> => {
      const ended: Ended[] = [];
      const all = new Promise<void>((resolve) => {
        for (const io of ios) {
          device.submit(io, (done, code, message) => {
            ended.push({ io: done, code, message });
            if (ended.length === ios.length) resolve();
          });
        }
      });
      made.settle();
      await all;
      return ended;
    };
    const now = (): number => made.clock.nowNs();
    const write = (offset: number, data: Uint8Array): DeviceIo => ioOf(OPS.WRITE, offset, data.length, now(), data);
    const read = (offset: number, bytes: number): DeviceIo => ioOf(OPS.READ, offset, bytes, now());

    it('has a size in whole blocks', () => {
      expect(device.blockBytes).toBeGreaterThanOrEqual(512);
      expect(device.sizeBytes % device.blockBytes).toBe(0);
    });

    it('reads zeros where nothing was written, and the last block of the device', async () => {
      const { sizeBytes, blockBytes } = device;
      for (const offset of [0, sizeBytes - blockBytes]) {
        const [ended] = await perform(read(offset, blockBytes));
        expect(ended!.code).toBe('OK');
        expect(Buffer.from(ended!.io.data!)).toEqual(Buffer.alloc(blockBytes));
      }
    });

    it('reads into the place that the request brings', async () => {
      const place = Buffer.alloc(device.blockBytes, 0xee);
      const [ended] = await perform(ioOf(OPS.READ, 0, place.length, now(), place));
      expect(ended!.io.data).toBe(place);
      expect(place.equals(Buffer.alloc(place.length))).toBe(true);
    });

    it('agrees with a byte model over random histories', async () => {
      const { sizeBytes, blockBytes } = device;
      const step: fc.Arbitrary<Step> = fc.record({
        op: fc.constantFrom(OPS.READ, OPS.READ, OPS.WRITE, OPS.WRITE, OPS.FLUSH, OPS.TRIM, OPS.WRITE_ZEROES),
        at: fc.nat(2 * WINDOW - 1),
        blocks: fc.integer({ min: 1, max: 20 }),
        fill: fc.nat(255),
        fua: fc.boolean(),
        ownPlace: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          await tidy();
          await fresh();
          // The first and the last blocks of the device, side by side.
          const model = Buffer.alloc(2 * WINDOW * blockBytes);
          for (const { op, at, blocks, fill, fua, ownPlace } of steps) {
            const end = Math.min(at + blocks, at < WINDOW ? WINDOW : 2 * WINDOW);
            const bytes = (end - at) * blockBytes;
            const offset = at < WINDOW ? at * blockBytes : sizeBytes - (2 * WINDOW - at) * blockBytes;
            const part = model.subarray(at * blockBytes, end * blockBytes);
            const io = ioOf(op, offset, bytes, now());
            io.fua = fua;
            if (op === OPS.WRITE) io.data = pattern(bytes, fill);
            if (op === OPS.READ && ownPlace) io.data = Buffer.alloc(bytes, 0xdd);
            const [ended] = await perform(op === OPS.FLUSH ? ioOf(op, 0, 0, now()) : io);
            if (op === OPS.TRIM && flags.trim === 'unsupported') {
              expect(ended!.code).toBe('UNSUPPORTED');
              continue;
            }
            expect(ended!.code).toBe('OK');
            if (op === OPS.TRIM && flags.trim === 'any') {
              const [zeroed] = await perform(ioOf(OPS.WRITE_ZEROES, offset, bytes, now()));
              expect(zeroed!.code).toBe('OK');
            }
            if (op === OPS.READ) expect(part.equals(ended!.io.data!)).toBe(true);
            else if (op === OPS.WRITE && flags.keepsData) part.set(io.data!);
            else if (op === OPS.TRIM || op === OPS.WRITE_ZEROES) part.fill(0);
          }
        }),
        { numRuns: flags.runs },
      );
    });

    it('serves many at once, each with its own data, and ends each once', async () => {
      const { blockBytes, sizeBytes } = device;
      const spread = Math.floor(sizeBytes / 64 / blockBytes) * blockBytes;
      const writes = Array.from({ length: 64 }, (_, i) => write(i * spread, pattern(blockBytes * (1 + (i % 4)), i)));
      const written = await perform(...writes, ioOf(OPS.FLUSH, 0, 0, now()));
      expect(written.map(({ code }) => code)).toEqual(new Array(65).fill('OK'));
      const reads = await perform(...writes.map((io) => read(io.offset, io.lengthBytes)));
      for (const { io, code } of reads) {
        expect(code).toBe('OK');
        const wanted = writes.find(({ offset }) => offset === io.offset)!.data!;
        expect(Buffer.from(io.data!).equals(flags.keepsData ? wanted : Buffer.alloc(wanted.length))).toBe(true);
      }
    });

    it('lets a read that overlaps an outstanding write see the old or the new, block by block', async () => {
      const { blockBytes } = device;
      const bytes = 8 * blockBytes;
      await perform(write(0, Buffer.alloc(bytes, 1)));
      const overlapping = read(0, bytes);
      await perform(write(0, Buffer.alloc(bytes, 2)), overlapping);
      const allowed = flags.keepsData ? [1, 2] : [0];
      for (let at = 0; at < bytes; at += blockBytes) expect(allowed).toContain(overlapping.data![at]);
      const after = read(0, bytes);
      await perform(after);
      expect(Buffer.from(after.data!)).toEqual(Buffer.alloc(bytes, flags.keepsData ? 2 : 0));
    });

    it('ends no request before it began, and takes requests from within done', async () => {
      const { blockBytes } = device;
      let left = 300;
      await new Promise<void>((resolve) => {
        const next = (done: DeviceIo): void => {
          expect(done.finishedNs).toBeGreaterThanOrEqual(done.submittedNs);
          expect(done.finishedNs).toBeLessThanOrEqual(made.clock.nowNs());
          left -= 1;
          if (left === 0) resolve();
          else if (left >= 16)
            device.submit(ioOf(OPS.READ, (left % 50) * blockBytes, blockBytes, done.finishedNs), next);
        };
        for (let i = 0; i < 16; i++) device.submit(read(i * blockBytes, blockBytes), next);
        made.settle();
      });
      expect(left).toBe(0);
    });

    it('does not nest as deep as a backlog is long', async () => {
      const { blockBytes } = device;
      const op = flags.trim === 'unsupported' ? OPS.TRIM : OPS.WRITE_ZEROES;
      let left = flags.nesting ?? 20_000;
      await new Promise<void>((resolve) => {
        const next = (done: DeviceIo): void => {
          left -= 1;
          if (left === 0) resolve();
          else device.submit(ioOf(op, 0, blockBytes, done.finishedNs), next);
        };
        device.submit(ioOf(op, 0, blockBytes, now()), next);
        made.settle();
      });
      expect(left).toBe(0);
    });

    it('waits in close for what is outstanding', async () => {
      const { blockBytes } = device;
      let ended = 0;
      for (let i = 0; i < 10; i++) device.submit(write(i * blockBytes, pattern(blockBytes, i)), () => (ended += 1));
      const closing = device.close();
      closed = true;
      made.settle();
      await closing;
      expect(ended).toBe(10);
    });
  });
}

/** Bytes that tell their block and their request apart. */
export function pattern(bytes: number, seed: number): Buffer {
  const data = Buffer.allocUnsafe(bytes);
  for (let i = 0; i < bytes; i++) data[i] = (seed * 31 + i + (i >> 9) * 7) & 0xff;
  return data;
}
