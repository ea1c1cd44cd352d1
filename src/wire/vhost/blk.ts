/** The block device of virtio: requests and configuration space. Source: virtio 1.2, section 5.2. */
import { PRIORITY_CLASSES, type PriorityClass } from '../../core/model/disk.js';

export const BLK_FEATURE_BITS = {
  SEG_MAX: 2,
  RO: 5,
  BLK_SIZE: 6,
  FLUSH: 9,
  TOPOLOGY: 10,
  MQ: 12,
  DISCARD: 13,
  WRITE_ZEROES: 14,
} as const;

export const BLK_TYPES = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8, DISCARD: 11, WRITE_ZEROES: 13 } as const;
export const BLK_STATUS = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;
export type BlkStatus = (typeof BLK_STATUS)[keyof typeof BLK_STATUS];

/** type u32, ioprio u32, sector u64 */
export const BLK_HEADER_BYTES = 16;
/** sector u64, num_sectors u32, flags u32 */
export const BLK_RANGE_BYTES = 16;
export const BLK_ID_BYTES = 20;
export const SECTOR_BYTES = 512;
export const CONFIG_BYTES = 60;

export interface BlkConfig {
  readonly sizeBytes: number;
  readonly segmentsMax: number;
  readonly blockBytes: number;
  readonly queues: number;
  readonly discardSectorsMax: number;
  readonly discardRangesMax: number;
}

/** The configuration space as the guest reads it. */
export function encodeBlkConfig(config: BlkConfig): Buffer {
  const { sizeBytes, segmentsMax, blockBytes, queues, discardSectorsMax, discardRangesMax } = config;
  const bytes = Buffer.alloc(CONFIG_BYTES);
  bytes.writeBigUInt64LE(BigInt(Math.floor(sizeBytes / SECTOR_BYTES)), 0);
  bytes.writeUInt32LE(segmentsMax, 12);
  bytes.writeUInt32LE(blockBytes, 20);
  // Topology: physical blocks are logical ones; the smallest and the best transfer, in blocks.
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(queues, 34);
  bytes.writeUInt32LE(discardSectorsMax, 36);
  bytes.writeUInt32LE(discardRangesMax, 40);
  bytes.writeUInt32LE(blockBytes / SECTOR_BYTES, 44);
  bytes.writeUInt32LE(discardSectorsMax, 48);
  bytes.writeUInt32LE(discardRangesMax, 52);
  bytes.writeUInt8(1, 56);
  return bytes;
}

export interface BlkHeader {
  readonly type: number;
  readonly ioprio: number;
  readonly sector: number;
}

export function encodeBlkHeader({ type, ioprio, sector }: BlkHeader): Buffer {
  const bytes = Buffer.alloc(BLK_HEADER_BYTES);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(ioprio, 4);
  bytes.writeBigUInt64LE(BigInt(sector), 8);
  return bytes;
}

/** A range to discard or to fill with zeros. */
export interface BlkRange {
  readonly sector: number;
  readonly sectors: number;
  readonly flags: number;
}

export function encodeBlkRange({ sector, sectors, flags }: BlkRange): Buffer {
  const bytes = Buffer.alloc(BLK_RANGE_BYTES);
  bytes.writeBigUInt64LE(BigInt(sector), 0);
  bytes.writeUInt32LE(sectors, 8);
  bytes.writeUInt32LE(flags, 12);
  return bytes;
}

export function decodeBlkRange(bytes: Buffer, at: number): BlkRange {
  return {
    sector: bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32,
    sectors: bytes.readUInt32LE(at + 8),
    flags: bytes.readUInt32LE(at + 12),
  };
}

/** What the `ioprio` of a request holds (Linux, include/uapi/linux/ioprio.h). */
export function encodePriority(name: PriorityClass, level: number, hint = 0): number {
  return (PRIORITY_CLASSES[name] << 13) | (hint << 3) | level;
}
