import { describe, expect, test } from 'vitest';
import { MIB } from '../../../src/core/model/units.js';
import { areZeros, zeros } from '../../../src/devices/sim/zeros.js';

describe('zeros', () => {
  test.each([1, 512, 513, 4_096, MIB, MIB + 512, 4 * MIB, 512])('%s bytes of them, known as such', (lengthBytes) => {
    const data = zeros(lengthBytes);
    expect(data.length).toBe(lengthBytes);
    expect(data.every((byte) => byte === 0)).toBe(true);
    expect(areZeros(data)).toBe(true);
  });

  test('one view for each length that comes again', () => {
    const [small, large] = [zeros(4_096), zeros(8_192)];
    expect(zeros(4_096)).toBe(small);
    expect(zeros(8_192)).toBe(large);
  });

  test("does not take others' bytes for them", () => {
    expect(areZeros(new Uint8Array(512))).toBe(false);
  });
});
