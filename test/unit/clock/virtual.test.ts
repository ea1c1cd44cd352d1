import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Timer } from '../../../src/core/ports.js';
import { VirtualClock } from '../../../src/clock/virtual.js';

describe('VirtualClock', () => {
  it('fires by (due time, order of arming), whatever is cancelled in between', () => {
    const action = fc.record({ delay: fc.nat(50), cancel: fc.option(fc.nat(200), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 300 }), (actions) => {
        const clock = new VirtualClock();
        const fired: number[] = [];
        const timers: Timer[] = [];
        const expected = new Map<number, number>();
        actions.forEach(({ delay, cancel }, i) => {
          timers.push(clock.after(delay, () => fired.push(i)));
          expected.set(i, delay);
          if (cancel !== undefined && cancel < timers.length) {
            timers[cancel]!.cancel();
            expected.delete(cancel);
          }
        });
        expect(clock.pending).toBe(expected.size);
        clock.run();
        const order = [...expected].sort((a, b) => a[1] - b[1] || a[0] - b[0]).map(([i]) => i);
        expect(fired).toEqual(order);
      }),
    );
  });

  it('stands at each timer’s own time while it fires, and at the end of runUntil after', () => {
    const clock = new VirtualClock(1_000);
    const seen: number[] = [];
    clock.after(5, () => {
      seen.push(clock.nowNs());
      clock.after(3, () => seen.push(clock.nowNs()));
    });
    clock.after(20, () => seen.push(clock.nowNs()));
    clock.runUntil(10);
    expect(seen).toEqual([5, 8]);
    expect(clock.nowNs()).toBe(10);
    expect(clock.nextDueNs).toBe(20);
    clock.runUntil(4);
    expect(clock.nowNs()).toBe(10);
    clock.run();
    expect(clock.nowNs()).toBe(20);
    expect(clock.nextDueNs).toBe(Infinity);
    expect(clock.step()).toBe(false);
  });

  it('tells wall time from the start it was given', () => {
    const clock = new VirtualClock(1_700_000_000_000);
    clock.runFor(2_500_000_000);
    expect(clock.wallMs()).toBe(1_700_000_002_500);
  });

  it('stops where it is told to', () => {
    const clock = new VirtualClock();
    let fired = 0;
    for (let i = 0; i < 10; i++) clock.after(i, () => (fired += 1));
    clock.run(() => fired === 4);
    expect(fired).toBe(4);
    expect(clock.pending).toBe(6);
  });

  it('fires what is in lanes as if it had been armed by itself', () => {
    // Lanes 0 and 1, and -1: no lane. A step of 0 makes ties.
    const action = fc.record({ lane: fc.integer({ min: -1, max: 1 }), step: fc.nat(3), again: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const run = (inLanes: boolean): string[] => {
          const clock = new VirtualClock();
          const fired: string[] = [];
          const lastNs = [0, 0];
          const lanes = [0, 1].map(() => clock.lane<() => void>((fire) => fire()));
          const arm = (lane: number, step: number, i: number, again: number): void => {
            const fire = (): void => {
              fired.push(`${String(i)} at ${String(clock.nowNs())}`);
              if (again > 0) arm(lane, step, i, again - 1);
            };
            if (lane < 0) {
              clock.after(step, fire);
              return;
            }
            const dueNs = Math.max(lastNs[lane]!, clock.nowNs()) + step;
            lastNs[lane] = dueNs;
            if (inLanes) lanes[lane]!.at(dueNs, fire);
            else clock.after(dueNs - clock.nowNs(), fire);
          };
          actions.forEach(({ lane, step, again }, i) => arm(lane, step, i, again));
          clock.run();
          return fired;
        };
        expect(run(true)).toEqual(run(false));
      }),
    );
  });

  it('takes what comes next out of a lane while one of it fires, and refuses what is due before the last', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    const lane = clock.lane<string>((name) => {
      fired.push(`${name} at ${String(clock.nowNs())}`);
      if (name === 'first')
        expect([lane.next, lane.nextDueNs, lane.count, lane.take()]).toEqual(['second', 7, 2, 'second']);
    });
    lane.at(5, 'first');
    lane.at(7, 'second');
    lane.at(9, 'third');
    expect(clock.pending).toBe(1);
    expect(() => lane.at(8, 'late')).toThrow(/armed for 8 after 9/);
    clock.run();
    expect(fired).toEqual(['first at 5', 'third at 9']);
    expect(lane.nextDueNs).toBe(Infinity);
  });
});
