import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import type { Simulation } from '../../../src/core/model/device.js';
import type { Code } from '../../../src/core/model/errors.js';
import { OPS, type DeviceIo } from '../../../src/core/model/request.js';
import { GIB, KIB, NS_PER_MS, NS_PER_S } from '../../../src/core/model/units.js';
import type { BlockDevice, Clock, Timer } from '../../../src/core/ports.js';
import { SeededRng } from '../../../src/core/rng.js';
import { makeSimulation } from '../../../src/devices/factory.js';
import { ioOf } from '../../conformance/device-suite.js';

const SIZE = GIB;
const SSD: Simulation = { kind: 'ssd', sizeBytes: SIZE, blockBytes: 512, seed: 1, memoryBytesMax: GIB };

/** A clock whose timers fire at the next whole 1.1 ms, as those of a busy process would. */
class LateClock implements Clock {
  readonly #clock: VirtualClock;
  readonly #grainNs = 1.1 * NS_PER_MS;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  nowNs(): number {
    return this.#clock.nowNs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(ns: number, fn: () => void): Timer {
    const dueNs = this.nowNs() + Math.max(ns, 0);
    return this.#clock.after(Math.ceil(dueNs / this.#grainNs) * this.#grainNs - this.nowNs(), fn);
  }
}

/** A backlogged caller: sends the next one from within done, at the model time of that. */
function backlog(device: BlockDevice, depth: number, count: number, seed = 1): DeviceIo[] {
  const rng = new SeededRng(seed);
  const ended: DeviceIo[] = [];
  const send = (atNs: number): void => {
    const op = rng.below(4) === 0 ? OPS.WRITE : OPS.READ;
    const data = op === OPS.WRITE ? Buffer.alloc(4 * KIB, rng.below(256)) : null;
    device.submit(ioOf(op, rng.below(SIZE / (4 * KIB)) * 4 * KIB, 4 * KIB, atNs, data), (io) => {
      ended.push(io);
      if (ended.length <= count - depth) send(io.finishedNs);
    });
  };
  for (let i = 0; i < depth; i++) send(0);
  return ended;
}

const times = (ended: readonly DeviceIo[]): number[] => ended.map(({ finishedNs }) => finishedNs);

