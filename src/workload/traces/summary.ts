/** The figures that a trace is known by: what `sluice replay --describe` shows, and a parser is checked with. */
import { OPS } from '../../core/model/request.js';
import { NS_PER_S } from '../../core/model/units.js';
import type { TraceColumns } from './columns.js';

const PAGE_BYTES = 4_096;

export interface TraceSummary {
  readonly records: number;
  readonly reads: number;
  readonly writes: number;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly durationS: number;
  /** Records a second over the duration, and in the busiest second counted from the first record. */
  readonly meanIops: number;
  readonly peakIops: number;
  readonly sizeP50Bytes: number;
  readonly sizeP99Bytes: number;
  /** Part of the records that start exactly where the tag's one before ended. */
  readonly sequential: number;
  /** Distinct 4 KiB pages touched, in bytes. */
  readonly footprintBytes: number;
}

export function summarize(columns: TraceColumns): TraceSummary {
  const { count, op, offset, lengthBytes, timeNs } = columns;
  const pages = new Set<number>();
  const seconds = new Map<number, number>();
  let reads = 0;
  let readBytes = 0;
  let writes = 0;
  let writeBytes = 0;
  let sequential = 0;
  let lastEnd = -1;
  for (let i = 0; i < count; i++) {
    const start = offset[i]!;
    const end = start + lengthBytes[i]!;
    if (op[i] === OPS.READ) {
      reads++;
      readBytes += end - start;
    } else if (op[i] === OPS.WRITE) {
      writes++;
      writeBytes += end - start;
    }
    if (start === lastEnd) sequential++;
    lastEnd = end;
    for (let page = Math.floor(start / PAGE_BYTES); page * PAGE_BYTES < end; page++) pages.add(page);
    const second = Math.floor((timeNs[i]! - timeNs[0]!) / NS_PER_S);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  const durationS = columns.durationNs / NS_PER_S;
  const sizes = lengthBytes.slice(0, count).sort();
  let peakIops = 0;
  for (const records of seconds.values()) peakIops = Math.max(peakIops, records);
  return {
    records: count,
    reads,
    writes,
    readBytes,
    writeBytes,
    durationS,
    meanIops: durationS > 0 ? count / durationS : 0,
    peakIops,
    sizeP50Bytes: quantile(sizes, 0.5),
    sizeP99Bytes: quantile(sizes, 0.99),
    sequential: count > 0 ? sequential / count : 0,
    footprintBytes: pages.size * PAGE_BYTES,
  };
}

function quantile(sorted: Uint32Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}
