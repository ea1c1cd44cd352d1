import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRng } from '../../../src/core/rng.js';
import { lottery } from '../../../src/core/scheduling/baselines/lottery.js';
import { TicketTree } from '../../../src/core/scheduling/baselines/ticket-tree.js';
import { Stand, countByTag } from './stand.js';

/** Standard deviations that nothing here lies beyond by chance: one in 15,000 of two sides. */
const SIGMAS = 4;

describe('lottery', () => {
  test('grants follow shares as draws do: within the deviation of a binomial', () => {
    const shares = { a: 100, b: 200, c: 700 };
    const stand = new Stand(lottery(3)).shares(shares);
    const DRAWS = 10_000;
    for (const tag of Object.keys(shares)) stand.arriveMany(tag, DRAWS);
    const served = countByTag(stand.serve(DRAWS));
    for (const [tag, own] of Object.entries(shares)) {
      const p = own / 1_000;
      expect(Math.abs(served[tag]! - DRAWS * p)).toBeLessThan(SIGMAS * Math.sqrt(DRAWS * p * (1 - p)));
    }
  });

  test('requests of different cost: cost follows shares, not count', () => {
    const stand = new Stand(lottery(4));
    stand.arriveMany('dear', 4_000, 8);
    stand.arriveMany('cheap', 20_000, 1);
    const served = countByTag(stand.serve(9_000));
    expect((served['dear']! * 8) / served['cheap']!).toBeGreaterThan(0.85);
    expect((served['dear']! * 8) / served['cheap']!).toBeLessThan(1.15);
  });

  test('another seed draws another order', () => {
    const order = (seed: number): string[] => {
      const stand = new Stand(lottery(seed));
      stand.arriveMany('a', 50);
      stand.arriveMany('b', 50);
      return stand.serve(60);
    };
    expect(order(1)).not.toEqual(order(2));
  });
});

describe('ticket tree', () => {
  test('finds the holder of each ticket as a walk along all holders does', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ holder: fc.nat(99), tickets: fc.nat(50) }), { minLength: 1 }), (sets) => {
        const tree = new TicketTree();
        const plain = new Array<number>(100).fill(0);
        for (const { holder, tickets } of sets) {
          tree.set(holder, tickets);
          plain[holder] = tickets;
        }
        const total = plain.reduce((sum, tickets) => sum + tickets, 0);
        expect(tree.total).toBe(total);
        const holders = plain.flatMap((tickets, holder) => new Array<number>(tickets).fill(holder));
        expect(holders.map((_, ticket) => tree.holderOf(ticket))).toEqual(holders);
      }),
    );
  });

  test('never names a holder without tickets, whatever rounding leaves', () => {
    const tree = new TicketTree();
    const rng = new SeededRng(5);
    for (let holder = 0; holder < 40; holder += 3) tree.set(holder, rng.next() / 3);
    expect(tree.holderOf(tree.total) % 3).toBe(0);
    for (let i = 0; i < 10_000; i++) expect(tree.holderOf(rng.next() * tree.total) % 3).toBe(0);
  });
});
