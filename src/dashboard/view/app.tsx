/** The page: which device, how it goes, who gets what. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import { METRICS, type Metric } from '../data/history.js';
import type { Model } from '../data/model.js';
import icon from '../icon.svg';
import { DevicePanel } from './device-panel.js';
import { Help } from './help.js';
import { LATENCY_SERIES, Latency } from './latency.js';
import { SERIES_MAX, seriesColor } from './palette.js';
import { SharesPanel } from './shares.js';
import { TagTable } from './tag-table.js';
import { useTheme } from './theme.js';
import { Throughput } from './throughput.js';
import { METRIC_UNITS } from './units.js';
import { useModel } from './use-model.js';

const NOTICE_MS = 6_000;
/** Which tags are drawn apart is settled for so many seconds: series must not change places each second. */
const RANK_S = 10;

export function App({ model }: { model: Model }): JSX.Element {
  const version = useModel(model);
  const { theme, dark, next } = useTheme();
  const [metric, setMetric] = useState<Metric>('ops');
  const [selected, select] = useState('');
  const [help, setHelp] = useState(false);
  const filterBox = useRef<HTMLInputElement>(null);
  const picker = useRef<HTMLSelectElement>(null);
  const history = model.history();
  const tags = useMemo(() => model.tagsNow(), [model, version, model.device]);
  const ranked = useMemo(
    () => history.largest(metric, SERIES_MAX),
    [history, metric, Math.floor(history.lastS / RANK_S), history.tags.size],
  );
  const shown = selected !== '' && tags.some((tag) => tag.tag === selected) ? selected : (ranked[0] ?? '');

  useEffect(() => {
    const keys: Record<string, () => void> = {
      '/': () => filterBox.current?.focus(),
      d: () => picker.current?.focus(),
      m: () => setMetric((now) => METRICS[(METRICS.indexOf(now) + 1) % METRICS.length]!),
      t: next,
      '?': () => setHelp(true),
    };
    const press = (event: KeyboardEvent): void => {
      const inBox = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
      if (inBox && event.key === 'Escape') (event.target as HTMLElement).blur();
      if (inBox || event.ctrlKey || event.metaKey || event.altKey) return;
      const act = keys[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [next]);

  useEffect(() => {
    if (model.notice === null) return;
    const timer = setTimeout(() => model.tell(null), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [model.notice]);

  const device = model.current;
  return (
    <>
      <header class="top">
        <h1>
          <img src={icon} alt="" width="24" height="24" /> Sluice
        </h1>
        <label class="picker">
          <span class="hidden">Device</span>
          <select
            ref={picker}
            value={model.device}
            disabled={model.devices === null || model.devices.length === 0}
            onChange={(event) => model.select(event.currentTarget.value)}
          >
            {(model.devices ?? []).map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <span class={`link-state ${model.link}`} role="status" title={model.linkReason}>
          {model.link}
        </span>
        {model.readOnly && <span class="badge">read-only</span>}
        <span class="grow" />
        <button type="button" onClick={next} title="Light, dark, or as the system says (t)">
          {theme}
        </button>
        <button type="button" onClick={() => setHelp(true)} aria-label="Keys" title="Keys (?)">
          ?
        </button>
      </header>
      {model.link === 'lost' && (
        <p class="banner" role="alert">
          No connection to the service{model.linkReason === '' ? '' : ` (${model.linkReason})`}. What is shown is from
          before; trying again…
        </p>
      )}
      <Help open={help} close={() => setHelp(false)} />
      {model.devices === null ? (
        <main class="whole">
          <p class="empty" aria-busy="true">
            {model.link === 'lost' ? 'Waiting for the service…' : 'Loading…'}
          </p>
        </main>
      ) : device === null ? (
        <main class="whole">
          <div class="empty">
            <h2>No device yet</h2>
            <p>
              Name one in the configuration, or add a simulated one: <code>sluice device add disk0 --simulate hdd</code>
            </p>
          </div>
        </main>
      ) : (
        <main>
          <section class="panel throughput" aria-labelledby="throughput-title">
            <header>
              <h2 id="throughput-title">
                {METRIC_UNITS[metric].title} by tag <span class="of">{METRIC_UNITS[metric].unit}</span>
              </h2>
              <div class="choice" role="radiogroup" aria-label="What is drawn">
                {METRICS.map((name) => (
                  <button
                    key={name}
                    type="button"
                    role="radio"
                    aria-checked={name === metric}
                    onClick={() => setMetric(name)}
                  >
                    {name}
                  </button>
                ))}
              </div>
            </header>
            <Throughput history={history} version={version} metric={metric} dark={dark} tags={ranked} />
            <ul class="legend">
              {ranked.map((tag, i) => (
                <li key={tag}>
                  <button type="button" class="link" title={tag} onClick={() => select(tag)}>
                    <i style={{ background: seriesColor(i, dark) }} /> {tag}
                  </button>
                </li>
              ))}
              {history.tags.size > ranked.length && (
                <li>
                  <i style={{ background: seriesColor(SERIES_MAX, dark) }} /> others
                </li>
              )}
            </ul>
          </section>
          <DevicePanel device={device} service={model.service} />
          <SharesPanel tags={tags} select={select} />
          <section class="panel latency" aria-labelledby="latency-title">
            <header>
              <h2 id="latency-title">
                Latency <span class="of">{shown === '' ? '' : shown}</span>
              </h2>
            </header>
            {shown === '' ? (
              <p class="empty">Nothing is being served.</p>
            ) : (
              <>
                <Latency history={history} version={version} tag={shown} dark={dark} />
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
          </section>
          <TagTable
            tags={tags}
            selected={shown}
            select={select}
            readOnly={model.readOnly || model.link === 'lost'}
            save={(tag, shares) => model.setShares(tag, shares)}
            filterBox={filterBox}
          />
        </main>
      )}
      {model.notice !== null && (
        <p class={`notice ${model.notice.kind}`} role="status">
          {model.notice.text}
        </p>
      )}
    </>
  );
}
