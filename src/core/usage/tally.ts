/**
 * What a busy tag has had since it was last folded into its row: sums and histograms flat in one array,
 * so that to count an execution is a dozen additions and nothing to look up. 10 KiB each, so only
 * tags that are busy at the moment have one; a row in UsageRows is eighty bytes.
 *
 *   [ sums, as UsageRows.addSums gives them ][ queue, by bucket ][ service, by bucket ]
 */
import { BUCKETS, bucketOf } from '../histogram.js';
import {
  BYTES,
  CACHE_HITS,
  COST,
  COUNT,
  ERRORS,
  OPS_MAX,
  QUEUE,
  QUEUE_NS,
  SERVICE,
  SERVICE_NS,
  SUMS,
  WIDTH,
  type UsageRows,
} from './rows.js';

const QUEUES = WIDTH;
const SERVICES = QUEUES + BUCKETS;
const CELLS = SERVICES + BUCKETS;

export const TALLY_BYTES = CELLS * Float64Array.BYTES_PER_ELEMENT;

export type Tally = Float64Array;

export function newTally(): Tally {
  return new Float64Array(CELLS);
}

export function addToTally(
  tally: Tally,
  op: number,
  bytes: number,
  cost: number,
  failed: boolean,
  cacheHit: boolean,
  queueNs: number,
  serviceNs: number,
): void {
  const at = (op - 1) * SUMS;
  tally[at + COUNT]! += 1;
  if (failed) tally[at + ERRORS]! += 1;
  else tally[at + BYTES]! += bytes;
  tally[at + COST]! += cost;
  if (cacheHit) tally[at + CACHE_HITS]! += 1;
  tally[at + QUEUE_NS]! += queueNs;
  tally[at + SERVICE_NS]! += serviceNs;
  tally[QUEUES + bucketOf(queueNs)]! += 1;
  tally[SERVICES + bucketOf(serviceNs)]! += 1;
}

/** Executions in it. */
export function countOf(tally: Tally): number {
  let count = 0;
  for (let op = 0; op < OPS_MAX; op++) count += tally[op * SUMS + COUNT]!;
  return count;
}

/** Moves what is in it to a row. */
export function foldTally(tally: Tally, rows: UsageRows, row: number): void {
  rows.addCells(row, tally);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const queued = tally[QUEUES + bucket]!;
    if (queued !== 0) rows.addLatencies(row, QUEUE, bucket, queued);
    const served = tally[SERVICES + bucket]!;
    if (served !== 0) rows.addLatencies(row, SERVICE, bucket, served);
  }
  tally.fill(0);
}
