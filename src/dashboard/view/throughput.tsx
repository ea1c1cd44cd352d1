/** What was served over time, stacked by tag: the largest tags, and all others together. */
import { useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import uPlot from 'uplot';
import { WINDOW_S, type History, type Metric } from '../data/history.js';
import { SERIES_MAX, inkColor, seriesColor } from './palette.js';
import { Plot, axes } from './plot.js';
import { METRIC_UNITS } from './units.js';

interface ThroughputProps {
  readonly history: History;
  readonly version: number;
  readonly metric: Metric;
  readonly dark: boolean;
  /** The tags drawn apart, largest first. */
  readonly tags: readonly string[];
}

/** The last seconds of a ring, oldest first. */
export function unroll(history: History, ring: Float64Array): number[] {
  const from = Math.max(history.firstS, history.lastS - WINDOW_S + 1);
  const values: number[] = [];
  for (let s = from; s <= history.lastS; s++) values.push(ring[s % WINDOW_S]!);
  return values;
}

export function seconds(history: History): number[] {
  const from = Math.max(history.firstS, history.lastS - WINDOW_S + 1);
  return Array.from({ length: Math.max(0, history.lastS - from + 1) }, (_, i) => from + i);
}

/** Each series on top of the ones before it; the last is the total. */
function stacked(history: History, metric: Metric, tags: readonly string[]): number[][] {
  const base = unroll(history, new Float64Array(WINDOW_S));
  const layers = tags.map((tag) => {
    const rings = history.tags.get(tag);
    if (rings !== undefined) unroll(history, rings[metric]).forEach((value, i) => (base[i]! += value));
    return [...base];
  });
  return [...layers, unroll(history, history.total[metric])];
}

export function Throughput({ history, version, metric, dark, tags }: ThroughputProps): JSX.Element {
  const { show, title } = METRIC_UNITS[metric];
  const data = useMemo<uPlot.AlignedData>(
    () => [seconds(history), ...stacked(history, metric, tags)],
    [history, version, metric, tags],
  );
  const ink = inkColor(dark);
  return (
    <Plot
      shape={[metric, dark, ...tags].join(' ')}
      label={`${title} by tag over the last minutes, stacked`}
      data={data}
      options={() => ({
        legend: { show: false },
        cursor: { y: false },
        scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
        axes: axes(ink, show),
        series: [
          {},
          ...[...tags, 'others'].map((tag, i) => ({
            label: tag,
            stroke: seriesColor(i < tags.length ? i : SERIES_MAX, dark),
            fill: `${seriesColor(i < tags.length ? i : SERIES_MAX, dark)}66`,
            width: 1.5,
            points: { show: false },
          })),
        ],
        // Each layer is filled down to the one below it.
        bands: tags.map((_, i): uPlot.Band => ({ series: [i + 2, i + 1] })),
      })}
    />
  );
}
