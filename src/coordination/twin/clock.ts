/**
 * The device's own clock: the store's time, less what must not count. Leases end by it, so time in
 * which the store was away (its last exchange is older than a quarter of the lease), in which
 * another server took over, or which the store's clock jumped, ends nobody's lease: all leases are
 * extended by the gap by standing still with it.
 */
import type { Call } from './call.js';

/** Part of a lease for which hosts may be silent, all of them, before the store was away. */
const AWAY = 1 / 4;
/** After a change of server nothing is granted for that part of a lease at least: it may be behind, and hosts it does not know have to come back. */
const SETTLE = 1 / 4;

export function passTime(c: Call, storeUs: number, server: string, leaseUs: number): void {
  const { meta } = c;
  const gap = storeUs - meta.storeUs;
  const changed = server !== meta.server;
  if (!changed && gap > 0 && gap <= leaseUs * AWAY) meta.clockUs += gap;
  meta.storeUs = storeUs;
  if (!changed) return;
  meta.server = server;
  const { length } = meta.hosts;
  if (!(meta.clockUs < meta.settlingUntil && meta.expected > length)) meta.expected = length;
  meta.returned = 0;
  for (const host of meta.hosts) host.confirmed = false;
  const until = meta.clockUs + leaseUs * SETTLE;
  if (until > meta.settlingUntil) meta.settlingUntil = until;
  meta.unsureUntil = meta.clockUs + leaseUs;
}
