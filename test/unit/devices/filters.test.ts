import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { SluiceError, type Code } from '../../../src/core/model/errors.js';
import { OPS, type DeviceDone, type DeviceIo, type Op } from '../../../src/core/model/request.js';
import { KIB } from '../../../src/core/model/units.js';
import type { BlockDevice } from '../../../src/core/ports.js';
import { SeededRng } from '../../../src/core/rng.js';
import { CheckedDevice } from '../../../src/devices/filters/checked.js';
import { FaultyDevice, type Faults } from '../../../src/devices/filters/fault.js';
import { NullDevice } from '../../../src/devices/sim/null-device.js';
import { ioOf } from '../../conformance/device-suite.js';

const SIZE = 64 * KIB;

/** A device that does what the test tells it to. */
class Puppet implements BlockDevice {
  readonly sizeBytes: number = SIZE;
  readonly blockBytes: number = 512;
  readonly readOnly = false;
  readonly got: { io: DeviceIo; done: DeviceDone }[] = [];

  submit(io: DeviceIo, done: DeviceDone): void {
    this.got.push({ io, done });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(at: number, code: Code = 'OK', message = ''): void {
    const { io, done } = this.got[at]!;
    if (io.op === OPS.READ) io.data ??= Buffer.alloc(io.lengthBytes);
    io.finishedNs = Math.max(io.finishedNs, io.submittedNs);
    done(io, code, message);
  }
}

function breach(pattern: RegExp): object {
  return expect.objectContaining({ code: 'INTERNAL', message: expect.stringMatching(pattern) as string }) as object;
}
const caught = (run: () => void): unknown => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    return error;
  }
  return null;
};

describe('CheckedDevice', () => {
  const make = (): { puppet: Puppet; device: CheckedDevice } => {
    const puppet = new Puppet();
    return { puppet, device: new CheckedDevice(puppet) };
  };
  const nothing = (): void => undefined;

  it('lets what keeps the contract through', () => {
    const { puppet, device } = make();
    const codes: Code[] = [];
    const tell: DeviceDone = (_io, code) => codes.push(code);
    device.submit(ioOf(OPS.READ, SIZE - 512, 512, 5), tell);
    device.submit(ioOf(OPS.WRITE, 0, 512, 5, Buffer.alloc(512)), tell);
    device.submit(ioOf(OPS.FLUSH, 0, 0, 5), tell);
    puppet.end(2);
    puppet.end(0);
    puppet.end(1, 'DEVICE_IO', 'broken');
    expect(codes).toEqual(['OK', 'OK', 'DEVICE_IO']);
  });

  it.each<[string, Op, number, number, number, Uint8Array | null, RegExp]>([
    ['past the end', OPS.READ, SIZE, 512, 0, null, /out of range/],
    ['across the end', OPS.READ, SIZE - 512, 1_024, 0, null, /out of range/],
    ['a negative offset', OPS.READ, -512, 512, 0, null, /out of range/],
    ['no length', OPS.TRIM, 0, 0, 0, null, /out of range/],
    ['not a number', OPS.READ, NaN, 512, 0, null, /out of range/],
    ['an unaligned offset', OPS.READ, 1, 512, 0, null, /aligned to 512/],
    ['an unaligned length', OPS.WRITE_ZEROES, 0, 700, 0, null, /aligned to 512/],
    ['a write without data', OPS.WRITE, 0, 512, 0, null, /bytes of data/],
    ['a write with too little data', OPS.WRITE, 0, 1_024, 0, Buffer.alloc(512), /512 bytes of data/],
    ['a read into too small a place', OPS.READ, 0, 1_024, 0, Buffer.alloc(512), /512 bytes of data/],
    ['an unknown operation', 9 as Op, 0, 512, 0, null, /no such operation/],
    ['no time of submission', OPS.READ, 0, 512, NaN, null, /submitted at NaN/],
  ])('throws at %s', (_name, op, offset, length, atNs, data, pattern) => {
    const { puppet, device } = make();
    expect(caught(() => device.submit(ioOf(op, offset, length, atNs, data), nothing))).toEqual(breach(pattern));
    expect(puppet.got).toEqual([]);
  });

  it('throws where a request is submitted twice, or after close', async () => {
    const { device } = make();
    const io = ioOf(OPS.READ, 0, 512, 0);
    device.submit(io, nothing);
    expect(caught(() => device.submit(io, nothing))).toEqual(breach(/outstanding already/));
    await device.close();
    expect(caught(() => device.submit(ioOf(OPS.READ, 0, 512, 0), nothing))).toEqual(breach(/after close/));
    expect(caught(() => void device.close())).toEqual(breach(/closed twice/));
  });

  it('throws where a device ends a request twice, before it began, without its data or without a reason', () => {
    const { puppet, device } = make();
    for (let i = 0; i < 4; i++) device.submit(ioOf(OPS.READ, i * 512, 512, 100), nothing);
    puppet.end(0);
    expect(caught(() => puppet.end(0))).toEqual(breach(/not outstanding/));
    const { io, done } = puppet.got[1]!;
    io.finishedNs = 99;
    expect(caught(() => done(io, 'OK', ''))).toEqual(breach(/before 100/));
    const short = puppet.got[2]!;
    short.io.finishedNs = 100;
    short.io.data = Buffer.alloc(5);
    expect(caught(() => short.done(short.io, 'OK', ''))).toEqual(breach(/read 5 bytes/));
    expect(caught(() => puppet.end(3, 'NO_SPACE', ''))).toEqual(breach(/without a message/));
  });

  it('refuses a device whose size and blocks make no sense', () => {
    for (const [size, block] of [
      [SIZE, 500],
      [SIZE, 256],
      [700, 512],
      [0, 512],
    ] as const) {
      expect(caught(() => new CheckedDevice(new NullDevice(size, block)))).toEqual(breach(/a device has/));
    }
  });
});

