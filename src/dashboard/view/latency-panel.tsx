/** Latency of the tag that is selected: the chart and its key. */
import { useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import { LATENCY_SERIES, Latency } from './latency.js';
import { seriesColor } from './palette.js';
import { Standing, type Shown } from './standing.js';

interface LatencyPanelProps {
  readonly shown: Shown;
  /** '' = there is none. */
  readonly tag: string;
  readonly dark: boolean;
}

export function LatencyPanel({ shown, tag, dark }: LatencyPanelProps): JSX.Element {
  const idle = useMemo(
    () => shown.timeline?.latencies(tag, 'queueUsP50').every((us) => us === null) ?? false,
    [shown.timeline, shown.version, tag],
  );
  return (
    <section class="panel latency" aria-labelledby="latency-title">
      <header>
        <h2 id="latency-title">
          Latency <span class="of">{tag}</span>
        </h2>
      </header>
      {tag === '' && shown.timeline !== null ? (
        <p class="empty tall">{shown.range === '5m' ? 'Nothing is being served.' : 'No tag was served.'}</p>
      ) : (
        <Standing shown={shown} empty={idle && shown.range !== '5m'}>
          {(timeline) => (
            <>
              <Latency timeline={timeline} version={shown.version} range={shown.range} tag={tag} dark={dark} />
              <ul class="legend">
                {LATENCY_SERIES.map(({ title, color, dash }) => (
                  <li key={title}>
                    <i
                      class={dash.length > 0 ? 'dashed' : ''}
                      style={{
                        '--color': seriesColor(color, dark),
                        background: dash.length > 0 ? undefined : seriesColor(color, dark),
                      }}
                    />
                    {` ${title}`}
                  </li>
                ))}
              </ul>
            </>
          )}
        </Standing>
      )}
    </section>
  );
}
