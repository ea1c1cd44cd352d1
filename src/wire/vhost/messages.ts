/** Messages of vhost-user: bytes <-> values, for either side. Numbers travel in the machine's order, which is little-endian here. */
import {
  FLAG_NEED_REPLY,
  FLAG_REPLY,
  HEADER_BYTES,
  PAYLOAD_BYTES_MAX,
  REGIONS_MAX,
  VERSION,
  VERSION_MASK,
  VhostProtocolError,
} from './protocol.js';

export interface Header {
  readonly request: number;
  readonly reply: boolean;
  /** With REPLY_ACK: an answer is wanted even where the request has none of its own. */
  readonly needReply: boolean;
  readonly payloadBytes: number;
}

/** A region of the guest's memory. All in bytes; exact, since none reaches 2^53. */
export interface MemoryRegion {
  /** Where it begins in the guest's own physical addresses: what descriptors hold. */
  readonly guestAddress: number;
  readonly sizeBytes: number;
  /** Where it begins in the front end's addresses: what ring addresses are in. */
  readonly userAddress: number;
  /** Where it begins in the file that came with it. */
  readonly fileOffset: number;
}

export interface RingAddresses {
  readonly index: number;
  readonly flags: number;
  /** In the front end's addresses. */
  readonly descriptors: number;
  readonly used: number;
  readonly available: number;
}

/** A queue and a number of it: SET_VRING_NUM, BASE, ENABLE, and the answer to GET_VRING_BASE. */
export interface RingState {
  readonly index: number;
  readonly value: number;
}

/** Where and for what the memory of requests in flight is. */
export interface InflightDescription {
  readonly sizeBytes: number;
  readonly fileOffset: number;
  readonly queues: number;
  readonly queueSize: number;
}

/** A range of the device's configuration space; `data` is empty where it is asked for in vain. */
export interface ConfigRange {
  readonly offset: number;
  readonly flags: number;
  readonly data: Uint8Array;
}

const REGION_BYTES = 32;
const REGIONS_AT = 8;
const CONFIG_HEAD_BYTES = 12;

/** @throws VhostProtocolError */
export function decodeHeader(bytes: Buffer): Header {
  const flags = bytes.readUInt32LE(4);
  const payloadBytes = bytes.readUInt32LE(8);
  if ((flags & VERSION_MASK) !== VERSION) {
    throw new VhostProtocolError(`a message must have version 1, got flags ${String(flags)}`);
  }
  if (payloadBytes > PAYLOAD_BYTES_MAX) {
    throw new VhostProtocolError(
      `a payload must have at most ${String(PAYLOAD_BYTES_MAX)} bytes, got ${String(payloadBytes)}`,
    );
  }
  return {
    request: bytes.readUInt32LE(0),
    reply: (flags & FLAG_REPLY) !== 0,
    needReply: (flags & FLAG_NEED_REPLY) !== 0,
    payloadBytes,
  };
}

/** Header and payload. */
export function encodeMessage(request: number, payload: Uint8Array, kind: 'plain' | 'reply' | 'need-reply'): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  const flag = kind === 'reply' ? FLAG_REPLY : kind === 'need-reply' ? FLAG_NEED_REPLY : 0;
  bytes.writeUInt32LE(request, 0);
  bytes.writeUInt32LE(VERSION | flag, 4);
  bytes.writeUInt32LE(payload.length, 8);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** A payload that is one number of 64 bits. @throws VhostProtocolError */
export function decodeU64(payload: Buffer): bigint {
  need(payload, 8);
  return payload.readBigUInt64LE(0);
}

export function encodeU64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value, 0);
  return bytes;
}

/** @throws VhostProtocolError */
export function decodeRingState(payload: Buffer): RingState {
  need(payload, 8);
  return { index: payload.readUInt32LE(0), value: payload.readUInt32LE(4) };
}

export function encodeRingState({ index, value }: RingState): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(index, 0);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}

/** @throws VhostProtocolError */
export function decodeRingAddresses(payload: Buffer): RingAddresses {
  need(payload, 40);
  return {
    index: payload.readUInt32LE(0),
    flags: payload.readUInt32LE(4),
    descriptors: address(payload, 8),
    used: address(payload, 16),
    available: address(payload, 24),
  };
}

