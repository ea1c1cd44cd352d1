import { describe, expect, it } from 'vitest';
import { HddModel } from '../../../src/core/media/hdd.js';
import { DESKSTAR_7K500 } from '../../../src/core/media/hdd-parameters.js';
import { OPS, type Op } from '../../../src/core/model/request.js';
import { GIB, KIB, MIB, NS_PER_MS } from '../../../src/core/model/units.js';
import { SeededRng } from '../../../src/core/rng.js';
import { closedLoop, meanLatencyNs, rate, type Aim } from './closed-loop.js';

const SIZE = 64 * GIB;
const hdd = (size = SIZE): HddModel => new HddModel(size, new SeededRng(1));

function random(op: Op, lengthBytes = 4 * KIB, size = SIZE): (i: number) => Aim {
  const rng = new SeededRng(2);
  return () => ({ op, offset: rng.below(size / lengthBytes) * lengthBytes, lengthBytes });
}

const sequential =
  (op: Op, lengthBytes: number, from = 0) =>
  (i: number): Aim => ({ op, offset: from + i * lengthBytes, lengthBytes });

describe('HddModel', () => {
  it('takes the time for random reads that the drive’s specification prints: 4,096 in 52.9 s, 5 % on top as typical', () => {
    const served = closedLoop(hdd(), 1, 4_096, random(OPS.READ, 512));
    const seconds = served[4_095]!.endNs / 1e9;
    expect(seconds).toBeGreaterThan(52.9 * 0.97);
    expect(seconds).toBeLessThan(55.5);
  });

  it('does 75 to 90 random reads of 4 KiB a second at depth 1, on a disk of any size', () => {
    for (const size of [GIB, 64 * GIB, 500 * GIB, 4_096 * GIB]) {
      const iops = rate(closedLoop(hdd(size), 1, 3_000, random(OPS.READ, 4 * KIB, size)));
      expect(iops).toBeGreaterThan(75);
      expect(iops).toBeLessThan(90);
    }
  });

  it('gains throughput with depth: a little at 3, more at 5, about twice at 32', () => {
    const [one, three, five, many] = [1, 3, 5, 32].map((d) => rate(closedLoop(hdd(), d, 4_000, random(OPS.READ))));
    expect(three! / one!).toBeGreaterThan(1.1);
    expect(five!).toBeGreaterThan(three!);
    expect(many! / one!).toBeGreaterThan(1.8);
    expect(many! / one!).toBeLessThan(2.6);
  });

  it('goes to the nearer one of two, whichever was asked for first', () => {
    for (const offsets of [
      [0, 8 * MIB, 60 * GIB],
      [0, 60 * GIB, 8 * MIB],
    ]) {
      const model = hdd();
      for (const [slot, offset] of offsets.entries()) model.submit(slot, OPS.READ, offset, 4 * KIB, false, 0);
      const ended: number[] = [];
      while (model.nextNs < Infinity && ended.length < 3) {
        const slot = model.advance();
        if (slot >= 0) ended.push(offsets[slot]!);
      }
      expect(ended).toEqual([0, 8 * MIB, 60 * GIB]);
    }
  });

  it('lets none wait for ever: at depth 32 the longest wait is a few mean ones', () => {
    const served = closedLoop(hdd(), 32, 8_000, random(OPS.READ));
    const worst = Math.max(...served.map(({ startNs, endNs }) => endNs - startNs));
    expect(worst).toBeLessThan(6 * meanLatencyNs(served));
  });

  it('still serves the far end while requests for the near end keep coming', () => {
    // 15 of 16 in the outermost gigabyte: pure shortest-positioning-first would leave the rest for seconds.
    const rng = new SeededRng(3);
    const served = closedLoop(hdd(), 32, 10_000, (i) => ({
      op: OPS.READ,
      offset: i % 16 === 0 ? SIZE - GIB + rng.below(GIB / 4_096) * 4_096 : rng.below(GIB / 4_096) * 4_096,
      lengthBytes: 4_096,
    }));
    const far = served.filter(({ offset }) => offset >= SIZE - GIB);
    expect(far.length).toBeGreaterThan(10_000 / 16 / 2);
    expect(Math.max(...far.map(({ startNs, endNs }) => endNs - startNs))).toBeLessThan(1_500 * NS_PER_MS);
  });

  it('reads in sequence at the sustained rates of the specification: 64.8 MB/s outside, 31.0 inside', () => {
    const bytesPerS = (from: number, lengthBytes: number): number =>
      rate(closedLoop(hdd(), 1, Math.ceil((100 * MIB) / lengthBytes), sequential(OPS.READ, lengthBytes, from))) *
      lengthBytes;
    for (const lengthBytes of [64 * KIB, MIB]) {
      expect(Math.abs(bytesPerS(0, lengthBytes) / 64.8e6 - 1)).toBeLessThan(0.03);
      expect(Math.abs(bytesPerS(SIZE - GIB, lengthBytes) / 31e6 - 1)).toBeLessThan(0.03);
    }
  });

  it('finds small sequential reads in its cache, at the speed of electronics', () => {
    const served = closedLoop(hdd(), 1, 2_000, sequential(OPS.READ, 4 * KIB));
    const fast = served.filter(({ startNs, endNs }) => endNs - startNs < 100_000);
    expect(fast.length).toBeGreaterThan(1_900);
  });

  it('goes on reading while the host thinks, and keeps streams in segments of their own', () => {
    const medium = hdd();
    let atNs = 0;
    const late: number[] = [];
    for (let i = 0; i < 200; i++) {
      // Eight readers in turn, each slow: every one of them finds its data read ahead.
      const reader = i % 8;
      medium.submit(0, OPS.READ, reader * GIB + Math.floor(i / 8) * 4 * KIB, 4 * KIB, false, atNs);
      let endNs = medium.nextNs;
      while (medium.advance() !== 0) endNs = medium.nextNs;
      if (i >= 8) late.push(endNs - atNs);
      atNs = endNs + 50 * NS_PER_MS;
    }
    expect(late.filter((ns) => ns < 100_000).length).toBeGreaterThan(late.length * 0.95);
  });

  it('does not answer from the cache what the arm is still reading', () => {
    const medium = hdd();
    medium.submit(0, OPS.READ, GIB, 64 * KIB, false, 0);
    while (medium.nextNs < 2 * NS_PER_MS) medium.advance();
    medium.submit(1, OPS.READ, GIB, 4 * KIB, false, 2 * NS_PER_MS);
    const order: number[] = [];
    const ends: number[] = [];
    while (order.length < 2) {
      const atNs = medium.nextNs;
      const slot = medium.advance();
      if (slot < 0) continue;
      order.push(slot);
      ends.push(atNs);
    }
    expect(order).toEqual([0, 1]);
    expect(ends[1]! - ends[0]!).toBeLessThan(100_000);
  });

  it('does not answer from the cache what has been written since', () => {
    const medium = hdd();
    const end = (slot: number): number => {
      for (;;) {
        const atNs = medium.nextNs;
        if (medium.advance() === slot) return atNs;
      }
    };
    medium.submit(0, OPS.READ, 0, 64 * KIB, false, 0);
    const readNs = end(0);
    medium.submit(0, OPS.READ, 0, 64 * KIB, false, readNs);
    const againNs = end(0);
    expect(againNs - readNs).toBeLessThan(NS_PER_MS);
    medium.submit(0, OPS.WRITE, 4 * KIB, 4 * KIB, false, againNs);
    const writtenNs = end(0);
    medium.submit(0, OPS.READ, 0, 64 * KIB, false, writtenNs);
    expect(end(0) - writtenNs).toBeGreaterThan(NS_PER_MS);
  });

  it('writes to the platters before it answers: a revolution is missed between sequential writes at depth 1', () => {
    const iops = rate(closedLoop(hdd(), 1, 500, sequential(OPS.WRITE, 64 * KIB)));
    expect(iops).toBeGreaterThan(95);
    expect(iops).toBeLessThan(121);
    // With the next one there in time none is missed.
    const bytesPerS = rate(closedLoop(hdd(), 4, 2_000, sequential(OPS.WRITE, 64 * KIB))) * 64 * KIB;
    expect(bytesPerS).toBeGreaterThan(60e6);
  });

  it('seeks longer to write than to read', () => {
    const reads = meanLatencyNs(closedLoop(hdd(), 1, 3_000, random(OPS.READ)));
    const writes = meanLatencyNs(closedLoop(hdd(), 1, 3_000, random(OPS.WRITE)));
    expect((writes - reads) / DESKSTAR_7K500.writeSettleNs).toBeGreaterThan(0.7);
    expect((writes - reads) / DESKSTAR_7K500.writeSettleNs).toBeLessThan(1.3);
  });

  it('has nothing to do for FLUSH and TRIM; writes zeros like data', () => {
    for (const op of [OPS.FLUSH, OPS.TRIM]) {
      const [served] = closedLoop(hdd(), 1, 1, () => ({ op, offset: 0, lengthBytes: MIB }));
      expect(served!.endNs).toBe(DESKSTAR_7K500.electronicsNs);
    }
    const [zeroed] = closedLoop(hdd(), 1, 1, () => ({ op: OPS.WRITE_ZEROES, offset: 0, lengthBytes: GIB }));
    expect(GIB / (zeroed!.endNs / 1e9)).toBeGreaterThan(60e6);
    expect(GIB / (zeroed!.endNs / 1e9)).toBeLessThan(66e6);
  });

  it('gives the same times for the same seed, others for another', () => {
    const run = (seed: number): number[] =>
      closedLoop(new HddModel(SIZE, new SeededRng(seed)), 8, 500, random(OPS.READ)).map(({ endNs }) => endNs);
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });
});
