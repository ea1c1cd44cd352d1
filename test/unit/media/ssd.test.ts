import { describe, expect, it } from 'vitest';
import { SsdModel } from '../../../src/core/media/ssd.js';
import { PAPER_SSD } from '../../../src/core/media/ssd-parameters.js';
import { NONE } from '../../../src/core/media/media-model.js';
import { OPS, type Op } from '../../../src/core/model/request.js';
import { GIB, KIB, MIB } from '../../../src/core/model/units.js';
import { SeededRng } from '../../../src/core/rng.js';
import { closedLoop, meanLatencyNs, rate, type Aim } from './closed-loop.js';

const SIZE = 64 * GIB;

function random(op: Op, lengthBytes: number, seed = 1): (i: number) => Aim {
  const rng = new SeededRng(seed);
  return () => ({ op, offset: rng.below(SIZE / lengthBytes) * lengthBytes, lengthBytes });
}

/** Carries out steps until the slot ends; when it does. */
function endOf(medium: SsdModel, slot: number): number {
  for (;;) {
    const atNs = medium.nextNs;
    if (medium.advance() === slot) return atNs;
  }
}

describe('SsdModel', () => {
  it('does 35,000 random reads of 4 KiB a second at depth 32, within 2 %', () => {
    const iops = rate(closedLoop(new SsdModel(), 32, 50_000, random(OPS.READ, 4 * KIB)));
    expect(iops).toBeGreaterThan(35_000 * 0.98);
    expect(iops).toBeLessThan(35_000 * 1.02);
  });

  it('does 85,000 random writes of 4 KiB a second at depth 32, within 2 %, once its buffer is full', () => {
    const iops = rate(closedLoop(new SsdModel(), 32, 120_000, random(OPS.WRITE, 4 * KIB)), 10_000);
    expect(iops).toBeGreaterThan(85_000 * 0.98);
    expect(iops).toBeLessThan(85_000 * 1.02);
  });

  it('takes writes faster than it programs them until the buffer is full', () => {
    const sectors = PAPER_SSD.bufferBytes / (4 * KIB);
    expect(rate(closedLoop(new SsdModel(), 32, sectors, random(OPS.WRITE, 4 * KIB)))).toBeGreaterThan(110_000);
  });

  it('answers a lone read after the page read, a lone write from the buffer', () => {
    const readNs = meanLatencyNs(closedLoop(new SsdModel(), 1, 1_000, random(OPS.READ, 4 * KIB)));
    const writeNs = meanLatencyNs(closedLoop(new SsdModel(), 1, 500, random(OPS.WRITE, 4 * KIB)));
    expect(readNs).toBeGreaterThan(PAPER_SSD.readNs);
    expect(readNs).toBeLessThan(2.5 * PAPER_SSD.readNs);
    expect(writeNs).toBeLessThan(PAPER_SSD.readNs / 2);
  });

  it('spreads a long read over its dies: 32 times the bytes of a page read take less than 8 times as long', () => {
    const pageNs = meanLatencyNs(closedLoop(new SsdModel(), 1, 100, random(OPS.READ, 16 * KIB)));
    const longNs = meanLatencyNs(closedLoop(new SsdModel(), 1, 100, random(OPS.READ, 512 * KIB)));
    expect(longNs).toBeLessThan(8 * pageNs);
  });

  it('reads no faster than the interface carries', () => {
    const lengthBytes = MIB;
    const bytesPerS = rate(closedLoop(new SsdModel(), 32, 2_000, random(OPS.READ, lengthBytes))) * lengthBytes;
    expect(bytesPerS).toBeLessThanOrEqual(PAPER_SSD.interfaceBytesPerS * 1.001);
    expect(bytesPerS).toBeGreaterThan(PAPER_SSD.interfaceBytesPerS * 0.95);
  });

  it('writes long requests as fast as its dies program', () => {
    const programmed = 85_000 * 4 * KIB;
    const bytesPerS = rate(closedLoop(new SsdModel(), 4, 4_000, random(OPS.WRITE, 128 * KIB)), 500) * 128 * KIB;
    expect(Math.abs(bytesPerS / programmed - 1)).toBeLessThan(0.02);
  });

  it('takes a write that is larger than its buffer', () => {
    const medium = new SsdModel();
    const lengthBytes = 4 * PAPER_SSD.bufferBytes;
    medium.submit(0, OPS.WRITE, 0, lengthBytes, false, 0);
    const bytesPerS = (lengthBytes / endOf(medium, 0)) * 1e9;
    // It crosses the interface first, and three quarters of it wait for dies then.
    expect(bytesPerS).toBeGreaterThan(200e6);
    expect(bytesPerS).toBeLessThan(85_000 * 4 * KIB);
  });

  it('makes reads wait for programs, but only for those that have begun', () => {
    const alone = meanLatencyNs(closedLoop(new SsdModel(), 4, 4_000, random(OPS.READ, 4 * KIB)));
    const rng = new SeededRng(5);
    const mixed = closedLoop(new SsdModel(), 32, 40_000, (i) => ({
      op: i % 8 === 0 ? OPS.READ : OPS.WRITE,
      offset: rng.below(SIZE / (4 * KIB)) * 4 * KIB,
      lengthBytes: 4 * KIB,
    }));
    const reads = mixed.slice(20_000).filter(({ op }) => op === OPS.READ);
    const worst = Math.max(...reads.map(({ startNs, endNs }) => endNs - startNs));
    expect(meanLatencyNs(reads)).toBeGreaterThan(2 * alone);
    // One program in progress, other reads of the die and a transfer: never the 8 or so pages that wait for the die.
    expect(worst).toBeLessThan(2 * PAPER_SSD.programNs);
  });

  it('ends a FLUSH when what was buffered has been programmed, at once where nothing is', () => {
    const medium = new SsdModel();
    medium.submit(0, OPS.FLUSH, 0, 0, false, 0);
    expect(endOf(medium, 0)).toBeLessThan(100_000);
    medium.submit(0, OPS.WRITE, 0, 4 * KIB, false, 1e6);
    const writtenNs = endOf(medium, 0);
    medium.submit(0, OPS.FLUSH, 0, 0, false, writtenNs);
    expect(endOf(medium, 0) - writtenNs).toBeGreaterThan(PAPER_SSD.programNs);
  });

  it('ends each of many FLUSHes when the writes before it are programmed, not later ones', () => {
    const medium = new SsdModel();
    const rng = new SeededRng(9);
    const write = (slot: number, atNs: number): void =>
      medium.submit(slot, OPS.WRITE, rng.below(1_000) * 64 * KIB, 64 * KIB, false, atNs);
    for (let i = 0; i < 8; i++) write(i, 0);
    medium.submit(100, OPS.FLUSH, 0, 0, false, 1e6);
    medium.submit(101, OPS.FLUSH, 0, 0, false, 1e6);
    for (let i = 8; i < 60; i++) write(i, 1.1e6);
    medium.submit(102, OPS.FLUSH, 0, 0, false, 8e6);
    const ends = new Map<number, number>();
    while (medium.nextNs < Infinity) {
      const atNs = medium.nextNs;
      const slot = medium.advance();
      if (slot !== NONE) ends.set(slot, atNs);
    }
    expect(ends.size).toBe(63);
    expect(ends.get(100)).toBe(ends.get(101));
    expect(ends.get(102)!).toBeGreaterThan(ends.get(100)!);
  });

  it('ends a FUA write when its page has been programmed', () => {
    const medium = new SsdModel();
    medium.submit(0, OPS.WRITE, 0, 4 * KIB, true, 0);
    expect(endOf(medium, 0)).toBeGreaterThan(PAPER_SSD.programNs);
  });

  it('charges TRIM and WRITE_ZEROES a constant, whatever their length', () => {
    for (const op of [OPS.TRIM, OPS.WRITE_ZEROES]) {
      const small = new SsdModel();
      small.submit(0, op, 0, 4 * KIB, false, 0);
      const large = new SsdModel();
      large.submit(0, op, 0, GIB, false, 0);
      expect(endOf(large, 0)).toBe(endOf(small, 0));
    }
  });

  it('foresees reads exactly: they end as they do where a command that is still to come forbids it', () => {
    const FAR_NS = 2 ** 50;
    const FAR_SLOT = 1_000;
    for (let seed = 1; seed <= 60; seed++) {
      const rng = new SeededRng(seed);
      // From nothing but reads to as many writes, flushes and trims.
      const writes = rng.below(4) === 0 ? 0 : rng.below(50);
      const aim = (): Aim => {
        const op = rng.below(100) >= writes ? OPS.READ : [OPS.WRITE, OPS.WRITE, OPS.FLUSH, OPS.TRIM][rng.below(4)]!;
        const lengthBytes = (1 + rng.below(rng.below(10) === 0 ? 600 : 40)) * 512;
        return { op, offset: rng.below(1_000_000) * 512, lengthBytes, fua: rng.below(10) === 0 };
      };
      const aims = Array.from({ length: 2_000 }, aim);
      const depth = 1 + rng.below(32);
      const free = closedLoop(new SsdModel(), depth, aims.length, (i) => aims[i % aims.length]!);
      const stepped = new SsdModel();
      stepped.submit(FAR_SLOT, OPS.FLUSH, 0, 0, false, FAR_NS);
      const steps = closedLoop(stepped, depth, aims.length, (i) => aims[i % aims.length]!);
      expect(steps.map(({ endNs }) => endNs)).toEqual(free.map(({ endNs }) => endNs));
    }
  });

  it('gives the same times for the same requests', () => {
    const run = (): number[] => {
      const rng = new SeededRng(4);
      return closedLoop(new SsdModel(), 16, 5_000, () => ({
        op: rng.below(2) === 0 ? OPS.READ : OPS.WRITE,
        offset: rng.below(1_000_000) * 512,
        lengthBytes: (1 + rng.below(64)) * 512,
        fua: rng.below(50) === 0,
      })).map(({ endNs }) => endNs);
    };
    expect(run()).toEqual(run());
  });

  it('bears submissions that are a little out of order: none ends before it began', () => {
    const medium = new SsdModel();
    const rng = new SeededRng(6);
    const starts: number[] = [];
    for (let i = 0; i < 2_000; i++) {
      const atNs = Math.max(0, i * 20_000 - rng.below(300_000));
      starts[i] = atNs;
      medium.submit(i, rng.below(2) === 0 ? OPS.READ : OPS.WRITE, rng.below(1e6) * 4 * KIB, 4 * KIB, false, atNs);
      while (medium.nextNs <= i * 20_000) {
        const endNs = medium.nextNs;
        const slot = medium.advance();
        if (slot !== NONE) expect(endNs).toBeGreaterThan(starts[slot]!);
      }
    }
  });
});