export function encodeRingAddresses(addresses: RingAddresses): Buffer {
  const bytes = Buffer.alloc(40);
  bytes.writeUInt32LE(addresses.index, 0);
  bytes.writeUInt32LE(addresses.flags, 4);
  bytes.writeBigUInt64LE(BigInt(addresses.descriptors), 8);
  bytes.writeBigUInt64LE(BigInt(addresses.used), 16);
  bytes.writeBigUInt64LE(BigInt(addresses.available), 24);
  return bytes;
}

/** @throws VhostProtocolError */
export function decodeMemoryTable(payload: Buffer): MemoryRegion[] {
  need(payload, REGIONS_AT);
  const count = payload.readUInt32LE(0);
  if (count > REGIONS_MAX) {
    throw new VhostProtocolError(`memory must have at most ${String(REGIONS_MAX)} regions, got ${String(count)}`);
  }
  need(payload, REGIONS_AT + count * REGION_BYTES);
  return Array.from({ length: count }, (_, i) => {
    const at = REGIONS_AT + i * REGION_BYTES;
    return {
      guestAddress: address(payload, at),
      sizeBytes: address(payload, at + 8),
      userAddress: address(payload, at + 16),
      fileOffset: address(payload, at + 24),
    };
  });
}

export function encodeMemoryTable(regions: readonly MemoryRegion[]): Buffer {
  const bytes = Buffer.alloc(REGIONS_AT + regions.length * REGION_BYTES);
  bytes.writeUInt32LE(regions.length, 0);
  for (const [i, region] of regions.entries()) {
    const at = REGIONS_AT + i * REGION_BYTES;
    bytes.writeBigUInt64LE(BigInt(region.guestAddress), at);
    bytes.writeBigUInt64LE(BigInt(region.sizeBytes), at + 8);
    bytes.writeBigUInt64LE(BigInt(region.userAddress), at + 16);
    bytes.writeBigUInt64LE(BigInt(region.fileOffset), at + 24);
  }
  return bytes;
}

/** @throws VhostProtocolError */
export function decodeInflight(payload: Buffer): InflightDescription {
  need(payload, 20);
  return {
    sizeBytes: address(payload, 0),
    fileOffset: address(payload, 8),
    queues: payload.readUInt16LE(16),
    queueSize: payload.readUInt16LE(18),
  };
}

export function encodeInflight(description: InflightDescription): Buffer {
  // 24: the C structure that both sides send ends on a multiple of 8.
  const bytes = Buffer.alloc(24);
  bytes.writeBigUInt64LE(BigInt(description.sizeBytes), 0);
  bytes.writeBigUInt64LE(BigInt(description.fileOffset), 8);
  bytes.writeUInt16LE(description.queues, 16);
  bytes.writeUInt16LE(description.queueSize, 18);
  return bytes;
}

/** @throws VhostProtocolError */
export function decodeConfig(payload: Buffer): ConfigRange {
  need(payload, CONFIG_HEAD_BYTES);
  const sizeBytes = payload.readUInt32LE(4);
  need(payload, CONFIG_HEAD_BYTES + sizeBytes);
  return {
    offset: payload.readUInt32LE(0),
    flags: payload.readUInt32LE(8),
    data: payload.subarray(CONFIG_HEAD_BYTES, CONFIG_HEAD_BYTES + sizeBytes),
  };
}

export function encodeConfig({ offset, flags, data }: ConfigRange): Buffer {
  const bytes = Buffer.alloc(CONFIG_HEAD_BYTES + data.length);
  bytes.writeUInt32LE(offset, 0);
  bytes.writeUInt32LE(data.length, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.set(data, CONFIG_HEAD_BYTES);
  return bytes;
}

/** An address or a size: no memory reaches 2^53, and from there on numbers are not exact. */
function address(payload: Buffer, at: number): number {
  const value = payload.readUInt32LE(at) + payload.readUInt32LE(at + 4) * 2 ** 32;
  if (value > Number.MAX_SAFE_INTEGER) {
    throw new VhostProtocolError(`addresses and sizes must be below 2^53, got 0x${value.toString(16)}`);
  }
  return value;
}

function need(payload: Buffer, bytes: number): void {
  if (payload.length < bytes) {
    throw new VhostProtocolError(
      `the payload must have at least ${String(bytes)} bytes, got ${String(payload.length)}`,
    );
  }
}
