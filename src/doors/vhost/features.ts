/**
 * What this disk can do, as it tells a front end and its guest.
 *
 * Not offered: packed rings (nothing here is bound by the rings), LOG_SHMFD (live migration: QEMU says
 * that it cannot, since the disk is on this host anyway), CONFIG_WCE (a guest cannot switch off the
 * cache of what is behind a scheduler: it flushes), writable configuration.
 */
import type { ServedDevice } from '../../core/ports.js';
import { BLK_FEATURE_BITS, CONFIG_BYTES, encodeBlkConfig } from '../../wire/vhost/blk.js';
import type { ConfigRange } from '../../wire/vhost/messages.js';
import { FEATURE_BITS, PROTOCOL_FEATURE_BITS, bits } from '../../wire/vhost/protocol.js';
import { GUEST_SEGMENTS_MAX, QUEUES_MAX, RANGES_MAX, RANGE_SECTORS_MAX } from './bounds.js';

const ALWAYS = bits(
  FEATURE_BITS.RING_INDIRECT_DESC,
  FEATURE_BITS.RING_EVENT_IDX,
  FEATURE_BITS.VHOST_PROTOCOL_FEATURES,
  FEATURE_BITS.VERSION_1,
  BLK_FEATURE_BITS.SEG_MAX,
  BLK_FEATURE_BITS.BLK_SIZE,
  BLK_FEATURE_BITS.FLUSH,
  BLK_FEATURE_BITS.TOPOLOGY,
  BLK_FEATURE_BITS.MQ,
);
const WRITING = bits(BLK_FEATURE_BITS.DISCARD, BLK_FEATURE_BITS.WRITE_ZEROES);

export const PROTOCOL_FEATURES = bits(
  PROTOCOL_FEATURE_BITS.MQ,
  PROTOCOL_FEATURE_BITS.REPLY_ACK,
  PROTOCOL_FEATURE_BITS.CONFIG,
  PROTOCOL_FEATURE_BITS.INFLIGHT_SHMFD,
);

export function featuresOf(device: ServedDevice): bigint {
  return ALWAYS | (device.readOnly ? bits(BLK_FEATURE_BITS.RO) : WRITING);
}

/** The part that is asked for; beyond the end of the configuration there are zeros. */
export function configOf(device: ServedDevice, asked: ConfigRange): ConfigRange {
  const { offset, flags, data } = asked;
  const config = encodeBlkConfig({
    sizeBytes: device.sizeBytes,
    segmentsMax: GUEST_SEGMENTS_MAX,
    blockBytes: device.blockBytes,
    queues: QUEUES_MAX,
    discardSectorsMax: RANGE_SECTORS_MAX,
    discardRangesMax: RANGES_MAX,
  });
  const answer = Buffer.alloc(data.length);
  if (offset < CONFIG_BYTES) answer.set(config.subarray(offset, offset + data.length));
  return { offset, flags, data: answer };
}
