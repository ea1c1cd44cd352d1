/** One tag's latency over time: in the queue and at the device, median and 99th percentile. */
import { useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import type uPlot from 'uplot';
import type { Range } from '../data/range.js';
import type { Timeline } from '../data/timeline.js';
import { inkColor, seriesColor } from './palette.js';
import { Plot, axes } from './plot.js';
import { rangeLong } from './range-text.js';
import { time } from './units.js';

export const LATENCY_SERIES = [
  { key: 'queueUsP50', title: 'queue p50', color: 0, dash: [] },
  { key: 'queueUsP99', title: 'queue p99', color: 0, dash: [5, 4] },
  { key: 'serviceUsP50', title: 'service p50', color: 1, dash: [] },
  { key: 'serviceUsP99', title: 'service p99', color: 1, dash: [5, 4] },
] as const;

interface LatencyProps {
  readonly timeline: Timeline;
  /** Rises as the timeline changes. */
  readonly version: number;
  readonly range: Range;
  readonly tag: string;
  readonly dark: boolean;
}

export function Latency({ timeline, version, range, tag, dark }: LatencyProps): JSX.Element {
  const data = useMemo<uPlot.AlignedData>(
    () => [timeline.times(), ...LATENCY_SERIES.map(({ key }) => timeline.latencies(tag, key))],
    [timeline, version, tag],
  );
  const ink = inkColor(dark);
  return (
    <Plot
      shape={`${range} ${tag} ${String(dark)}`}
      label={`Latency of ${tag} over ${rangeLong(range)}: queue and service, p50 and p99`}
      data={data}
      options={() => ({
        legend: { show: false },
        cursor: { y: false },
        scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
        axes: axes(ink, range, time),
        series: [
          {},
          ...LATENCY_SERIES.map(({ title, color, dash }) => ({
            label: title,
            stroke: seriesColor(color, dark),
            width: 1.5,
            dash: [...dash],
            points: { show: false },
            spanGaps: false,
          })),
        ],
      })}
    />
  );
}
