/** Makes a recorded trace into requests for a device. */
import { AddressMap } from './address-map.js';
import type { AddressMapName } from './address-map.js';
import { TraceSource } from './trace-source.js';
import type { LoadedTraces, TagTrace } from './traces/load.js';

export interface ReplayOptions {
  readonly map: AddressMapName;
  readonly speed: number;
  /** Starts each trace again at its end. */
  readonly loop: boolean;
}

/**
 * Trace time from one start of all traces to the next: the longest of them and one mean gap more, so
 * that the first request of a lap does not fall on the last of the lap before.
 */
export function lapNs(traces: LoadedTraces): number {
  let longest = 0;
  for (const { columns } of traces.tags) {
    if (columns.count === 0) continue;
    const lastNs = columns.timeNs[columns.count - 1]!;
    longest = Math.max(longest, lastNs + (columns.count > 1 ? columns.durationNs / (columns.count - 1) : 1));
  }
  return longest;
}

export function replaySource(
  trace: TagTrace,
  device: { readonly sizeBytes: number; readonly blockBytes: number },
  options: ReplayOptions,
  lap: number,
): TraceSource {
  const map = new AddressMap(options.map, trace.columns.spanBytes, device.sizeBytes, device.blockBytes);
  return new TraceSource(trace.columns, map, { loop: options.loop, speed: options.speed, lapNs: lap });
}
