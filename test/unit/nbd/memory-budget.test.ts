/** The memory of all NBD connections: never past the budget, and everybody gets a turn. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { MemoryBudget, type MemoryHolder, type MemoryPart } from '../../../src/doors/nbd/memory-budget.js';

const MIB = 1_048_576;
const BUDGET = 64 * MIB;
const CONNECTIONS = 16;
const OWN = BUDGET / 2 / CONNECTIONS;

class Holder implements MemoryHolder {
  readonly part: MemoryPart;
  granted = 0;
  moved: number | null = null;
  cut = '';

  constructor(budget: MemoryBudget) {
    this.part = budget.part(this);
  }

  roomMade(): void {
    this.granted += 1;
  }

  movedBytes(): number | null {
    return this.moved;
  }

  cutOff(why: string): void {
    this.cut = why;
    this.part.leave();
  }
}

function holders(count: number): { budget: MemoryBudget; clock: VirtualClock; all: Holder[] } {
  const clock = new VirtualClock();
  const budget = new MemoryBudget(BUDGET, CONNECTIONS, clock);
  return { budget, clock, all: Array.from({ length: count }, () => new Holder(budget)) };
}

describe('the budget', () => {
  test('within its own part a connection never waits, above it the pool is first come first served', () => {
    const { budget, all } = holders(4);
    const [a, b, c, d] = all as [Holder, Holder, Holder, Holder];
    expect(a.part.claim(32 * MIB)).toBe(true);
    a.part.took();
    expect(b.part.claim(OWN)).toBe(true);
    b.part.took();
    expect(b.part.claim(32 * MIB)).toBe(false);
    // It would fit, but another waits for the pool.
    expect(c.part.claim(OWN + MIB)).toBe(false);
    expect(d.part.claim(OWN)).toBe(true);
    expect(budget.waiting).toBe(2);
    a.part.holds(0);
    expect([b.granted, c.granted]).toEqual([1, 0]);
    b.part.took();
    b.part.holds(32 * MIB);
    expect(c.granted).toBe(1);
    expect(budget.waiting).toBe(0);
  });

  test('of any history: what is counted stays within the budget, and when all give back all have had their turn', () => {
    const action = fc.record({
      who: fc.nat(CONNECTIONS - 1),
      bytes: fc.integer({ min: 1, max: 32 * MIB }),
      back: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const { budget, clock, all } = holders(CONNECTIONS);
        const held = all.map(() => 0);
        const asked = all.map(() => 0);
        const counted = all.map(() => 0);
        const take = (who: number, bytes: number): void => {
          all[who]!.part.took();
          held[who]! += bytes;
          counted[who]! += 1;
        };
        const waits = new Map<number, number>();
        const drain = (): void => {
          for (const [who, bytes] of [...waits]) {
            if (all[who]!.part.waiting) continue;
            waits.delete(who);
            take(who, bytes);
          }
        };
        const check = (): void => {
          const claims = [...waits].filter(([who]) => !all[who]!.part.waiting).map(([, bytes]) => bytes);
          const sum = [...held, ...claims].reduce((total, bytes) => total + bytes, 0);
          expect(sum).toBeLessThanOrEqual(BUDGET);
        };
        for (const { who, bytes, back } of actions) {
          if (back) {
            held[who] = 0;
            all[who]!.part.holds(0);
          } else if (!waits.has(who)) {
            asked[who]! += 1;
            if (all[who]!.part.claim(bytes)) take(who, bytes);
            else waits.set(who, bytes);
          }
          check();
          drain();
        }
        for (let round = 0; waits.size > 0 && round < CONNECTIONS; round++) {
          for (const [who, holder] of all.entries()) {
            held[who] = 0;
            holder.part.holds(0);
          }
          drain();
        }
        expect(counted).toEqual(asked);
        expect(budget.waiting).toBe(0);
        budget.close();
        expect(clock.pending).toBe(0);
      }),
    );
  });

  test('who holds and moves nothing while others wait is cut off; who moves, or waits for the device, is not', () => {
    const { clock, all } = holders(5);
    const [deaf, slow, busy, waiting, gone] = all as [Holder, Holder, Holder, Holder, Holder];
    for (const holder of [deaf, slow, busy]) {
      expect(holder.part.claim(OWN + 10 * MIB)).toBe(true);
      holder.part.took();
    }
    deaf.moved = 7;
    slow.moved = 0;
    // Nobody waits: nobody is in the way.
    clock.runUntil(3_600e9);
    expect(gone.part.claim(32 * MIB)).toBe(false);
    expect(waiting.part.claim(OWN + 3 * MIB)).toBe(false);
    gone.part.leave();
    for (let s = 0; s < 60; s++) {
      slow.moved += 1;
      clock.runUntil(3_600e9 + s * 1e9);
    }
    expect(deaf.cut).toMatch(/limits\.nbd_bytes/);
    expect([slow.cut, busy.cut]).toEqual(['', '']);
    expect([waiting.granted, gone.granted]).toEqual([1, 0]);
    clock.runUntil(7_200e9);
    expect(clock.pending).toBe(0);
  });
});
