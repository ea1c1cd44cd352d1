/** What one disk of this door may hold. */
import { MIB } from '../../core/model/units.js';

/** Longest request; what is longer is answered with an error. Linux makes none above a few MiB. */
export const PAYLOAD_BYTES_MAX = 32 * MIB;
/** Queues of a disk: more than the processors of most guests, one of which each queue is for. */
export const QUEUES_MAX = 64;
/** Past this many bytes in buffers of our own, for requests whose memory is in pieces, no more requests are taken. */
export const GATHERED_BYTES_MAX = 16 * MIB;
/** Requests taken from one ring before the others, and other doors, have their turn. */
export const BATCH_REQUESTS = 64;
/** Ranges of one DISCARD or WRITE_ZEROES, and the sectors of each: 2 GiB. */
export const RANGES_MAX = 16;
export const RANGE_SECTORS_MAX = 4_194_304;
/** What a request of the guest may have in segments: a queue of 128 without indirect tables holds it. */
export const GUEST_SEGMENTS_MAX = 126;
