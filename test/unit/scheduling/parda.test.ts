import { describe, expect, test } from 'vitest';
import { NS_PER_MS } from '../../../src/core/model/units.js';
import { PARDA, PardaAlgorithm } from '../../../src/core/scheduling/baselines/parda.js';
import { Stand, countByTag } from './stand.js';
import type { Ticket } from './stand.js';

/** Serves a stand by a drive whose latency is its queue's; requests in the drive by tag, averaged over the end. */
function settle(stand: Stand<PardaAlgorithm>, serviceMs: number, seconds: number): Record<string, number> {
  const out: Ticket[] = [];
  const grantedNs = new Map<Ticket, number>();
  const sums: Record<string, number> = {};
  let samples = 0;
  const steps = (seconds * 1_000) / serviceMs;
  for (let step = 0; step < steps; step++) {
    for (let ticket = stand.grant(); ticket !== null; ticket = stand.grant()) {
      out.push(ticket);
      grantedNs.set(ticket, stand.nowNs);
    }
    stand.advanceMs(serviceMs);
    const ticket = out.shift();
    if (ticket === undefined) break;
    const leaf = stand.queues.get(ticket.tag)!;
    stand.outstanding.splice(stand.outstanding.indexOf(ticket), 1);
    leaf.outstanding -= 1;
    stand.algorithm.finished(leaf.leaf, ticket, stand.nowNs - grantedNs.get(ticket)!, stand.nowNs);
    grantedNs.delete(ticket);
    stand.arrive(ticket.tag);
    if (step < steps / 2) continue;
    samples++;
    for (const [tag, count] of Object.entries(countByTag(out.map((one) => one.tag))))
      sums[tag] = (sums[tag] ?? 0) + count;
  }
  return Object.fromEntries(Object.entries(sums).map(([tag, sum]) => [tag, sum / samples]));
}

describe('parda', () => {
  test('windows settle in proportion to shares where all see one latency', () => {
    const stand = new Stand((context) => new PardaAlgorithm(context, PARDA)).shares({ a: 100, b: 200, c: 300 });
    for (const tag of ['a', 'b', 'c']) stand.arriveMany(tag, 100);
    const out = settle(stand, 10, 120);
    expect(out['b']! / out['a']!).toBeGreaterThan(1.6);
    expect(out['b']! / out['a']!).toBeLessThan(2.4);
    expect(out['c']! / out['a']!).toBeGreaterThan(2.4);
    expect(out['c']! / out['a']!).toBeLessThan(3.6);
  });

  test('a fast device opens the windows to their bound, a slow one closes them', () => {
    const make = (): Stand<PardaAlgorithm> => new Stand((context) => new PardaAlgorithm(context, PARDA));
    const [fast, slow] = [make(), make()];
    for (const stand of [fast, slow]) stand.arriveMany('a', 200);
    expect(settle(fast, 0.1, 20)['a']!).toBeGreaterThan(PARDA.windowMax - 2);
    expect(settle(slow, 50, 120)['a']!).toBeLessThan(8);
  });

  test('leaves work waiting where the window is full, in order of arrival inside it', () => {
    const stand = new Stand((context) => new PardaAlgorithm(context, { ...PARDA, windowMax: 3, windowMin: 3 }));
    const sent = stand.arriveMany('a', 10);
    expect([stand.grant(), stand.grant(), stand.grant()]).toEqual(sent.slice(0, 3));
    expect(stand.grant()).toBeNull();
    stand.advanceMs(1 / NS_PER_MS);
    stand.finish(sent[0]!);
    expect(stand.grant()).toBe(sent[3]);
  });
});
