/**
 * The numbers of vhost-user, by the names that its specification gives them.
 * Source: QEMU, docs/interop/vhost-user.rst.
 */

/** What was received cannot be vhost-user: the connection has no future. */
export class VhostProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'VhostProtocolError';
  }
}

export const REQUESTS = {
  GET_FEATURES: 1,
  SET_FEATURES: 2,
  SET_OWNER: 3,
  RESET_OWNER: 4,
  SET_MEM_TABLE: 5,
  SET_VRING_NUM: 8,
  SET_VRING_ADDR: 9,
  SET_VRING_BASE: 10,
  GET_VRING_BASE: 11,
  SET_VRING_KICK: 12,
  SET_VRING_CALL: 13,
  SET_VRING_ERR: 14,
  GET_PROTOCOL_FEATURES: 15,
  SET_PROTOCOL_FEATURES: 16,
  GET_QUEUE_NUM: 17,
  SET_VRING_ENABLE: 18,
  GET_CONFIG: 24,
  SET_CONFIG: 25,
  GET_INFLIGHT_FD: 31,
  SET_INFLIGHT_FD: 32,
} as const;

/** Bits of the features that both sides agree on; those of virtio are in blk.ts. */
export const FEATURE_BITS = {
  RING_INDIRECT_DESC: 28,
  RING_EVENT_IDX: 29,
  VHOST_PROTOCOL_FEATURES: 30,
  VERSION_1: 32,
} as const;

export const PROTOCOL_FEATURE_BITS = { MQ: 0, REPLY_ACK: 3, CONFIG: 9, INFLIGHT_SHMFD: 12 } as const;

/** Of a message's header. */
export const VERSION_MASK = 3;
export const VERSION = 1;
export const FLAG_REPLY = 4;
export const FLAG_NEED_REPLY = 8;

/** Regions of memory; a descriptor comes with each. */
export const REGIONS_MAX = 8;
export const HEADER_BYTES = 12;
/** Longest payload that is taken: a configuration of 256 bytes or eight regions are far below. */
export const PAYLOAD_BYTES_MAX = 4_096;
/** In the payload of SET_VRING_KICK, CALL and ERR: the queue, and that no descriptor comes with it. */
export const QUEUE_MASK = 0xff;
export const NO_DESCRIPTOR = 0x100;

/** A set of feature bits, as the mask that travels. */
export function bits(...set: readonly number[]): bigint {
  return set.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
}

export function hasBit(mask: bigint, bit: number): boolean {
  return ((mask >> BigInt(bit)) & 1n) === 1n;
}
