/** What was served over time, stacked by tag: the largest tags, and all others together. */
import { useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import uPlot from 'uplot';
import type { Range } from '../data/range.js';
import type { Metric, Timeline } from '../data/timeline.js';
import { SERIES_MAX, inkColor, seriesColor } from './palette.js';
import { Plot, axes } from './plot.js';
import { rangeLong } from './range-text.js';
import { METRIC_UNITS } from './units.js';

interface ThroughputProps {
  readonly timeline: Timeline;
  /** Rises as the timeline changes. */
  readonly version: number;
  readonly range: Range;
  readonly metric: Metric;
  readonly dark: boolean;
  /** The tags drawn apart, largest first. */
  readonly tags: readonly string[];
}

/** Each series on top of the ones before it; the last is the total. */
function stacked(timeline: Timeline, metric: Metric, tags: readonly string[]): number[][] {
  const total = timeline.rates(null, metric);
  const base = total.map(() => 0);
  const layers = tags.map((tag) => {
    timeline.rates(tag, metric).forEach((value, i) => (base[i]! += value));
    return [...base];
  });
  return [...layers, total];
}

export function Throughput({ timeline, version, range, metric, dark, tags }: ThroughputProps): JSX.Element {
  const { show, title } = METRIC_UNITS[metric];
  const data = useMemo<uPlot.AlignedData>(
    () => [timeline.times(), ...stacked(timeline, metric, tags)],
    [timeline, version, metric, tags],
  );
  const ink = inkColor(dark);
  return (
    <Plot
      shape={[range, metric, dark, ...tags].join(' ')}
      label={`${title} by tag over ${rangeLong(range)}, stacked`}
      data={data}
      options={() => ({
        legend: { show: false },
        cursor: { y: false },
        scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
        axes: axes(ink, range, show),
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
