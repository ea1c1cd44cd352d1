import { describe, expect, it, vi } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';

describe('RealClock', () => {
  it('has one Node timer at most, and none when nothing is armed', () => {
    const timeouts = vi.spyOn(globalThis, 'setTimeout');
    const immediates = vi.spyOn(globalThis, 'setImmediate');
    try {
      const clock = new RealClock();
      const timers = Array.from({ length: 100 }, (_, i) => clock.after(60e9 + i * 1e9, () => undefined));
      expect(timeouts).toHaveBeenCalledTimes(1);
      const near = Array.from({ length: 100 }, () => clock.after(1_000_000, () => undefined));
      expect(immediates).toHaveBeenCalledTimes(1);
      for (const timer of [...timers, ...near]) timer.cancel();
      expect(clock.pending).toBe(0);
    } finally {
      timeouts.mockRestore();
      immediates.mockRestore();
    }
  });

  it('still fires the others where one throws', async () => {
    const clock = new RealClock();
    // Stands for the process's own handler, which vitest has set.
    const handlers = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
    process.removeAllListeners('uncaughtException');
    const caught: unknown[] = [];
    process.once('uncaughtException', (error) => caught.push(error));
    try {
      clock.after(1_000, () => {
        throw new Error('from a timer');
      });
      await new Promise<void>((resolve) => clock.after(2_000, resolve));
    } finally {
      for (const handler of handlers) process.on('uncaughtException', handler);
    }
    expect(String(caught[0])).toContain('from a timer');
  });
});
