/** The page: which device, how it goes, who gets what. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import { RANGES } from '../data/range.js';
import type { Model } from '../data/model.js';
import { METRICS } from '../data/timeline.js';
import icon from '../icon.svg';
import { Choice } from './choice.js';
import { DevicePanel } from './device-panel.js';
import { Help } from './help.js';
import { LatencyPanel } from './latency-panel.js';
import { nextRange, rangeShort } from './range-text.js';
import { SharesPanel } from './shares.js';
import { TagTable } from './tag-table.js';
import { useTheme } from './theme.js';
import { ThroughputPanel } from './throughput-panel.js';
import { useAddress } from './use-address.js';
import { useCharts } from './use-charts.js';
import { useModel } from './use-model.js';

const NOTICE_MS = 6_000;

export function App({ model }: { model: Model }): JSX.Element {
  const version = useModel(model);
  const { theme, dark, next } = useTheme();
  const [address, change] = useAddress();
  const { range, metric } = address;
  const [help, setHelp] = useState(false);
  const filterBox = useRef<HTMLInputElement>(null);
  const picker = useRef<HTMLSelectElement>(null);
  const tags = useMemo(() => model.tagsNow(), [model, version, model.device]);
  const select = (name: string): void => change({ tag: name });
  const { throughput, latency, ranked, hasOthers, shares, tag } = useCharts(model, version, address, tags);

  useEffect(() => {
    if (address.device !== '') model.select(address.device);
  }, [model, address.device, model.devices === null]);

  useEffect(() => {
    const keys: Record<string, () => void> = {
      '/': () => filterBox.current?.focus(),
      d: () => picker.current?.focus(),
      m: () => change({ metric: METRICS[(METRICS.indexOf(metric) + 1) % METRICS.length]! }),
      r: () => change({ range: nextRange(range) }),
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
  }, [next, metric, range]);

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
            onChange={(event) => change({ device: event.currentTarget.value, tag: '' })}
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
        <Choice
          label="How far back the charts go"
          options={RANGES}
          value={range}
          show={rangeShort}
          choose={(name) => change({ range: name })}
        />
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
          <ThroughputPanel
            shown={throughput}
            tags={ranked}
            hasOthers={hasOthers}
            metric={metric}
            setMetric={(name) => change({ metric: name })}
            dark={dark}
            select={select}
          />
          <DevicePanel device={device} service={model.service} />
          <SharesPanel tags={shares} range={range} select={select} />
          <LatencyPanel shown={latency} tag={tag} dark={dark} />
          <TagTable
            tags={tags}
            now={range !== '5m'}
            selected={tag}
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
