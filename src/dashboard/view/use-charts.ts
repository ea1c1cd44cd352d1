/** What the charts show: of the live minutes from the history, of a longer range from what was asked for. */
import { useEffect, useMemo } from 'preact/hooks';
import type { Address } from '../data/address.js';
import type { Model, TagNow } from '../data/model.js';
import { PastTimeline } from '../data/past.js';
import { sharesOver, type TagShare } from '../data/shares.js';
import { SERIES_MAX } from './palette.js';
import type { Shown } from './standing.js';

/** Which tags are drawn apart is settled for so many seconds: series must not change places each second. */
const RANK_S = 10;

export interface Charts {
  readonly throughput: Shown;
  readonly latency: Shown;
  /** The tags drawn apart, largest first. */
  readonly ranked: readonly string[];
  readonly hasOthers: boolean;
  /** null while they are asked for. */
  readonly shares: readonly TagShare[] | null;
  /** Whose latency is shown; '' = nobody's. */
  readonly tag: string;
}

export function useCharts(model: Model, version: number, address: Address, tags: readonly TagNow[]): Charts {
  const { range, metric } = address;
  const live = range === '5m';
  const history = model.history();
  const series = model.series.value;
  const percentiles = model.latency.value;
  const rankedLive = useMemo(
    () => history.largest(metric, SERIES_MAX),
    [history, metric, Math.floor(history.lastS / RANK_S), history.tags.size],
  );
  const ranked = live ? rankedLive : (series?.tags ?? []);
  const known = address.tag !== '' && (!live || tags.some(({ tag }) => tag === address.tag));
  const tag = known ? address.tag : (ranked[0] ?? '');
  useEffect(() => model.look(range, metric, SERIES_MAX, tag), [model, model.device, range, metric, tag]);
  const past = useMemo(() => (series === null ? null : new PastTimeline(series)), [series]);
  const pastLatency = useMemo(() => (percentiles === null ? null : new PastTimeline(percentiles)), [percentiles]);
  const { policies } = model;
  const pastShares = useMemo(
    () => (series === null ? null : sharesOver(series.whole, model.sharesInForce())),
    [series, policies],
  );
  const now = { range, timeline: history, version, state: 'shown', error: null } as const;
  return {
    throughput: live
      ? now
      : { range, timeline: past, version: 0, state: model.series.state, error: model.series.error },
    latency: live
      ? now
      : {
          range,
          // Nobody was served, so nobody's latency is asked for.
          timeline: tag === '' ? past : pastLatency,
          version: 0,
          state: tag === '' ? model.series.state : model.latency.state,
          error: tag === '' ? model.series.error : model.latency.error,
        },
    ranked,
    hasOthers: live ? history.tags.size > ranked.length : (series?.whole.length ?? 0) > ranked.length,
    shares: live ? tags : pastShares,
    tag,
  };
}
