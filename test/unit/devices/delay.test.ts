import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { HddModel } from '../../../src/core/media/hdd.js';
import { SsdModel } from '../../../src/core/media/ssd.js';
import type { Code } from '../../../src/core/model/errors.js';
import { OPS, type DeviceDone, type DeviceIo } from '../../../src/core/model/request.js';
import { GIB, KIB, NS_PER_MS, NS_PER_S } from '../../../src/core/model/units.js';
import type { BlockDevice } from '../../../src/core/ports.js';
import { SeededRng } from '../../../src/core/rng.js';
import { makeSimulation } from '../../../src/devices/factory.js';
import { DelayDevice } from '../../../src/devices/filters/delay.js';
import { ioOf } from '../../conformance/device-suite.js';

const SIZE = 64 * GIB;

/** Ends each request so many nanoseconds after it was submitted, with the code given. */
class SteadyDevice implements BlockDevice {
  readonly sizeBytes = SIZE;
  readonly blockBytes = 4 * KIB;
  readonly readOnly = true;
  closed = false;
  readonly #clock: VirtualClock;
  readonly #takesNs: number;
  readonly #code: Code;

  constructor(clock: VirtualClock, takesNs: number, code: Code = 'OK') {
    this.#clock = clock;
    this.#takesNs = takesNs;
    this.#code = code;
  }

  submit(io: DeviceIo, done: DeviceDone): void {
    this.#clock.after(this.#takesNs, () => {
      io.finishedNs = io.submittedNs + this.#takesNs;
      done(io, this.#code, this.#code === 'OK' ? '' : 'the disk says no');
    });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** When each of a closed loop of random reads ended. */
function endsOf(device: BlockDevice, clock: VirtualClock, count: number): number[] {
  const rng = new SeededRng(7);
  const ends: number[] = [];
  const send = (atNs: number): void => {
    device.submit(ioOf(OPS.READ, rng.below(SIZE / (4 * KIB)) * 4 * KIB, 4 * KIB, atNs), (io) => {
      ends.push(io.finishedNs);
      if (ends.length + 7 < count) send(io.finishedNs);
    });
  };
  for (let i = 0; i < 8; i++) send(0);
  clock.run();
  return ends;
}

describe('DelayDevice', () => {
  it.each(['hdd', 'ssd'] as const)('over a device that takes no time has the times of the simulated %s', (kind) => {
    const clock = new VirtualClock();
    const wanted = makeSimulation({ kind, sizeBytes: SIZE, blockBytes: 512, seed: 3, memoryBytesMax: 0 }, clock);
    const medium = kind === 'hdd' ? new HddModel(SIZE, new SeededRng(3).fork('platters')) : new SsdModel();
    const own = new VirtualClock();
    const delayed = new DelayDevice(new SteadyDevice(own, 0), own, medium);
    const ends = endsOf(delayed, own, 200);
    expect(ends.length).toBe(200);
    expect(ends).toEqual(endsOf(wanted, clock, 200));
  });

  it('over a device that is slower has the times of that device', () => {
    const clock = new VirtualClock();
    const delayed = new DelayDevice(new SteadyDevice(clock, NS_PER_S), clock, new SsdModel());
    const ends = endsOf(delayed, clock, 24);
    expect(ends).toEqual([1, 2, 3].flatMap((s) => new Array<number>(8).fill(s * NS_PER_S)));
  });

  it('passes an error on, when its time has come', () => {
    const clock = new VirtualClock();
    const delayed = new DelayDevice(
      new SteadyDevice(clock, 10, 'DEVICE_IO'),
      clock,
      new HddModel(SIZE, new SeededRng(1)),
    );
    const ends: unknown[] = [];
    const io = ioOf(OPS.READ, 32 * GIB, 4 * KIB, 0);
    delayed.submit(io, (_io, code, message) => ends.push(code, message));
    clock.run();
    expect(ends).toEqual(['DEVICE_IO', 'the disk says no']);
    expect(io.finishedNs).toBeGreaterThan(NS_PER_MS);
  });

  it('is what the device inside is, and closes it last', async () => {
    const clock = new VirtualClock();
    const inner = new SteadyDevice(clock, 0);
    const delayed = new DelayDevice(inner, clock, new HddModel(SIZE, new SeededRng(1)));
    expect([delayed.sizeBytes, delayed.blockBytes, delayed.readOnly]).toEqual([SIZE, 4 * KIB, true]);
    let ended = false;
    delayed.submit(ioOf(OPS.READ, GIB, 4 * KIB, 0), () => {
      expect(inner.closed).toBe(false);
      ended = true;
    });
    const closing = delayed.close();
    clock.run();
    await closing;
    expect([ended, inner.closed]).toEqual([true, true]);
  });
});