describe('SimDevice', () => {
  it('loses no model time to timers that fire late: the same times as with exact ones', () => {
    for (const kind of ['ssd', 'hdd'] as const) {
      const run = (wrap: (clock: VirtualClock) => Clock): number[] => {
        const clock = new VirtualClock();
        const ended = backlog(makeSimulation({ ...SSD, kind }, wrap(clock)), 32, 2_000);
        clock.run();
        return times(ended);
      };
      expect(run((clock) => new LateClock(clock))).toEqual(run((clock) => clock));
    }
  });

  it('puts a request that comes while the timer is late behind what was due before it', () => {
    const clock = new VirtualClock();
    const device = makeSimulation(SSD, new LateClock(clock));
    const ended: string[] = [];
    device.submit(ioOf(OPS.WRITE, 0, 4 * KIB, 0, Buffer.alloc(4 * KIB, 1)), (io) => {
      ended.push('first');
      // Its slot goes to the next at once, in model time before the one that came late.
      device.submit(ioOf(OPS.FLUSH, 0, 0, io.finishedNs), () => ended.push('flush'));
    });
    clock.after(NS_PER_MS, () => {
      // Due since about 30 us, but the timer fires at 1.1 ms.
      expect(ended).toEqual([]);
      device.submit(ioOf(OPS.READ, 0, 4 * KIB, clock.nowNs()), (io) => {
        ended.push('read');
        expect(io.data!.every((byte) => byte === 1)).toBe(true);
        expect(io.submittedNs).toBe(NS_PER_MS);
      });
    });
    clock.run();
    expect(ended).toEqual(['first', 'flush', 'read']);
  });

  it('takes requests in order of model time where some of those sent from within done arrived later than others', () => {
    // A dispatcher of depth 4 before the device; what arrives is queued, and sent at max(arrival, slot free).
    for (const kind of ['ssd', 'hdd'] as const) {
      const run = (wrap: (clock: VirtualClock) => Clock): number[] => {
        const clock = new VirtualClock();
        const device = makeSimulation({ ...SSD, kind }, wrap(clock));
        const rng = new SeededRng(8);
        const queue: { offset: number; arrivedNs: number }[] = [];
        const ended: DeviceIo[] = [];
        let out = 0;
        const send = (freeNs: number): void => {
          const next = queue.shift();
          if (next === undefined) return;
          out += 1;
          device.submit(ioOf(OPS.READ, next.offset, 4_096, Math.max(freeNs, next.arrivedNs)), (io) => {
            out -= 1;
            ended.push(io);
            send(io.finishedNs);
          });
        };
        let atNs = 0;
        for (let i = 0; i < 3_000; i++) {
          atNs += rng.below(kind === 'ssd' ? 80_000 : 24_000_000);
          const offset = rng.below(SIZE / 4_096) * 4_096;
          clock.after(atNs, () => {
            queue.push({ offset, arrivedNs: clock.nowNs() });
            if (out < 4) send(0);
          });
        }
        clock.run();
        return times(ended);
      };
      expect(run((clock) => new LateClock(clock))).toEqual(run((clock) => clock));
    }
  });

  it('is the same for the same seed', () => {
    const run = (seed: number): number[] => {
      const clock = new VirtualClock();
      const ended = backlog(makeSimulation({ ...SSD, kind: 'hdd', seed }, clock), 8, 300);
      clock.run();
      return times(ended);
    };
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  it('has one timer of the clock’s at most, and none when nothing is outstanding', () => {
    const clock = new VirtualClock();
    const ended = backlog(makeSimulation(SSD, clock), 32, 1_000);
    let most = 0;
    clock.run(() => {
      most = Math.max(most, clock.pending);
      return false;
    });
    expect(ended.length).toBe(1_000);
    expect(most).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('answers NO_SPACE past its bound, names the bound, and keeps what it had', () => {
    const clock = new VirtualClock();
    const device = makeSimulation({ ...SSD, memoryBytesMax: 8 * KIB }, clock);
    const told: { code: Code; message: string }[] = [];
    const tell = (_io: DeviceIo, code: Code, message: string): void => void told.push({ code, message });
    device.submit(ioOf(OPS.WRITE, 0, 8 * KIB, 0, Buffer.alloc(8 * KIB, 5)), tell);
    clock.run();
    device.submit(ioOf(OPS.WRITE, 64 * KIB, 4 * KIB, clock.nowNs(), Buffer.alloc(4 * KIB, 6)), tell);
    clock.run();
    expect(told.map(({ code }) => code)).toEqual(['OK', 'NO_SPACE']);
    expect(told[1]!.message).toContain('8192');
    const check = ioOf(OPS.READ, 0, 8 * KIB, clock.nowNs());
    device.submit(check, tell);
    clock.run();
    // TRIM gives the room back.
    device.submit(ioOf(OPS.TRIM, 0, 4 * KIB, clock.nowNs()), tell);
    clock.run();
    device.submit(ioOf(OPS.WRITE, 64 * KIB, 4 * KIB, clock.nowNs(), Buffer.alloc(4 * KIB, 6)), tell);
    clock.run();
    expect(check.data!.every((byte) => byte === 5)).toBe(true);
    expect(told.slice(2).map(({ code }) => code)).toEqual(['OK', 'OK', 'OK']);
  });

  it('goes on after a done that throws', () => {
    const clock = new VirtualClock();
    const device = makeSimulation(SSD, clock);
    let ended = 0;
    device.submit(ioOf(OPS.READ, 0, 512, 0), () => {
      throw new Error('a defect of the caller');
    });
    device.submit(ioOf(OPS.READ, 512, 512, 0), () => (ended += 1));
    expect(() => clock.run()).toThrow('a defect of the caller');
    clock.run();
    expect(ended).toBe(1);
  });

  it('does 35,000 reads a second under a backlog that is told late', () => {
    const clock = new VirtualClock();
    const late = new LateClock(clock);
    const device = makeSimulation(SSD, late);
    const rng = new SeededRng(1);
    let ended = 0;
    let lastNs = 0;
    const send = (atNs: number): void =>
      device.submit(ioOf(OPS.READ, rng.below(SIZE / 4_096) * 4_096, 4_096, atNs), (io) => {
        ended += 1;
        lastNs = Math.max(lastNs, io.finishedNs);
        if (io.finishedNs < NS_PER_S) send(io.finishedNs);
      });
    for (let i = 0; i < 32; i++) send(0);
    clock.run();
    expect(Math.abs((ended / lastNs) * NS_PER_S - 35_000) / 35_000).toBeLessThan(0.02);
  });
});
