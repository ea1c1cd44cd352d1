import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Flow } from '../../../src/core/flow.js';
import { splitQueueTime } from '../../../src/core/queue-time.js';
import { Rig } from '../../support/dispatcher-rig.js';

function split(times: {
  arrivedNs: number;
  headSinceNs: number;
  passedOverNs: number;
  startNs: number;
  coordinationNs: number;
}): number[] {
  const flow = new Flow('a', { record: () => undefined });
  const io = new Rig().io();
  io.arrivedNs = times.arrivedNs;
  flow.headSinceNs = times.headSinceNs;
  flow.passedOverNs = times.passedOverNs;
  splitQueueTime(io, flow, times.startNs, times.coordinationNs);
  return [io.behindOwnNs, io.limitNs, io.shareNs, io.slotsNs, io.coordinationNs];
}

describe('the split of a queue time', () => {
  test.each([
    ['at once', { arrivedNs: 10, headSinceNs: 10, passedOverNs: -1, startNs: 10, coordinationNs: 0 }, [0, 0, 0, 0, 0]],
    ['no slot', { arrivedNs: 10, headSinceNs: 10, passedOverNs: -1, startNs: 30, coordinationNs: 0 }, [0, 0, 0, 20, 0]],
    [
      'then others',
      { arrivedNs: 10, headSinceNs: 15, passedOverNs: 20, startNs: 50, coordinationNs: 0 },
      [5, 0, 30, 5, 0],
    ],
    [
      'then on its way',
      { arrivedNs: 10, headSinceNs: 15, passedOverNs: 20, startNs: 50, coordinationNs: 8 },
      [5, 0, 27, 0, 8],
    ],
    [
      'all on its way',
      { arrivedNs: 10, headSinceNs: 10, passedOverNs: -1, startNs: 50, coordinationNs: 90 },
      [0, 0, 0, 0, 40],
    ],
  ])('%s', (_, times, parts) => {
    expect(split(times)).toEqual(parts);
  });

  test('has parts that are not negative and sum to the queue time, whatever the times', () => {
    const time = fc.integer({ min: 0, max: 1_000 });
    fc.assert(
      fc.property(
        time,
        time,
        fc.integer({ min: -1, max: 1_000 }),
        time,
        time,
        (arrivedNs, headSinceNs, passedOverNs, wait, coordinationNs) => {
          const startNs = arrivedNs + wait;
          const parts = split({ arrivedNs, headSinceNs, passedOverNs, startNs, coordinationNs });
          expect(Math.min(...parts)).toBeGreaterThanOrEqual(0);
          expect(parts.reduce((sum, part) => sum + part, 0)).toBe(wait);
        },
      ),
    );
  });
});
