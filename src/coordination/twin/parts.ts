/** What a host may use without asking: the advance under light load, the quota in an outage. */
import type { ExchangeCall } from '../exchange/protocol.js';
import { nudge, type Call } from './call.js';
import { waitingInAll } from './grant.js';
import { slotsUsed } from './hosts.js';
import type { Host } from './records.js';

/** So long nobody may have waited before slots are given in advance again. */
const CALM_US = 100_000;
/** How long a host has a slot more than its part of the quotas before the next one does. */
const TURN_US = 1_000_000;
/** 1 / golden ratio: multiples of it, less their whole part, fill the interval evenly. */
const GOLDEN = 0.6180339887498949;

/** Whether this state is new or may be behind, and hosts that are still to come back may hold what it knows nothing of. */
export function isSettling(c: Call): boolean {
  const { clockUs, settlingUntil, unsureUntil, returned, expected } = c.meta;
  return clockUs < settlingUntil || (clockUs < unsureUntil && returned < expected);
}

/** Whether slots are short; who waits ends the calm at once. */
export function updateContention(c: Call, caller: Host): void {
  const { meta } = c;
  if (!isSettling(c) && waitingInAll(c) > 0) {
    meta.contended = true;
    meta.calmSince = meta.clockUs;
  } else if (meta.contended && meta.clockUs - meta.calmSince >= CALM_US) {
    meta.contended = false;
  }
  if (!meta.contended) return;
  for (const host of meta.hosts) if (host !== caller && host.advance > 0) nudge(c, host);
}

/** Half of the depth is held in advance, split among the hosts; where they are many, a slot each as far as it goes. */
export function giveAdvance(c: Call, host: Host, call: ExchangeCall): number {
  const { depth } = c.meta.settings;
  const calm = !c.meta.contended && !isSettling(c);
  const part = Math.floor(depth / (2 * c.meta.hosts.length));
  const target = calm ? (part > 1 ? part : 1) : 0;
  let advance = target;
  // A depth that was lowered takes back what was given at the old one.
  const over = slotsUsed(c) - depth;
  if (over > 0) {
    const least = call.advance > over ? call.advance - over : 0;
    if (advance > least) advance = least;
  } else if (target > call.advance) {
    const free = depth - slotsUsed(c);
    const more = target - call.advance < free ? target - call.advance : free;
    advance = call.advance + (more > 0 ? more : 0);
    host.advanceIdle += advance - call.advance;
  }
  host.advance = advance;
  return advance;
}

/**
 * The caller's outage quota. The depth is laid out along a line, each host's part in the length of
 * its weight; a host gets the whole numbers that fall into its part, shifted a little each turn:
 * always the depth in all, each host its part rounded up or down, over many turns exactly its part.
 * More than before only as far as the others have given up what they had; and not for a lease after
 * a change of server: it may be behind, and some host that is cut off may have more than is known here.
 */
export function giveQuota(c: Call, caller: Host): number {
  const { meta } = c;
  if (isSettling(c)) return caller.quotaHeld;
  const { depth } = meta.settings;
  const turn = Math.floor(meta.clockUs / TURN_US) * GOLDEN;
  const shift = turn - Math.floor(turn);
  let total = 0;
  let told = 0;
  for (const host of meta.hosts) {
    total += host.weight + 1;
    told += host.quotaHeld;
  }
  let upTo = 0;
  let quota = 0;
  for (const host of meta.hosts) {
    const from = Math.floor((depth * upTo) / total + shift);
    upTo += host.weight + 1;
    if (host === caller) quota = Math.floor((depth * upTo) / total + shift) - from;
  }
  // What the others may have is not given twice, not even to a host that comes back with what it had.
  let left = depth - (told - caller.quotaHeld);
  if (meta.clockUs < meta.unsureUntil && left > caller.quotaHeld) left = caller.quotaHeld;
  if (quota > left) quota = left > 0 ? left : 0;
  if (quota > caller.quotaHeld) caller.quotaHeld = quota;
  return quota;
}
