import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/model/errors.js';
import { Packer, unpack, type Packed } from '../../../src/coordination/redis/message-pack.js';

function write(packer: Packer, value: Packed): void {
  if (typeof value === 'number') packer.number(value);
  else if (typeof value === 'string') packer.text(value);
  else if (typeof value === 'boolean') throw new Error('no call says yes or no');
  else {
    packer.array(value.length);
    for (const each of value) write(packer, each);
  }
}

function pack(value: Packed): Buffer {
  const packer = new Packer();
  packer.begin();
  write(packer, value);
  return packer.end();
}

const { value } = fc.letrec<{ value: Packed }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.double({ noNaN: true }).map((number) => number + 0),
    fc.maxSafeInteger().map((number) => number + 0),
    fc.string({ maxLength: 80 }),
    fc.array(tie('value'), { maxLength: 40 }),
  ),
}));

describe('packed messages', () => {
  it('come back as they went, numbers to the last bit', () => {
    fc.assert(
      fc.property(value, (each) => {
        expect(unpack(pack(each))).toEqual(each);
      }),
    );
  });

  it('may be longer than the buffer they are written in', () => {
    const many = Array.from({ length: 70_000 }, (_, i) => i * 0.5);
    expect(unpack(pack(many))).toEqual(many);
    expect(unpack(pack('é'.repeat(10_000)))).toBe('é'.repeat(10_000));
  });

  it('are refused where they are cut off, go on, or are of another kind', () => {
    const whole = pack([1, 'two', 3.5]);
    for (let length = 0; length < whole.length; length++) {
      expect(() => unpack(whole.subarray(0, length)), `${length} bytes`).toThrow(SluiceError);
    }
    expect(() => unpack(Buffer.concat([whole, whole]))).toThrow(/bytes left/);
    expect(() => unpack(Buffer.from([0xc1]))).toThrow(/kind 0xc1/);
  });
});
