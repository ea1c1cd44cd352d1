import { describe, expect, test } from 'vitest';
import type { AlgorithmContext } from '../../../src/core/scheduling/algorithm.js';
import { OPS } from '../../../src/core/model/request.js';
import { FairAlgorithm } from '../../../src/core/scheduling/fair.js';
import { Stand, countByTag } from './stand.js';

function makeFair(context: AlgorithmContext): FairAlgorithm {
  return new FairAlgorithm(context);
}

function costOf(stand: Stand, tag: string): number {
  return stand.granted.filter((one) => one.tag.startsWith(tag)).reduce((sum, one) => sum + one.cost, 0);
}

describe('fair', () => {
  test('shares hold at every level of the tree', () => {
    const stand = new Stand(makeFair).shares({ acme: 300, web: 100, 'acme/db': 200, 'acme/log': 100 });
    for (const tag of ['acme/db', 'acme/log', 'web']) stand.arriveMany(tag, 900);
    const served = countByTag(stand.serve(800));
    expect(served).toEqual({ 'acme/db': 400, 'acme/log': 200, web: 200 });
  });

  test('of equal counters the one that became active first goes first', () => {
    const stand = new Stand(makeFair);
    for (const tag of ['c', 'a', 'b']) stand.arriveMany(tag, 2);
    expect(stand.serve(6)).toEqual(['c', 'a', 'b', 'c', 'a', 'b']);
  });

  test('what an idle child leaves goes to its siblings before it goes to its uncles', () => {
    const stand = new Stand(makeFair);
    stand.arriveMany('acme/db', 100);
    stand.arriveMany('web', 100);
    stand.arrive('acme/log');
    expect(countByTag(stand.serve(100))).toEqual({ 'acme/db': 49, 'acme/log': 1, web: 50 });
  });

  describe('a tag that is a leaf and a parent', () => {
    test('keeps backlog, order, debt and leaf number when it gets a child', () => {
      const stand = new Stand(makeFair);
      const own = stand.arriveMany('acme', 20);
      stand.arriveMany('web', 100);
      stand.serve(10);
      const atDevice = stand.grant()!;
      const leaf = stand.algorithm.open('acme', 0);
      stand.arriveMany('acme/db', 50);
      expect(stand.algorithm.open('acme', 0)).toBe(leaf);
      stand.finish(atDevice);
      const before = stand.granted.length;
      stand.serve(60);
      // acme as a whole stands where it stood: half to it, half to web, from the first grant on.
      const whole = stand.granted.slice(before).map((ticket) => (ticket.tag === 'web' ? 'web' : 'acme'));
      for (let i = 2; i <= whole.length; i += 2) {
        expect(Math.abs(countByTag(whole.slice(0, i))['acme']! - i / 2)).toBeLessThanOrEqual(1);
      }
      stand.serve(200);
      expect(stand.granted.filter((ticket) => ticket.tag === 'acme')).toEqual(own);
    });

    test("its own requests weigh self_shares among its children, and its shares are its node's", () => {
      const stand = new Stand(makeFair).shares({ web: 100, 'acme/db': 100 });
      stand.setShares('acme', { shares: 200, selfShares: 300 });
      for (const tag of ['acme', 'acme/db', 'web']) stand.arriveMany(tag, 900);
      const first = countByTag(stand.serve(1_200));
      expect(first['web']).toBe(400);
      // The bound for siblings of 300 and 100 shares at cost 1, times 300.
      expect(Math.abs(first['acme']! - 3 * first['acme/db']!)).toBeLessThanOrEqual(4);
      stand.setShares('acme', { selfShares: 100 });
      const second = countByTag(stand.serve(300));
      expect(second['web']).toBe(100);
      expect(Math.abs(second['acme']! - second['acme/db']!)).toBeLessThanOrEqual(2);
    });

    test('goes on with requests of its own once the leaf for them was forgotten', () => {
      const stand = new Stand(makeFair);
      stand.arriveMany('acme/db', 300);
      stand.arrive('acme');
      stand.serve(3);
      for (let i = 0; i < 100; i++) {
        stand.arrive(`other${i}`);
        stand.serve(2);
      }
      stand.arriveMany('acme', 3);
      expect(countByTag(stand.serve(6))['acme']).toBe(3);
    });
  });

  describe('gains nothing:', () => {
    test('a tag that takes a new name for each request', () => {
      let names = 0;
      let last = '';
      const stand = new Stand(makeFair);
      stand.arriveMany('steady', 1_000, 64);
      for (let turn = 0; turn < 1_000; turn++) {
        if (last === '' || stand.waiting(last) === 0) stand.arrive((last = `loop${names++}`), 64);
        stand.serve(1);
      }
      expect(costOf(stand, 'loop') / costOf(stand, '')).toBeLessThanOrEqual(0.501);
    });

    test('a tag that takes a new name for each pair of a cheap and a dear request', () => {
      let names = 0;
      const stand = new Stand(makeFair);
      stand.arriveMany('steady', 3_000, 64);
      for (let turn = 0; turn < 3_000; turn++) {
        if (names === 0 || stand.waiting(`loop${names}`) === 0) {
          names += 1;
          stand.arrive(`loop${names}`, 1);
          stand.arrive(`loop${names}`, 64);
        }
        stand.serve(1);
      }
      expect(costOf(stand, 'loop') / costOf(stand, '')).toBeLessThanOrEqual(0.501);
    });

    test('a tenant that has many names at once', () => {
      const stand = new Stand(makeFair);
      stand.arriveMany('good', 1_000);
      for (let i = 0; i < 1_000; i++) stand.arrive(`evil/app${i}`);
      stand.serve(1_000);
      expect(costOf(stand, 'evil')).toBeLessThanOrEqual(501);
    });

    test('a tag that sends only FLUSH, at cost 1, beside requests of 64: backlogged, or one at a time', () => {
      for (const backlog of [10_000, 1]) {
        const stand = new Stand(makeFair);
        stand.arriveMany('steady', 1_000, 64);
        for (let turn = 0; turn < 6_500; turn++) {
          while (stand.waiting('flusher') < backlog) stand.arrive('flusher', 1, OPS.FLUSH);
          stand.serve(1);
        }
        expect(costOf(stand, 'flusher') - costOf(stand, 'steady')).toBeLessThanOrEqual(65);
      }
    });

    test('a tag that idles for every length of time, again and again', () => {
      for (const pauseMs of [0, 10, 999, 1_001, 60_000]) {
        const stand = new Stand(makeFair);
        stand.arriveMany('steady', 4_000);
        for (let round = 0; round < 20; round++) {
          stand.serve(100);
          stand.advanceMs(pauseMs);
          stand.arriveMany('sleeper', 20);
          const before = costOf(stand, 'sleeper');
          stand.serve(40);
          // Its part of 40 while both are backlogged, and one more for the bound.
          expect(costOf(stand, 'sleeper') - before).toBeLessThanOrEqual(21);
        }
      }
    });
  });

  describe('the end of a busy period', () => {
    /** A 1-share tag has 64 units served; after a pause, how many units a 1,000-share sibling gets before it. */
    function waitAfter(pauseMs: number): number {
      const stand = new Stand(makeFair, { fair: { idleResetMs: 1_000 } }).shares({ light: 1, heavy: 1_000 });
      stand.arrive('light', 64);
      stand.serve(1);
      stand.advanceMs(pauseMs);
      stand.arrive('light', 64);
      stand.arriveMany('heavy', 150, 1_000);
      return stand.serve(151).indexOf('light') * 1_000;
    }

    test('ends old debts', () => {
      expect(waitAfter(999)).toBeGreaterThanOrEqual(63_000);
      expect(waitAfter(1_000)).toBeLessThanOrEqual(1_000);
    });

    test('does not come while a request is outstanding, or while there is work', () => {
      const stand = new Stand(makeFair).shares({ light: 1, heavy: 1_000 });
      stand.arrive('light', 64);
      const slow = stand.grant()!;
      stand.advanceMs(3_600_000);
      stand.arrive('light', 64);
      stand.arriveMany('heavy', 150, 1_000);
      stand.finish(slow);
      expect(stand.serve(151).indexOf('light')).toBeGreaterThanOrEqual(63);
    });
  });

  describe('credit', () => {
    /** How many in a row a tag gets that comes back after others have been served. */
    function firstRun(credit: number, known: boolean): number {
      const stand = new Stand(makeFair, { fair: { credit } });
      if (known) stand.arrive('back');
      stand.arriveMany('steady', 400);
      stand.serve(101);
      stand.arriveMany('back', 100);
      const order = stand.serve(100);
      return order.slice(order.indexOf('back')).findIndex((tag) => tag !== 'back');
    }

    test('forgives a gap by so many cost units, and no more', () => {
      expect(firstRun(8, true) - firstRun(0, true)).toBe(8);
    });

    test('is not for a tag never seen', () => {
      expect(firstRun(8, false)).toBe(firstRun(0, false));
    });
  });

  describe('handing back', () => {
    test('undoes the charge exactly, at every level', () => {
      const plan = (handsBack: boolean): string[] => {
        const stand = new Stand(makeFair).shares({ acme: 300, web: 700, 'acme/db': 7 });
        stand.arriveMany('acme/db', 40, 3);
        stand.arriveMany('acme/log', 40, 5);
        stand.arriveMany('web', 40, 11);
        stand.serve(30);
        if (handsBack) {
          const ticket = stand.grant()!;
          stand.handBack(ticket);
          stand.join(ticket, true);
        }
        return stand.serve(60);
      };
      expect(plan(true)).toEqual(plan(false));
    });

    test('takes no counter below where the tag would start anew', () => {
      const stand = new Stand(makeFair);
      const dear = stand.arrive('a', 1_000);
      stand.grant();
      stand.arriveMany('b', 3_000);
      stand.serve(2_000);
      // Active again only now, 2,000 units later: what was paid before is past.
      stand.arriveMany('a', 100);
      stand.handBack(dear);
      expect(countByTag(stand.serve(100))['a']).toBeLessThanOrEqual(51);
    });
  });
});
