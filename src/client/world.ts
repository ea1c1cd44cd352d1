/** What the client takes from its surroundings, and the default: the machine's clock and randomness. */
import { NS_PER_MS } from '../core/model/units.js';

export interface Timer {
  /** No effect once it has fired or been cancelled. */
  cancel(): void;
}

/** Time, passed in. The clocks of the service fit. */
export interface Clock {
  /** Monotonic. */
  nowNs(): number;
  /** Calls fn once, no earlier than ns from now; never within this call. */
  after(ns: number, fn: () => void): Timer;
}

/** Randomness, passed in. */
export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
}

export const SYSTEM_CLOCK: Clock = {
  nowNs: () => Math.round(performance.now() * NS_PER_MS),
  after(ns, fn) {
    const timer = setTimeout(fn, Math.ceil(ns / NS_PER_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};

export const SYSTEM_RNG: Rng = { next: () => Math.random() };

/** A turn ends when all that has arrived has been looked at: what it made the caller issue leaves together. */
export function endOfTurn(fn: () => void): void {
  setImmediate(fn);
}

/** As if the error had been thrown where nobody stood above it. */
export function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