describe('FaultyDevice', () => {
  const run = (
    faults: Faults,
    seed = 1,
    count = 2_000,
  ): { codes: (Code | null)[]; atNs: number[]; closed: boolean } => {
    const clock = new VirtualClock();
    const device = new FaultyDevice(new NullDevice(SIZE, 512), clock, new SeededRng(seed), faults);
    const codes = new Array<Code | null>(count).fill(null);
    const atNs: number[] = [];
    for (let i = 0; i < count; i++) {
      device.submit(ioOf(i % 2 === 0 ? OPS.READ : OPS.WRITE, 0, 512, 0, Buffer.alloc(512)), (io, code) => {
        codes[i] = code;
        atNs[i] = io.finishedNs;
      });
    }
    let closed = false;
    void device.close().then(() => (closed = true));
    clock.run();
    return { codes, atNs, closed };
  };
  const part = (codes: readonly (Code | null)[], code: Code | null): number =>
    codes.filter((c) => c === code).length / codes.length;

  it('changes nothing where no rate is set', () => {
    expect(part(run({}).codes, 'OK')).toBe(1);
  });

  it('fails about as often as told, reads and others apart, by the seed', () => {
    const { codes } = run({ readErrorRate: 0.2 });
    expect(part(codes, 'DEVICE_IO')).toBeGreaterThan(0.07);
    expect(part(codes, 'DEVICE_IO')).toBeLessThan(0.13);
    expect(codes.filter((_, i) => i % 2 === 1).every((code) => code === 'OK')).toBe(true);
    expect(run({ readErrorRate: 0.2 }).codes).toEqual(codes);
    expect(run({ readErrorRate: 0.2 }, 2).codes).not.toEqual(codes);
  });

  it('leaves requests that hang without an end, and closes without them', async () => {
    const { codes } = run({ hangRate: 0.5 });
    expect(part(codes, null)).toBeGreaterThan(0.4);
    const device = new FaultyDevice(new NullDevice(SIZE, 512), new VirtualClock(), new SeededRng(1), { hangRate: 1 });
    device.submit(ioOf(OPS.READ, 0, 512, 0), () => expect.unreachable());
    await device.close();
  });

  it('tells late ones later, in model time too', () => {
    const { atNs, codes } = run({ lateRate: 0.5, lateNs: 777 });
    expect(part(codes, 'OK')).toBe(1);
    expect(new Set(atNs)).toEqual(new Set([0, 777]));
  });

  it('keeps one rate’s choices whatever another is', () => {
    const hung = run({ hangRate: 0.1 }).codes.map((code) => code === null);
    const both = run({ hangRate: 0.1, readErrorRate: 0.5 }).codes.map((code) => code === null);
    expect(both).toEqual(hung);
  });

  it('refuses a rate outside 0..1', () => {
    expect(() => run({ hangRate: 1.5 })).toThrow('faults.hangRate must be 0..1, got 1.5');
  });
});
