/**
 * Where a request's queue time went. Until its flow's older requests had gone it was behind its
 * own; from then until its grant it was the flow's head, and for that span:
 *
 *   head since ──────── first grant to another flow ──────── [grant on its way] granted
 *        slots (nobody could go)      share (others were owed first)   coordination
 *
 * The parts exclude each other and sum to the queue time by construction: each takes from what the
 * one before it left.
 */
import type { Flow } from './flow.js';
import type { PendingIo } from './pending-io.js';

/** Sets the split on the flow's head, granted at startNs >= its arrival. */
export function splitQueueTime(io: PendingIo, flow: Flow, startNs: number, coordinationNs: number): void {
  const headSinceNs = Math.min(Math.max(flow.headSinceNs, io.arrivedNs), startNs);
  io.behindOwnNs = headSinceNs - io.arrivedNs;
  let restNs = startNs - headSinceNs;
  io.coordinationNs = Math.min(coordinationNs, restNs);
  restNs -= io.coordinationNs;
  io.shareNs =
    flow.passedOverNs < 0 ? 0 : Math.min(restNs, Math.max(0, startNs - Math.max(flow.passedOverNs, headSinceNs)));
  io.slotsNs = restNs - io.shareNs;
  io.limitNs = 0;
}
