import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frame, scanFrames } from '../../../src/coordination/local/frames.js';

type Found = [kind: number, text: string][];

function scan(bytes: Buffer): { found: Found; endByte: number; gaps: readonly { fromByte: number; toByte: number }[] } {
  const found: Found = [];
  const { endByte, gaps } = scanFrames(bytes, (kind, payload) => found.push([kind, payload.toString('latin1')]));
  return { found, endByte, gaps };
}

const record = fc.tuple(
  fc.nat(9),
  fc.string({ maxLength: 40 }).map((text) => `SLR1${text}`),
);

describe('frames', () => {
  it('are read as they were written, up to any place where the file is cut', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), fc.nat(1_000), (records, cut) => {
        const frames = records.map(([kind, text]) => frame(kind, Buffer.from(text, 'latin1')));
        const whole = Buffer.concat(frames);
        const at = Math.min(cut, whole.length);
        let kept = 0;
        let endByte = 0;
        for (const each of frames) {
          if (endByte + each.length > at) break;
          endByte += each.length;
          kept += 1;
        }
        const expected = records.slice(0, kept).map(([k, t]) => [k, Buffer.from(t, 'latin1').toString('latin1')]);
        expect(scan(whole.subarray(0, at))).toEqual({ found: expected, endByte, gaps: [] });
      }),
    );
  });

  it('lose to damage what it hits and nothing else, and the place is told', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 2, maxLength: 8 }),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (records, which, where, flip) => {
          const frames = records.map(([kind, text]) => frame(kind, Buffer.from(text, 'latin1')));
          const hit = which % (frames.length - 1);
          const start = frames.slice(0, hit).reduce((sum, { length }) => sum + length, 0);
          const whole = Buffer.concat(frames);
          const at = start + (where % frames[hit]!.length);
          whole[at] = whole[at]! ^ flip;
          const { found, gaps, endByte } = scan(whole);
          const expected = records.filter((_, i) => i !== hit);
          expect(found).toEqual(expected.map(([k, t]) => [k, Buffer.from(t, 'latin1').toString('latin1')]));
          expect(gaps).toEqual([{ fromByte: start, toByte: start + frames[hit]!.length }]);
          expect(endByte).toBe(whole.length);
        },
      ),
    );
  });

  it('end where zeros begin, as a file may after a power cut', () => {
    const one = frame(3, Buffer.from('x'));
    expect(scan(Buffer.concat([one, Buffer.alloc(4_096)]))).toEqual({
      found: [[3, 'x']],
      endByte: one.length,
      gaps: [],
    });
  });
});
