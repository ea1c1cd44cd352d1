import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HddGeometry } from '../../../src/core/media/hdd-geometry.js';
import { DESKSTAR_7K500 as P } from '../../../src/core/media/hdd-parameters.js';
import { GIB, KIB } from '../../../src/core/model/units.js';

const SIZE = 64 * GIB;
const geometry = new HddGeometry(P, SIZE, 0.25);
const spotAt = (offset: number, of = geometry) => {
  const spot = { zone: 0, cylinder: 0, head: 0, within: 0 };
  of.locate(offset, spot);
  return spot;
};

describe('HddGeometry', () => {
  it('places every address: in order of cylinder, then head, then on the track', () => {
    const order = ({ cylinder, head, within }: ReturnType<typeof spotAt>): number =>
      (cylinder * P.heads + head) * 2 ** 20 + within;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: SIZE / 512 - 2 }), fc.integer({ min: 1, max: 1e6 }), (block, ahead) => {
        const here = spotAt(block * 512);
        const there = spotAt(Math.min(block + ahead, SIZE / 512 - 1) * 512);
        expect(here.cylinder).toBeLessThan(geometry.cylinders);
        expect(here.head).toBeLessThan(P.heads);
        expect(order(there)).toBeGreaterThan(order(here));
      }),
    );
  });

  it('ends a transfer where the address behind it lies, whatever it crosses', () => {
    const lengths = fc.oneof(fc.integer({ min: 1, max: 8_192 }), fc.integer({ min: 1, max: (2 * GIB) / 512 }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: SIZE / 512 - 1 }), lengths, (block, blocks) => {
        const offset = block * 512;
        const bytes = Math.min(blocks * 512, SIZE - offset - 512);
        if (bytes <= 0) return;
        const spot = spotAt(offset);
        const ns = geometry.transferNs(spot, bytes);
        const behind = spotAt(offset + bytes);
        // The end of a track is where the next one has not begun.
        if (behind.within !== 0) expect(spot).toEqual(behind);
        expect(ns).toBeGreaterThanOrEqual((bytes / P.outerBytesPerS) * 1e9 * 0.999);
      }),
    );
  });

  it('skews tracks so that reading on misses no revolution', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: SIZE / 512 - 1 }), fc.integer({ min: 1, max: 40_000 }), (block, blocks) => {
        const offset = block * 512;
        const bytes = Math.min(blocks * 512, SIZE - offset - 512);
        if (bytes <= 0) return;
        const spot = spotAt(offset);
        const startNs = 1e9 + geometry.rotationNs(geometry.angle(spot), 1e9);
        const endNs = Math.ceil(startNs + geometry.transferNs(spot, bytes));
        const behind = spotAt(offset + bytes);
        const switchNs = geometry.seekNs(spot.cylinder, spot.head, behind.cylinder, behind.head);
        const waitNs = geometry.rotationNs(geometry.angle(behind), endNs + switchNs);
        // A step to the next cylinder may seek faster than its skew allows for.
        expect(waitNs).toBeLessThan(P.cylinderSwitchNs);
      }),
    );
  });

  it('seeks by the published figures: one cylinder, the average, the full stroke', () => {
    const last = geometry.cylinders - 1;
    expect(geometry.seekNs(5, 0, 5, 0)).toBe(0);
    expect(geometry.seekNs(5, 0, 5, 1)).toBe(P.headSwitchNs);
    expect(geometry.seekNs(5, 0, 6, 3)).toBeCloseTo(P.seekOneNs);
    expect(geometry.seekNs(0, 0, last, 0)).toBeCloseTo(P.seekFullNs);
    // Weighted over all pairs of cylinders, as drive specifications define it.
    let sum = 0;
    let weights = 0;
    for (let distance = 1; distance <= last; distance += 7) {
      sum += (last + 1 - distance) * geometry.seekNs(0, 0, distance, 0);
      weights += last + 1 - distance;
    }
    expect(Math.abs(sum / weights / 8.5e6 - 1)).toBeLessThan(0.01);
    for (let distance = 1; distance < last; distance++) {
      expect(geometry.seekNs(0, 0, distance + 1, 0)).toBeGreaterThan(geometry.seekNs(0, 0, distance, 0));
    }
  });

  it('turns once in 8.33 ms from where it stood at the start', () => {
    const angle = 0.6;
    const first = geometry.rotationNs(angle, 0);
    expect(first).toBeCloseTo((0.6 - 0.25) * P.revolutionNs);
    expect(geometry.rotationNs(angle, first)).toBeCloseTo(0);
    expect(geometry.rotationNs(angle, first + P.revolutionNs * 3.5)).toBeCloseTo(P.revolutionNs / 2);
  });

  it('serves disks from a block to a pebibyte', () => {
    for (const size of [512, 64 * KIB, GIB, 2 ** 50]) {
      const of = new HddGeometry(P, size, 0);
      const spot = spotAt(size - 512, of);
      expect(spot.cylinder).toBeLessThan(of.cylinders);
      expect(of.transferNs(spot, 512)).toBeGreaterThan(0);
      const whole = spotAt(0, of);
      expect(of.transferNs(whole, size)).toBeGreaterThan((size / P.outerBytesPerS) * 1e9 * 0.999);
    }
  });
});
