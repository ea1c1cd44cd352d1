/** What every scheduling algorithm keeps, whatever order it thinks best. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../src/core/model/errors.js';
import { SeededRng } from '../../src/core/rng.js';
import type { AlgorithmFactory } from '../../src/core/scheduling/algorithm.js';
import { Stand, type Ticket } from '../unit/scheduling/stand.js';

export interface AlgorithmFlags {
  /** Tags with more shares get more. */
  readonly followsShares: boolean;
  /** How far from its shares it may be after 200 grants; 3 where absent. More for one that draws lots. */
  readonly tolerance?: number;
  /** Makes it with room for so many tags of one segment. */
  readonly withRoomFor: (tags: number) => AlgorithmFactory;
}

type Step =
  | { readonly kind: 'arrive'; readonly tag: string; readonly cost: number }
  | { readonly kind: 'cancel' | 'finish' | 'handBack'; readonly pick: number }
  | { readonly kind: 'grant' }
  | { readonly kind: 'shares'; readonly tag: string; readonly shares: number }
  | { readonly kind: 'pass'; readonly ms: number };

const TAGS = ['a', 'a/x', 'a/x/1', 'a/y', 'b', 'c/z'];
const tag = fc.constantFrom(...TAGS);
const pick = fc.nat({ max: 1_000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('arrive' as const), tag, cost: fc.integer({ min: 1, max: 64 }) }),
  },
  { weight: 6, arbitrary: fc.constant({ kind: 'grant' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('cancel' as const, 'handBack' as const), pick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('finish' as const), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('shares' as const), tag, shares: fc.integer({ min: 1, max: 10_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 5_000) }) },
);

function allWaiting(stand: Stand): Ticket[] {
  return [...stand.queues.values()].flatMap((queue) => queue.waiting);
}

/** Runs the steps; `seen` is told of every grant. Returns what was cancelled. */
function play(stand: Stand, steps: readonly Step[]): Ticket[] {
  const cancelled: Ticket[] = [];
  const from = <T>(list: readonly T[], at: number): T | undefined => list[at % Math.max(1, list.length)];
  for (const at of steps) {
    switch (at.kind) {
      case 'arrive':
        stand.arrive(at.tag, at.cost);
        break;
      case 'grant': {
        const waited = stand.waitingInAll;
        // Work conserving, and idle only where nothing waits.
        expect(stand.grant() !== null).toBe(waited > 0);
        break;
      }
      case 'cancel': {
        const ticket = from(allWaiting(stand), at.pick);
        if (ticket !== undefined) {
          stand.cancel(ticket);
          cancelled.push(ticket);
        }
        break;
      }
      case 'finish':
      case 'handBack': {
        const ticket = from(stand.outstanding, at.pick);
        if (ticket !== undefined) stand[at.kind](ticket);
        break;
      }
      case 'shares':
        stand.setShares(at.tag, { shares: at.shares, selfShares: at.shares });
        break;
      case 'pass':
        stand.advanceMs(at.ms);
    }
  }
  return cancelled;
}

