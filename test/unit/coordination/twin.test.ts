import { describe, expect, it } from 'vitest';
import { SeededRng } from '../../../src/core/rng.js';
import { exchange } from '../../../src/coordination/twin/exchange.js';
import type { DeviceState } from '../../../src/coordination/twin/records.js';
import type { ExchangeCall, ExchangeReply } from '../../../src/coordination/exchange/protocol.js';
import { checkState } from '../../../src/coordination/twin/check-state.js';
import { ModelHost, runHistory, type Exchange, type ModelPolicies } from '../../support/exchange-history.js';

/** A device's state that one test calls. */
class Bed {
  state: DeviceState | null = null;
  nowUs = 1_000_000;
  nudges: readonly string[] = [];

  readonly exchange = (call: ExchangeCall): ExchangeReply => {
    const around = { nowUs: this.nowUs, server: 's', incarnation: `i${this.nowUs}` };
    const done = exchange(this.state, structuredClone(call), around);
    this.state = done.state;
    this.nudges = done.nudges;
    return done.reply;
  };

  /** One exchange of the host, answered. */
  step(host: ModelHost, afterUs = 100): ExchangeReply {
    this.nowUs += afterUs;
    const reply = this.exchange(host.call(this.nowUs));
    host.taken(reply);
    return reply;
  }
}

function policies(shares: Readonly<Record<string, number>>): ModelPolicies {
  const entries = Object.entries(shares).map(
    ([tag, value]) => [tag, { shares: value, selfShares: 100, revision: 1 }] as const,
  );
  return { revision: 1, shares: new Map(entries) };
}

/** Each host keeps 64 of each of its tags outstanding; what is granted ends before its next call. */
function saturate(bed: Bed, placement: readonly (readonly [ModelHost, readonly string[]])[], rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    for (const [host, tags] of placement) {
      if (round === 0) for (const tag of tags) for (let i = 0; i < 64; i++) host.arrive(tag, 1, bed.nowUs);
      const before = new Map(host.served);
      host.finishAll();
      bed.step(host);
      for (const tag of tags) {
        for (let i = (host.served.get(tag) ?? 0) - (before.get(tag) ?? 0); i > 0; i--) host.arrive(tag, 1, bed.nowUs);
      }
    }
  }
}

describe('the shared state of a device', () => {
  it.each([1, 4, 32])('serves two tags, each alone on its host, 1:10 by their shares at depth %i', (depth) => {
    const bed = new Bed();
    const shares = policies({ a: 100, b: 1000 });
    const a = new ModelHost('A', 'disk0', { depth }, shares);
    const b = new ModelHost('B', 'disk0', { depth }, shares);
    saturate(
      bed,
      [
        [a, ['a']],
        [b, ['b']],
      ],
      4_000,
    );
    const ratio = b.served.get('b')! / a.served.get('a')!;
    expect(ratio / 10).toBeGreaterThan(0.97);
    expect(ratio / 10).toBeLessThan(1.03);
  });

  it('owes a tag what its host fetched too late, and no more than a request for each slot', () => {
    const bed = new Bed();
    const depth = 8;
    const shares = policies({ a: 100, b: 100 });
    const a = new ModelHost('A', 'disk0', { depth }, shares);
    const b = new ModelHost('B', 'disk0', { depth }, shares);
    const placement = [
      [a, ['a']],
      [b, ['b']],
    ] as const;
    const late = (rounds: number): void => {
      for (let round = 0; round < rounds; round++) {
        saturate(bed, [placement[0]], 1);
        bed.nowUs += 3_000;
      }
    };
    saturate(bed, placement, 10);
    for (let i = 0; i < 400; i++) {
      late(1);
      saturate(bed, placement, 10);
    }
    expect(Math.abs(b.served.get('b')! / a.served.get('a')! - 1)).toBeLessThan(0.01);
    const ahead = (): number => a.served.get('a')! - b.served.get('b')!;
    const from = ahead();
    late(50);
    const most = ahead() - from;
    expect(most).toBeGreaterThan(20 * depth);
    saturate(bed, placement, 100);
    const back = most - (ahead() - from);
    expect(back).toBeLessThanOrEqual(depth);
  });

  it('keeps its sums in any history', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const rng = new SeededRng(seed);
      const bed = new Bed();
      const exchangeAt: Exchange = (call, around) => {
        bed.nowUs = around.nowUs;
        const reply = bed.exchange(call);
        if (bed.state !== null) checkState(bed.state);
        return reply;
      };
      await runHistory(rng, exchangeAt, {
        steps: 400,
        settings: { depth: 4, scheduler: (['fair', 'stride', 'fifo'] as const)[seed % 3]! },
        hosts: 3,
        tags: ['a', 'b', 'b/x', 'b/y/z', 'c/d'],
        faults: { lose: 0.1, duplicate: 0.1, crash: 0.01, server: 0, settings: 0.005, flush: 0 },
        costMax: 20,
      });
    }
  });

  it('lets no more requests to the device than its depth while nobody is cut off', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const rng = new SeededRng(1_000 + seed);
      const bed = new Bed();
      const depth = 1 + rng.below(8);
      let most = 0;
      const exchangeAt: Exchange = (call, around) => {
        bed.nowUs = around.nowUs;
        return bed.exchange(call);
      };
      await runHistory(rng, exchangeAt, {
        steps: 400,
        settings: { depth, scheduler: (['fair', 'stride', 'fifo'] as const)[seed % 3]! },
        hosts: 1 + rng.below(4),
        tags: ['a', 'b', 'b/x', 'c/d'],
        faults: { lose: 0.1, duplicate: 0.1, crash: 0, server: 0, settings: 0, flush: 0 },
        costMax: 20,
        orderly: true,
        afterStep: (hosts) => {
          const out = hosts.reduce((sum, host) => sum + host.outstanding, 0);
          if (out > most) most = out;
          expect(out, `seed ${seed}`).toBeLessThanOrEqual(depth);
        },
      });
      expect(most, `seed ${seed} uses its depth`).toBe(depth);
    }
  });
});
