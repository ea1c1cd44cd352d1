/** What one disk of this door may hold. */
import { MIB } from '../../core/model/units.js';

/** Longest request; what is longer is answered with an error. Linux makes none above a few MiB. */
export const PAYLOAD_BYTES_MAX = 32 * MIB;
/** Queues of a disk: more than the processors of most guests, one of which each queue is for. */
export const QUEUES_MAX = 64;
/** Past this many bytes in buffers of our own, for requests whose memory is in pieces, no more requests are taken. */
export const GATHERED_BYTES_MAX = 16 * MIB;
/**
 * Requests taken from one ring before they are sent on, what has been answered is shown, and others have their turn.
 * A guest then fills its ring while we serve: with 64 of 32 outstanding the two took turns (156,000 to 170,000 reads a
 * second at depth 32; 219,000 to 231,000 with 16).
 */
export const BATCH_REQUESTS = 16;
/** Ranges of one DISCARD or WRITE_ZEROES, and the sectors of each: 2 GiB. */
export const RANGES_MAX = 16;
export const RANGE_SECTORS_MAX = 4_194_304;
/** What a request of the guest may have in segments: a queue of 128 without indirect tables holds it. */
export const GUEST_SEGMENTS_MAX = 126;
