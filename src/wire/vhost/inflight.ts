/**
 * How the requests in flight are kept in memory that outlives a back end. Source: QEMU,
 * docs/interop/vhost-user.rst, "Inflight I/O tracking", split virtqueues. A queue each:
 *
 *   { features u64, version u16, desc_num u16, last_batch_head u16, used_idx u16 }
 *   desc_num × { inflight u8, padding 5, next u16, counter u64 }
 */
export const INFLIGHT_HEAD_BYTES = 16;
export const INFLIGHT_ENTRY_BYTES = 16;
export const INFLIGHT_VERSION = 1;
const ALIGNMENT_BYTES = 64;

/** Of one queue; a queue begins where the one before it ends. */
export function inflightQueueBytes(queueSize: number): number {
  const bytes = INFLIGHT_HEAD_BYTES + queueSize * INFLIGHT_ENTRY_BYTES;
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
