import { RealClock } from '../../src/clock/real.js';
import { VirtualClock } from '../../src/clock/virtual.js';
import { clockConformance } from './clock-suite.js';

clockConformance('virtual', () => {
  const clock = new VirtualClock(0);
  return {
    clock,
    pass: (ns) => {
      clock.runFor(ns);
      return Promise.resolve();
    },
  };
});

clockConformance('real', () => {
  const clock = new RealClock();
  // A timer behind all those of the test: when it fires, they have. And one behind what those armed:
  // on a busy machine both may be late and fall into one round.
  return { clock, pass: (ns) => new Promise((resolve) => clock.after(ns, () => clock.after(0, resolve))) };
});
