/** Throughput by tag: the chart, what is drawn, and which colour is whose. */
import type { JSX } from 'preact';
import { METRICS, type Metric } from '../data/timeline.js';
import { Choice } from './choice.js';
import { SERIES_MAX, seriesColor } from './palette.js';
import { Standing, type Shown } from './standing.js';
import { Throughput } from './throughput.js';
import { METRIC_UNITS } from './units.js';

interface ThroughputPanelProps {
  readonly shown: Shown;
  readonly tags: readonly string[];
  readonly hasOthers: boolean;
  readonly metric: Metric;
  readonly setMetric: (metric: Metric) => void;
  readonly dark: boolean;
  readonly select: (tag: string) => void;
}

export function ThroughputPanel(props: ThroughputPanelProps): JSX.Element {
  const { shown, tags, hasOthers, metric, setMetric, dark, select } = props;
  return (
    <section class="panel throughput" aria-labelledby="throughput-title">
      <header>
        <h2 id="throughput-title">
          {METRIC_UNITS[metric].title} by tag <span class="of">{METRIC_UNITS[metric].unit}</span>
        </h2>
        <Choice label="What is drawn" options={METRICS} value={metric} choose={setMetric} />
      </header>
      <Standing shown={shown} empty={shown.range !== '5m' && tags.length === 0}>
        {(timeline) => (
          <>
            <Throughput
              timeline={timeline}
              version={shown.version}
              range={shown.range}
              metric={metric}
              dark={dark}
              tags={tags}
            />
            <ul class="legend">
              {tags.map((tag, i) => (
                <li key={tag}>
                  <button type="button" class="link" title={tag} onClick={() => select(tag)}>
                    <i style={{ background: seriesColor(i, dark) }} /> {tag}
                  </button>
                </li>
              ))}
              {hasOthers && (
                <li>
                  <i style={{ background: seriesColor(SERIES_MAX, dark) }} /> others
                </li>
              )}
            </ul>
          </>
        )}
      </Standing>
    </section>
  );
}
