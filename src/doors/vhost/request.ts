/** What a chain of descriptors asks for: its header, checked as far as that goes without the device. */
import {
  BLK_HEADER_BYTES,
  BLK_RANGE_BYTES,
  BLK_STATUS,
  BLK_TYPES,
  SECTOR_BYTES,
  decodeBlkRange,
  type BlkStatus,
} from '../../wire/vhost/blk.js';
import { PAYLOAD_BYTES_MAX, RANGES_MAX } from './bounds.js';
import { RingViolation, type ChainReader } from './chain.js';

export type BlkRequest =
  | { readonly kind: 'read' | 'write'; readonly ioprio: number; readonly offset: number; readonly bytes: number }
  | { readonly kind: 'flush'; readonly ioprio: number }
  | {
      readonly kind: 'ranges';
      readonly ioprio: number;
      readonly zeroes: boolean;
      readonly ranges: readonly { readonly offset: number; readonly bytes: number }[];
    }
  | { readonly kind: 'id' }
  | { readonly kind: 'refused'; readonly status: BlkStatus };

const ranges = Buffer.alloc(RANGES_MAX * BLK_RANGE_BYTES);

/**
 * Takes the header off what the driver filled. The last byte of what the device fills is the status,
 * and not counted as data.
 * @throws RingViolation where there is no room for header or status
 */
export function readRequest(chain: ChainReader): BlkRequest {
  const { out, into } = chain;
  if (out.bytes < BLK_HEADER_BYTES || into.bytes < 1) {
    throw new RingViolation('a request must have a header of 16 bytes and a byte for its status');
  }
  const type = out.takeU32();
  const ioprio = out.takeU32();
  const sectorLow = out.takeU32();
  // Inexact from 2^53 on, where there is no device.
  const offset = (sectorLow + out.takeU32() * 2 ** 32) * SECTOR_BYTES;
  switch (type) {
    case BLK_TYPES.IN:
      return transfer('read', ioprio, offset, into.bytes - 1);
    case BLK_TYPES.OUT:
      return transfer('write', ioprio, offset, out.bytes);
    case BLK_TYPES.FLUSH:
      return { kind: 'flush', ioprio };
    case BLK_TYPES.GET_ID:
      return { kind: 'id' };
    case BLK_TYPES.DISCARD:
    case BLK_TYPES.WRITE_ZEROES:
      return readRanges(chain, type === BLK_TYPES.WRITE_ZEROES, ioprio);
    default:
      return { kind: 'refused', status: BLK_STATUS.UNSUPP };
  }
}

function transfer(kind: 'read' | 'write', ioprio: number, offset: number, bytes: number): BlkRequest {
  if (bytes === 0 || bytes > PAYLOAD_BYTES_MAX) return { kind: 'refused', status: BLK_STATUS.IOERR };
  return { kind, ioprio, offset, bytes };
}

function readRanges({ out }: ChainReader, zeroes: boolean, ioprio: number): BlkRequest {
  const { bytes } = out;
  if (bytes === 0 || bytes > ranges.length || bytes % BLK_RANGE_BYTES !== 0) {
    return { kind: 'refused', status: BLK_STATUS.IOERR };
  }
  out.copyTo(ranges.subarray(0, bytes));
  return {
    kind: 'ranges',
    ioprio,
    zeroes,
    ranges: Array.from({ length: bytes / BLK_RANGE_BYTES }, (_, i) => {
      const { sector, sectors } = decodeBlkRange(ranges, i * BLK_RANGE_BYTES);
      return { offset: sector * SECTOR_BYTES, bytes: sectors * SECTOR_BYTES };
    }),
  };
}
