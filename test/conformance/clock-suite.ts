/** What every Clock has to do, whoever makes it. `pass` lets at least ns of its time go by. */
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/core/model/errors.js';
import type { Clock, Timer } from '../../src/core/ports.js';

export interface ClockUnderTest {
  readonly clock: Clock & { readonly pending: number };
  readonly pass: (ns: number) => Promise<void>;
}

export function clockConformance(name: string, make: () => ClockUnderTest): void {
  describe(`clock conformance: ${name}`, () => {
    it('never goes back, and goes on', async () => {
      const { clock, pass } = make();
      const first = clock.nowNs();
      expect(first).toBeGreaterThanOrEqual(0);
      await pass(50_000);
      expect(clock.nowNs()).toBeGreaterThanOrEqual(first + 50_000);
    });

    it('fires no earlier than asked, once, and never within the call', async () => {
      const { clock, pass } = make();
      for (const ns of [0, 1, 30_000, 900_000, 2_500_000]) {
        let fired = 0;
        let atNs = -1;
        const armedNs = clock.nowNs();
        clock.after(ns, () => {
          fired += 1;
          atNs = clock.nowNs();
        });
        expect(fired).toBe(0);
        await pass(ns + 100_000);
        expect(fired).toBe(1);
        expect(atNs).toBeGreaterThanOrEqual(armedNs + ns);
      }
      expect(clock.pending).toBe(0);
    });

    it('fires in order of due time', async () => {
      const { clock, pass } = make();
      const order: number[] = [];
      for (const ms of [3, 1, 2, 0]) clock.after(ms * 1_000_000, () => order.push(ms));
      await pass(4_000_000);
      expect(order).toEqual([0, 1, 2, 3]);
    });

    it('fires nothing that was cancelled, and cancelling late does nothing', async () => {
      const { clock, pass } = make();
      const fired: string[] = [];
      const kept = clock.after(10_000, () => fired.push('kept'));
      clock.after(20_000, () => fired.push('cancelled')).cancel();
      let victim: Timer | null = null;
      clock.after(30_000, () => victim?.cancel());
      victim = clock.after(200_000_000, () => fired.push('cancelled by another'));
      await pass(100_000);
      kept.cancel();
      kept.cancel();
      expect(fired).toEqual(['kept']);
      expect(clock.pending).toBe(0);
    });

    it('fires what a timer arms for at once, after the timer has returned', async () => {
      const { clock, pass } = make();
      const order: string[] = [];
      clock.after(1_000, () => {
        clock.after(0, () => order.push('inner'));
        order.push('outer');
      });
      await pass(500_000);
      expect(order).toEqual(['outer', 'inner']);
    });

    it('takes a negative delay as none and refuses what is not a number', async () => {
      const { clock, pass } = make();
      let fired = 0;
      clock.after(-5, () => (fired += 1));
      await pass(100_000);
      expect(fired).toBe(1);
      expect(() => clock.after(NaN, () => undefined)).toThrow(SluiceError);
    });
  });
}
