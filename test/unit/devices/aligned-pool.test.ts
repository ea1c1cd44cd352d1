import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KIB, MIB } from '../../../src/core/model/units.js';
import { AlignedPool, type BufferTaker } from '../../../src/devices/file/aligned-pool.js';

class Taker implements BufferTaker {
  readonly bufferBytes: number;
  nextInLine: BufferTaker | null = null;
  at = -1;
  readonly #granted: Taker[];

  constructor(bufferBytes: number, granted: Taker[]) {
    this.bufferBytes = bufferBytes;
    this.#granted = granted;
  }

  granted(at: number): void {
    expect(this.at).toBe(-1);
    this.at = at;
    this.#granted.push(this);
  }
}

const sizeOf = (bytes: number): number => Math.max(4 * KIB, 2 ** Math.ceil(Math.log2(bytes)));

describe('AlignedPool', () => {
  it('grants in order of asking, aligned to their size, never the same bytes twice, and is whole again in the end', () => {
    const bytes = fc.oneof(fc.integer({ min: 1, max: MIB }), fc.constantFrom(512, 4 * KIB, 4 * KIB + 1, 64 * KIB, MIB));
    // A step asks for so many bytes, or gives back one of those held.
    const step = fc.oneof({ weight: 3, arbitrary: bytes }, { weight: 2, arbitrary: fc.nat(1_000).map((n) => -n) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const pool = new AlignedPool(2 * MIB);
        const granted: Taker[] = [];
        const asked: Taker[] = [];
        const waiting: Taker[] = [];
        const held: Taker[] = [];
        const note = (): void => {
          for (const taker of granted.slice(asked.length - waiting.length)) {
            expect(waiting.shift()).toBe(taker);
            expect(taker.at % sizeOf(taker.bufferBytes)).toBe(0);
            expect(taker.at + taker.bufferBytes).toBeLessThanOrEqual(pool.bytes.length);
            for (const other of held) {
              expect(taker.at + taker.bufferBytes <= other.at || other.at + other.bufferBytes <= taker.at).toBe(true);
            }
            held.push(taker);
          }
        };
        for (const value of steps) {
          if (value > 0) {
            const taker = new Taker(value, granted);
            asked.push(taker);
            waiting.push(taker);
            pool.take(taker);
          } else if (held.length > 0) pool.give(held.splice(-value % held.length, 1)[0]!.at);
          note();
        }
        while (held.length > 0) {
          pool.give(held.pop()!.at);
          note();
        }
        expect(waiting).toEqual([]);
        expect(granted).toEqual(asked);
        // Whole again: two of the largest fit, which takes every byte.
        const whole = [new Taker(MIB, granted), new Taker(MIB, granted)];
        for (const taker of whole) pool.take(taker);
        expect(whole.map(({ at }) => at).sort((a, b) => a - b)).toEqual([0, MIB]);
      }),
      { numRuns: 300 },
    );
  });

  it('lets nobody pass one who waits, however small', () => {
    const pool = new AlignedPool(MIB);
    const granted: Taker[] = [];
    const [small, large, later] = [4 * KIB, MIB, 4 * KIB].map((bytes) => new Taker(bytes, granted)) as [
      Taker,
      Taker,
      Taker,
    ];
    for (const taker of [small, large, later]) pool.take(taker);
    expect(granted).toEqual([small]);
    pool.give(small.at);
    expect(granted).toEqual([small, large]);
    pool.give(large.at);
    expect(granted).toEqual([small, large, later]);
  });

  it('notices a buffer that is given back twice, or that never was one', () => {
    const pool = new AlignedPool(MIB);
    const taker = new Taker(8 * KIB, []);
    pool.take(taker);
    expect(() => pool.give(taker.at + 4 * KIB)).toThrow('no buffer begins at unit 1');
    pool.give(taker.at);
    expect(() => pool.give(taker.at)).toThrow('given back before');
    expect(() => new AlignedPool(MIB + 1)).toThrow('1048577');
  });
});
