/** The simulated cluster finds what it is there to find: a state that is made to err breaks a promise by name. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { TwinStore } from '../../../src/coordination/twin/store.js';
import { runSeed } from '../../../src/simulator/cluster/run.js';
import type { ExchangeReply } from '../../../src/coordination/exchange/protocol.js';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** What the first of the seeds to notice says is broken; '' where none does. */
function brokenBy(err: (reply: ExchangeReply) => ExchangeReply): string {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the store it is taken from
  const { exchange } = TwinStore.prototype;
  vi.spyOn(TwinStore.prototype, 'exchange').mockImplementation(function (this: TwinStore, call) {
    const answer = exchange.call(this, call);
    return { ...answer, reply: err(answer.reply) };
  });
  for (const seed of SEEDS) {
    const { broken } = runSeed(seed);
    if (broken !== null) return broken.promise;
  }
  return '';
}

describe('the simulated cluster', () => {
  afterEach(() => vi.restoreAllMocks());

  test('breaks nothing as it is, and runs the same way twice', () => {
    const first = SEEDS.slice(0, 2).map((seed) => runSeed(seed));
    expect(first.map(({ broken }) => broken)).toEqual([null, null]);
    expect(SEEDS.slice(0, 2).map((seed) => runSeed(seed))).toEqual(first);
    expect(first[0]!.digest).not.toBe(first[1]!.digest);
  });

  test('sees slots that are given twice', () => {
    expect(brokenBy((reply) => (reply.status === 'ok' ? { ...reply, advance: reply.depth } : reply))).toBe('slots');
  });

  test('sees quotas that sum to more than the depth', () => {
    expect(brokenBy((reply) => ({ ...reply, outageQuota: reply.depth }))).toBe('quota');
  });

  test('sees grants that are never told', () => {
    expect(brokenBy((reply) => ({ ...reply, granted: [] }))).not.toBe('');
  });

  test('sees an advance that never comes', () => {
    expect(brokenBy((reply) => ({ ...reply, advance: 0 }))).toBe('light');
  });
});
