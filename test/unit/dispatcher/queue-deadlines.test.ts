import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { OPS } from '../../../src/core/model/request.js';
import type { PendingIo } from '../../../src/core/pending-io.js';
import { QueueDeadlines } from '../../../src/core/queue-deadlines.js';
import { Rig } from '../../support/dispatcher-rig.js';

const action = fc.record({
  add: fc.boolean(),
  timeoutNs: fc.integer({ min: 1, max: 40 }),
  at: fc.nat(),
  passNs: fc.integer({ min: 0, max: 12 }),
});

test('each request expires at its deadline, in order, unless it left before', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 150 }), (actions) => {
      const rig = new Rig();
      const clock = new VirtualClock();
      const waiting: PendingIo[] = [];
      const deadlines = new QueueDeadlines(clock, (io) => {
        expect(io.deadlineNs).toBe(clock.nowNs());
        expect(io.deadlineNs).toBe(Math.min(...waiting.map((other) => other.deadlineNs)));
        waiting.splice(waiting.indexOf(io), 1);
        deadlines.remove(io);
      });
      for (const { add, timeoutNs, at, passNs } of actions) {
        if (add) {
          const io = rig.io(OPS.READ, 0, 512, timeoutNs);
          deadlines.add(io, clock.nowNs());
          waiting.push(io);
        } else if (waiting.length > 0) {
          deadlines.remove(waiting.splice(at % waiting.length, 1)[0]!);
        }
        clock.runFor(passNs);
        for (const io of waiting) expect(io.deadlineNs).toBeGreaterThan(clock.nowNs());
      }
      clock.runFor(40);
      expect(waiting).toEqual([]);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 300 },
  );
});
