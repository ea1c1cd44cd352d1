/** How long to wait before dialling again: exponential in the rounds over all addresses, with jitter. */
import type { Rng } from './world.js';
import { NS_PER_MS } from '../core/model/units.js';

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * Between half and all of min(max, initial x 2^round): many clients that lost the same host do not
 * come back in step, and none comes back at once again and again.
 * @param tries dials since the last stream that held
 */
export function backoffNs(tries: number, addresses: number, options: BackoffOptions, rng: Rng): number {
  const round = Math.floor(tries / addresses);
  const fullMs = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(round, 30));
  return Math.round(fullMs * (0.5 + 0.5 * rng.next()) * NS_PER_MS);
}
