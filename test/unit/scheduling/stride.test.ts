/** The paper's algorithm does what it says, weaknesses included; `fair` in the same place has none of them. */
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../../../src/core/scheduling/registry.js';
import type { DeviceSettingsPatch, SchedulerName } from '../../../src/core/model/device.js';
import { Stand, countByTag } from './stand.js';

function stand(scheduler: SchedulerName, patch: DeviceSettingsPatch = {}): Stand {
  return new Stand(ALGORITHMS[scheduler], patch);
}

/** How many of `tag` come before the first of anybody else. */
function burst(tags: readonly string[], tag: string): number {
  const end = tags.findIndex((one) => one !== tag);
  return end < 0 ? tags.length : end;
}

describe('stride', () => {
  test('gives requests in proportion to shares', () => {
    const one = stand('stride').shares({ a: 100, b: 200, c: 300 });
    for (const tag of ['a', 'b', 'c']) one.arriveMany(tag, 700);
    expect(countByTag(one.serve(600))).toEqual({ a: 100, b: 200, c: 300 });
  });

  describe('a sleeper', () => {
    /** Two equals; one sleeps for `sleptMs` while the other has 100 requests served; then both are backlogged. */
    function afterSleep(scheduler: SchedulerName, patch: DeviceSettingsPatch, sleptMs: number): number {
      const one = stand(scheduler, patch);
      one.arrive('sleeper');
      one.serve(1);
      one.arriveMany('worker', 400);
      one.serve(100);
      one.advanceMs(sleptMs);
      one.arriveMany('sleeper', 200);
      return burst(one.serve(250), 'sleeper');
    }

    test('has about 100 dispatches in a row under the rule as written: the correction does nothing', () => {
      expect(afterSleep('stride', { stride: { sleepRule: 'as-written' } }, 60_000)).toBeGreaterThanOrEqual(98);
    });

    test('starts level with the others under the rule before-pick', () => {
      expect(afterSleep('stride', { stride: { sleepRule: 'before-pick' } }, 60_000)).toBeLessThanOrEqual(1);
    });

    test('that sleeps a little less than sleep_ms saves up without bound under either rule', () => {
      for (const sleepRule of ['as-written', 'before-pick'] as const) {
        expect(afterSleep('stride', { stride: { sleepRule, sleepMs: 1_000 } }, 999)).toBeGreaterThanOrEqual(98);
      }
    });

    test('saves nothing up in fair, however long it sleeps', () => {
      for (const sleptMs of [0, 1, 999, 60_000]) expect(afterSleep('fair', {}, sleptMs)).toBeLessThanOrEqual(2);
    });
  });

  describe('the reset at the threshold', () => {
    /** A tag of 10 shares beside one of 1, both backlogged: how many of 220 requests the small one gets; 20 is right. */
    function servedToSmall(scheduler: SchedulerName, patch: DeviceSettingsPatch): number {
      const one = stand(scheduler, patch).shares({ big: 10, small: 1 });
      one.arriveMany('big', 400);
      one.arriveMany('small', 400);
      return countByTag(one.serve(220))['small']!;
    }

    test('forgets who was owed: a counter that steps to the threshold undoes the shares', () => {
      expect(servedToSmall('stride', { stride: { globalShares: 10, threshold: 2 ** 40 } })).toBe(20);
      expect(servedToSmall('stride', { stride: { globalShares: 10, threshold: 10 } })).toBe(110);
    });

    test('has no counterpart in fair: taking counters back keeps what everybody is owed', () => {
      expect(Math.abs(servedToSmall('fair', {}) - 20)).toBeLessThanOrEqual(1);
      // At 1 and 10 shares this much cost takes virtual time past 2^40 several times over.
      const one = stand('fair').shares({ big: 10, small: 1 });
      const cost = 65_536;
      let apart = 0;
      const served: Record<string, number> = { big: 0, small: 0 };
      one.arriveMany('big', 2, cost);
      one.arriveMany('small', 2, cost);
      for (let i = 0; i < 50_000; i++) {
        const [tag] = one.serve(1);
        one.arrive(tag!, cost);
        served[tag!]! += cost;
        apart = Math.max(apart, Math.abs(served['big']! / 10 - served['small']!));
      }
      expect(apart).toBeLessThanOrEqual(cost / 10 + cost);
    });
  });

  describe('cost', () => {
    /** Cost served to a tag of large requests, over that of an equal with small ones. */
    function costRatio(scheduler: SchedulerName): number {
      const one = stand(scheduler);
      one.arriveMany('large', 2_000, 64);
      one.arriveMany('small', 20_000, 1);
      one.serve(2_000);
      const cost = (tag: string): number =>
        one.granted.filter((ticket) => ticket.tag === tag).reduce((sum, ticket) => sum + ticket.cost, 0);
      return cost('large') / cost('small');
    }

    test('is nothing to stride: large requests have 64 times as much', () => {
      expect(costRatio('stride')).toBeCloseTo(64, 0);
    });

    test('is what fair goes by', () => {
      expect(costRatio('fair')).toBeCloseTo(1, 0);
    });
  });
});
