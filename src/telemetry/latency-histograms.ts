/**
 * Latencies as Prometheus histograms, out of the finer buckets that usage keeps. Bounds are powers of
 * two nanoseconds, which are edges of those buckets, so no count is put on the wrong side of one.
 */
import { BUCKETS, bucketOf } from '../core/histogram.js';
import { NS_PER_S } from '../core/model/units.js';
import type { UsageSeries } from './usage-series.js';

/** 33 microseconds to 8.6 seconds. */
const BOUNDS_NS: readonly number[] = Array.from({ length: 19 }, (_, i) => 2 ** (15 + i));
const BOUNDS = BOUNDS_NS.map((ns) => String(ns / NS_PER_S));
/** By bound: the first bucket that is not below it. */
const ENDS = BOUNDS_NS.map((ns) => bucketOf(ns));
const US_PER_S = 1_000_000;

const HISTOGRAMS = [
  { name: 'sluice_io_queue_latency_seconds', help: 'Time in queue.', from: 0, sum: 'queueUsSum' },
  { name: 'sluice_io_service_latency_seconds', help: 'Time at the device.', from: BUCKETS, sum: 'serviceUsSum' },
] as const;

/** In the text exposition format, piece by piece; devices and tags hold nothing that a label would have to escape. */
export function* latencyText(devices: ReadonlyMap<string, readonly UsageSeries[]>): Generator<string, void> {
  for (const histogram of HISTOGRAMS) {
    const { name, help } = histogram;
    yield `# HELP ${name} ${help}\n# TYPE ${name} histogram\n`;
    for (const [device, series] of devices) yield deviceText(histogram, device, series);
  }
}

function deviceText(
  { name, from, sum }: (typeof HISTOGRAMS)[number],
  device: string,
  series: readonly UsageSeries[],
): string {
  let text = '';
  for (const { tag, ops, latencies } of series) {
    const labels = `device="${device}",tag="${tag}"`;
    let bucket = 0;
    let below = 0;
    for (const [i, end] of ENDS.entries()) {
      for (; bucket < end; bucket++) below += latencies[from + bucket]!;
      text += `${name}_bucket{le="${BOUNDS[i]!}",${labels}} ${String(below)}\n`;
    }
    for (; bucket < BUCKETS; bucket++) below += latencies[from + bucket]!;
    const seconds = ops.reduce((total, op) => total + op[sum], 0) / US_PER_S;
    text += `${name}_bucket{le="+Inf",${labels}} ${String(below)}\n`;
    text += `${name}_sum{${labels}} ${String(Math.max(0, seconds))}\n`;
    text += `${name}_count{${labels}} ${String(below)}\n`;
  }
  return text;
}
