/**
 * How a split virtqueue lies in memory. Source: virtio 1.2, section 2.7.
 *
 *   descriptors  num × { address u64, length u32, flags u16, next u16 }
 *   available    { flags u16, idx u16, ring u16 × num, used_event u16 }
 *   used         { flags u16, idx u16, ring { id u32, length u32 } × num, avail_event u16 }
 */

/** Longest queue that is served: as long as QEMU makes them. A power of two. */
export const QUEUE_SIZE_MAX = 1_024;
/** Segments that one request has at most, through an indirect table too. */
export const SEGMENTS_MAX = 1_024;

export const DESCRIPTOR_BYTES = 16;
/** Of a descriptor: another one follows; the device writes there; it is a table of descriptors. */
export const DESCRIPTOR_NEXT = 1;
export const DESCRIPTOR_WRITE = 2;
export const DESCRIPTOR_INDIRECT = 4;

/** In available.flags: the driver wants no interrupt. In used.flags: the device wants no kick. */
export const NO_INTERRUPT = 1;
export const NO_NOTIFY = 1;

export const INDEX_MASK = 0xffff;

export function descriptorsBytes(size: number): number {
  return size * DESCRIPTOR_BYTES;
}

export function availableBytes(size: number): number {
  return 6 + 2 * size;
}

export function usedBytes(size: number): number {
  return 6 + 8 * size;
}

/** Whether moving an index from `from` to `to` passed the place `event` at which the other side wants to be told (2.7.10). */
export function passesEvent(event: number, to: number, from: number): boolean {
  return ((to - event - 1) & INDEX_MASK) < ((to - from) & INDEX_MASK);
}
