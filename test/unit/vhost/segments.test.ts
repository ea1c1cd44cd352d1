import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Segments } from '../../../src/doors/vhost/chain.js';
import { Window } from '../../../src/doors/vhost/memory.js';

const BYTES = 4_096;
const window = new Window(
  { guestAddress: 0, userAddress: 0, sizeBytes: BYTES, fileOffset: 0 },
  0,
  Uint8Array.from({ length: BYTES }, (_, i) => (i * 31) & 0xff).buffer,
  BYTES,
);

test('numbers come out as they lie in memory, wherever it is cut, and what is left is the rest', () => {
  const piece = fc.record({ offset: fc.nat(BYTES - 64), length: fc.integer({ min: 1, max: 64 }) });
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 20 }), (pieces) => {
      const segments = new Segments();
      const parts: Buffer[] = [];
      for (const { offset, length } of pieces) {
        segments.add(window, offset, length);
        parts.push(Buffer.from(window.u8.subarray(offset, offset + length)));
      }
      const bytes = Buffer.concat(parts);
      let at = 0;
      for (; at + 4 <= bytes.length && at < 16; at += 4) expect(segments.takeU32()).toBe(bytes.readUInt32LE(at));
      expect(segments.bytes).toBe(bytes.length - at);
      const rest = Buffer.alloc(bytes.length - at);
      segments.copyTo(rest);
      expect(rest.equals(bytes.subarray(at))).toBe(true);
      const whole = segments.whole();
      if (whole !== null) expect(Buffer.from(whole).equals(rest)).toBe(true);
    }),
  );
});

test('one piece is the memory itself', () => {
  const segments = new Segments();
  segments.add(window, 12, 20);
  segments.takeU32();
  const whole = segments.whole()!;
  expect([whole.buffer === window.buffer, whole.byteOffset, whole.length]).toEqual([true, 16, 16]);
});
