import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COST_MODELS } from '../../../src/core/model/device.js';
import { COST_MAX, COST_MIN, OPS } from '../../../src/core/model/request.js';
import { KIB, MIB } from '../../../src/core/model/units.js';
import { PIECE_BYTES, PIECE_COST, costModel } from '../../../src/core/scheduling/cost-model.js';

const costUnitBytes = 16 * KIB;

describe('cost models', () => {
  test('requests: every operation costs 1', () => {
    const costOf = costModel({ costModel: 'requests', costUnitBytes });
    for (const op of Object.values(OPS)) expect(costOf(op, MIB)).toBe(1);
  });

  test('normalized: units begun', () => {
    const costOf = costModel({ costModel: 'normalized', costUnitBytes });
    expect([1, 512, 16 * KIB, 16 * KIB + 1, MIB].map((length) => costOf(OPS.READ, length))).toEqual([1, 1, 1, 2, 64]);
  });

  test('bytes: in proportion to length from one unit on, 1 below it', () => {
    const costOf = costModel({ costModel: 'bytes', costUnitBytes });
    expect([512, 16 * KIB, 24 * KIB, MIB].map((length) => costOf(OPS.WRITE, length))).toEqual([1, 1, 1.5, 64]);
  });

  test('where length counts, FLUSH costs 1 and a piece of TRIM or WRITE_ZEROES a constant', () => {
    for (const model of ['normalized', 'bytes'] as const) {
      const costOf = costModel({ costModel: model, costUnitBytes });
      expect(costOf(OPS.FLUSH, 0)).toBe(1);
      for (const op of [OPS.TRIM, OPS.WRITE_ZEROES]) {
        for (const length of [512, MIB, PIECE_BYTES]) expect(costOf(op, length)).toBe(PIECE_COST);
      }
    }
  });

  test('no operation is free, none costs more than the largest, none costs less for being longer', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...COST_MODELS),
        fc.constantFrom(...Object.values(OPS)),
        fc.integer({ min: 512, max: MIB }),
        fc.nat({ max: 2 ** 40 }),
        fc.nat({ max: 2 ** 40 }),
        (model, op, unit, one, other) => {
          const costOf = costModel({ costModel: model, costUnitBytes: unit });
          const shorter = costOf(op, Math.min(one, other));
          const longer = costOf(op, Math.max(one, other));
          expect(shorter).toBeGreaterThanOrEqual(COST_MIN);
          expect(longer).toBeLessThanOrEqual(COST_MAX);
          expect(longer).toBeGreaterThanOrEqual(shorter);
        },
      ),
    );
  });
});
