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
});
