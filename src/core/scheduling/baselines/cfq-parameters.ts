/** Defaults of the completely fair queuing scheduler of Linux 3.2 (block/cfq-iosched.c, Documentation/block/cfq-iosched.txt). */
import { NS_PER_MS } from '../../model/units.js';

export const CFQ = {
  /** slice_sync: the slice of priority 4. Each level up or down is a fifth of it (CFQ_SLICE_SCALE). */
  sliceNs: 100 * NS_PER_MS,
  sliceScale: 5,
  /** slice_idle: how long a queue that has nothing to send is waited for. */
  idleNs: 8 * NS_PER_MS,
  /** quantum: most requests of one queue at the disk. */
  quantum: 8,
  /** target_latency: slices are cut where all of them together would be longer. */
  targetNs: 300 * NS_PER_MS,
  /** A request this far from the last is a seek (CFQQ_SEEK_THR, 800 sectors); a queue with more than 4 in 32 is seeky. */
  seekBytes: 800 * 512,
  seekyBits: 4,
  /** A queue that had so many waiting at once is deep, and waited for although it seeks. */
  deepRequests: 4,
  /** Fixed-point weight of a think time, and above which sum there are enough of them (sample_valid). */
  sampleWeight: 256,
  samplesValid: 80,
  priorityMax: 7,
} as const;

/** Length of a priority's slice before it is cut. */
export function sliceNs(priority: number): number {
  return CFQ.sliceNs + (CFQ.sliceNs / CFQ.sliceScale) * (4 - priority);
}