export function algorithmConformance(name: string, make: AlgorithmFactory, flags: AlgorithmFlags): void {
  describe(`scheduling algorithm ${name}`, () => {
    test('grants every arrival exactly once unless it was cancelled, each tag oldest first, never idling over work', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
          const stand = new Stand(make);
          const cancelled = new Set(play(stand, steps));
          while (stand.grant() !== null) continue;
          expect(stand.waitingInAll).toBe(0);
          const arrivals = steps.filter((at) => at.kind === 'arrive').length;
          expect(stand.granted.length + cancelled.size).toBe(arrivals);
          expect(new Set(stand.granted).size).toBe(stand.granted.length);
          expect(stand.granted.some((ticket) => cancelled.has(ticket))).toBe(false);
          for (const one of TAGS) {
            const order = stand.granted.filter((ticket) => ticket.tag === one).map((ticket) => ticket.sequence);
            expect(order).toEqual([...order].sort((x, y) => x - y));
          }
        }),
        { numRuns: 200 },
      );
    });

    test('the same history gives the same grants', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
          const [first, second] = [new Stand(make), new Stand(make)];
          play(first, steps);
          play(second, steps);
          expect(first.granted).toEqual(second.granted);
        }),
        { numRuns: 50 },
      );
    });

    test('which leaf it is told that a tag had last changes nothing, though it be another', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 120 }), fc.integer(), (steps, seed) => {
          const rng = new SeededRng(seed >>> 0);
          const stands = [
            new Stand(make),
            new Stand(make, {}, () => undefined),
            new Stand(make, {}, () => rng.below(10) - 1),
          ];
          for (const stand of stands) {
            for (const [i, one] of steps.entries()) {
              play(stand, [one]);
              // Numbers are given to other tags meanwhile, and to these again.
              if (i % 20 === 0) for (let n = 0; n < 10; n++) stand.algorithm.open(`other${i}-${n}`, stand.nowNs);
            }
          }
          const leaves = stands.map((stand) => TAGS.map((one) => stand.algorithm.open(one, stand.nowNs)));
          for (const [i, stand] of stands.entries()) {
            expect(stand.granted).toEqual(stands[0]!.granted);
            expect(leaves[i]).toEqual(leaves[0]);
          }
        }),
        { numRuns: 100 },
      );
    });

    test('is idle before anything came, and again when all is served', () => {
      const stand = new Stand(make);
      expect(stand.grant()).toBeNull();
      stand.arrive('a');
      expect(stand.grant()?.tag).toBe('a');
      expect(stand.grant()).toBeNull();
    });

    test('a leaf stays the same while its tag has something waiting or outstanding', () => {
      const stand = new Stand(make);
      stand.arrive('a');
      const leaf = stand.algorithm.open('a', 0);
      const ticket = stand.grant()!;
      expect(stand.algorithm.open('a', 0)).toBe(leaf);
      for (let i = 0; i < 5_000; i++) stand.algorithm.open(`other${i}`, 0);
      expect(stand.algorithm.open('a', 0)).toBe(leaf);
      stand.finish(ticket);
    });

    test('tags that came and went make room for new ones', () => {
      const stand = new Stand(flags.withRoomFor(50));
      for (let i = 0; i < 2_000; i++) {
        stand.advanceMs(100);
        stand.arrive(`tag${i}`);
        expect(stand.serve(1)).toEqual([`tag${i}`]);
      }
    });

    test('a tag past the bound is refused by name of the bound, and nothing else changes', () => {
      const stand = new Stand(flags.withRoomFor(50));
      for (let i = 0; i < 50; i++) stand.arrive(`tag${i}`);
      let error: unknown;
      try {
        stand.algorithm.open('one-too-many', 0);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(SluiceError);
      expect((error as SluiceError).code).toBe('QUEUE_FULL');
      expect((error as SluiceError).message).toMatch(/at most 50 .*"one-too-many"/);
      expect(new Set(stand.serve(100)).size).toBe(50);
    });

    test('a grant that is handed back leaves its tag where it was: it goes first again', () => {
      const stand = new Stand(make);
      stand.arriveMany('a', 3, 8);
      stand.arriveMany('b', 3, 8);
      const first = stand.grant()!;
      stand.handBack(first);
      expect(stand.grant()!.tag).toBe(first.tag);
      expect(stand.serve(10)).toHaveLength(4);
    });

    test('a change of shares acts on what is queued already', () => {
      const stand = new Stand(make).shares({ a: 100, b: 100 });
      stand.arriveMany('a', 400);
      stand.arriveMany('b', 400);
      stand.serve(100);
      stand.setShares('b', { shares: 300 });
      const served = stand.serve(200).filter((one) => one === 'b').length;
      if (flags.followsShares) expect(Math.abs(served - 150)).toBeLessThanOrEqual(flags.tolerance ?? 3);
      else expect(served).toBe(0);
    });

    test('a change of shares of a tag nobody knows is ignored', () => {
      const stand = new Stand(make);
      stand.setShares('nobody', { shares: 5 });
      stand.arrive('a');
      expect(stand.serve(5)).toEqual(['a']);
    });

    test('takes new settings while requests wait', () => {
      const stand = new Stand(make);
      stand.arriveMany('a', 2);
      stand.algorithm.configure({ ...stand.settings, fair: { credit: 4, idleResetMs: 5 } });
      expect(stand.serve(5)).toEqual(['a', 'a']);
    });
  });
}
