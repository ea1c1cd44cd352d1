/** Each host's part of the slots: its advance while nobody waits, its quota for an outage. */
import { isSettling, nudge, slotsUsed, sumOf, waitingInAll, type RefHost, type Reference } from './records.js';

export function noteContention(r: Reference, caller: RefHost): void {
  if (!isSettling(r) && waitingInAll(r) > 0) {
    r.contended = true;
    r.calmSinceUs = r.clockUs;
  } else if (r.clockUs - r.calmSinceUs >= 100_000) {
    r.contended = false;
  }
  if (r.contended) for (const host of r.hosts) if (host !== caller && host.advance > 0) nudge(r, host);
}

/** Never more than is free; called in where somebody waits, or the depth is passed. */
export function giveAdvance(r: Reference, host: RefHost, has: number): number {
  const { depth } = r.settings;
  const due = r.contended || isSettling(r) ? 0 : Math.max(1, Math.floor(depth / (2 * r.hosts.length)));
  const free = depth - slotsUsed(r);
  let gets = due;
  if (free < 0) gets = Math.min(due, Math.max(0, has + free));
  else if (due > has) gets = Math.min(due, has + free);
  if (free >= 0) host.advanceIdle += Math.max(0, gets - has);
  return (host.advance = gets);
}

const GOLDEN = 0.6180339887498949;

/** The whole numbers in the host's part of a line as long as the depth; no more than the others leave. */
export function giveQuota(r: Reference, caller: RefHost): number {
  if (isSettling(r)) return caller.quotaHeld;
  const { depth } = r.settings;
  const turn = Math.floor(r.clockUs / 1_000_000) * GOLDEN;
  const weights = r.hosts.map((host) => 1 + sumOf(host, ({ weight }) => weight));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const at = r.hosts.indexOf(caller);
  const before = weights.slice(0, at).reduce((sum, weight) => sum + weight, 0);
  const upTo = (weight: number): number => Math.floor((depth * weight) / total + (turn - Math.floor(turn)));
  const part = upTo(before + weights[at]!) - upTo(before);
  const others = r.hosts.reduce((sum, host) => sum + (host === caller ? 0 : host.quotaHeld), 0);
  const most = r.clockUs < r.unsureUntilUs ? Math.min(caller.quotaHeld, depth - others) : depth - others;
  const quota = Math.max(0, Math.min(part, most));
  caller.quotaHeld = Math.max(caller.quotaHeld, quota);
  return quota;
}
