import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OPS } from '../../../src/core/model/request.js';
import { PendingIo } from '../../../src/core/pending-io.js';
import { RequestTable } from '../../../src/doors/grpc/request-table.js';

function io(id: number): PendingIo {
  return new PendingIo(OPS.FLUSH, 0, 0, null, false, 0, id, 0, { completed: () => undefined });
}

/** Few enough to meet again, and many that share a slot. */
const id = fc.oneof(
  fc.nat({ max: 8 }),
  fc.nat({ max: 8 }).map((n) => n * 1_024),
  fc.constant(2 ** 53 - 1),
);

test('is a map by id, whatever the ids and their order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(id, fc.boolean()), { maxLength: 100 }), (steps) => {
      const table = new RequestTable();
      const model = new Map<number, PendingIo>();
      for (const [key, add] of steps) {
        if (!add) {
          table.delete(key);
          model.delete(key);
        } else if (!model.has(key)) {
          const request = io(key);
          table.add(request);
          model.set(key, request);
        }
        expect(table.size).toBe(model.size);
        expect(table.get(key)).toBe(model.get(key));
      }
      expect(new Set(table.all())).toEqual(new Set(model.values()));
      table.clear();
      expect(table.all()).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});
