/** Everything that the page knows, kept up to date; views draw from it and are told when it changed. */
import {
  ApiError,
  QUANTILES,
  devices as fetchDevices,
  policies as fetchPolicies,
  putShares,
  service as fetchService,
  usage as fetchUsage,
  type Device,
  type Policy,
  type ServiceView,
  type UsageRow,
} from './api.js';
import { Feed } from './feed.js';
import { filled } from './fill.js';
import { History, WINDOW_S } from './history.js';
import { follow, type Link } from './live.js';
import { loadLatency, loadSeries, type Series, type TagLatency } from './past.js';
import { paceMs, type Range } from './range.js';
import type { TagShare } from './shares.js';
import type { Metric } from './timeline.js';
import { SharesInForce, owedShares, steeredBy } from '../../core/model/owed-shares.js';

/** Seconds over which achieved shares are taken, fewer right after a change of shares. */
const ACHIEVED_S = 5;
const POLL_MS = 2_000;

/** One tag as of the last seconds. */
export interface TagNow extends TagShare {
  readonly shares: number;
  readonly opsPerS: number;
  readonly bytesPerS: number;
  readonly costPerS: number;
  readonly errorsPerS: number;
  readonly queueUsP50: number;
  readonly queueUsP99: number;
  readonly serviceUsP50: number;
  readonly serviceUsP99: number;
  readonly lastS: number;
}

export interface Notice {
  readonly kind: 'done' | 'failed';
  readonly text: string;
}

export class Model {
  link: Link = 'connecting';
  linkReason = '';
  /** null until the first answer. */
  devices: Device[] | null = null;
  service: ServiceView | null = null;
  device = '';
  notice: Notice | null = null;
  /** Rises with every change. */
  version = 0;
  /** Of the range that is looked at; idle while that is the live minutes. */
  readonly series = new Feed<Series>(() => this.changed());
  readonly latency = new Feed<TagLatency>(() => this.changed());
  /** The end of the newest live second: the service's clock, whatever this machine's says. */
  private toldMs = 0;
  /** Another one with every answer. */
  policies: readonly Policy[] = [];
  private readonly histories = new Map<string, History>();
  private readonly changedS = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  private readonly abort = new AbortController();

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    void this.poll();
    void follow(
      {
        usage: (rows, _startMs, endMs) => this.addUsage(rows, endMs),
        devices: (list) => this.setDevices(list),
        link: (state, reason) => {
          const back = state === 'live' && this.link === 'lost';
          this.link = state;
          this.linkReason = reason;
          // What was missed meanwhile is asked for.
          if (back) void this.fill();
          this.changed();
        },
      },
      this.abort.signal,
    );
  }

  stop(): void {
    this.abort.abort();
  }

  get readOnly(): boolean {
    return this.service?.readOnly ?? false;
  }

  get current(): Device | null {
    return this.devices?.find((device) => device.name === this.device) ?? null;
  }

  history(): History {
    let history = this.histories.get(this.device);
    if (history === undefined) this.histories.set(this.device, (history = new History()));
    return history;
  }

  select(device: string): void {
    if (device === this.device) return;
    this.device = device;
    void this.fill();
    this.changed();
  }

  /**
   * What the charts show of the device, besides its live minutes.
   * @param count how many of the largest tags apart
   * @param tag whose latency; '' = nobody's
   */
  look(range: Range, metric: Metric, count: number, tag: string): void {
    const { device } = this;
    const nowMs = this.toldMs === 0 ? Date.now() : this.toldMs;
    if (range === '5m' || device === '') {
      this.series.stop();
      this.latency.stop();
      return;
    }
    const pace = paceMs(range);
    this.series.ask(
      [device, range, metric].join(' '),
      pace,
      (before, now) => loadSeries(fetchUsage, { device, range, metric, count }, before, now),
      nowMs,
    );
    if (tag === '') this.latency.stop();
    else {
      this.latency.ask(
        [device, range, tag].join(' '),
        pace,
        (before, now) => loadLatency(fetchUsage, { device, range, tag, quantiles: QUANTILES }, before, now),
        nowMs,
      );
    }
  }

  sharesInForce(): SharesInForce {
    return new SharesInForce(this.policies, this.device);
  }

  /** Every tag that was served in the window or has a policy here. */
  tagsNow(): TagNow[] {
    const history = this.history();
    const inForce = this.sharesInForce();
    const afterS = Math.max(history.lastS - ACHIEVED_S, this.changedS.get(this.device) ?? 0);
    const served = [...history.tags.entries()].filter(([, rings]) => rings.lastS > afterS);
    const owed = owedShares(
      served.map(([tag]) => tag),
      inForce,
    );
    const total = history.sum(history.total, 'cost', afterS);
    const seconds = Math.max(1, history.lastS - Math.max(afterS, history.firstS - 1));
    const slot = history.lastS % WINDOW_S;
    const tags = new Set([...history.tags.keys(), ...inForce.tags]);
    return [...tags].map((tag) => {
      const rings = history.tags.get(tag);
      const by = steeredBy(tag);
      const live = rings !== undefined && rings.lastS > afterS;
      const at = rings === undefined ? slot : (live ? rings.lastS : history.lastS) % WINDOW_S;
      return {
        tag,
        shares: inForce.of(by.tag)[by.field],
        owed: owed.get(tag) ?? NaN,
        achieved: live && total > 0 ? history.sum(rings, 'cost', afterS) / total : NaN,
        opsPerS: rings === undefined ? 0 : history.sum(rings, 'ops', afterS) / seconds,
        bytesPerS: rings === undefined ? 0 : history.sum(rings, 'bytes', afterS) / seconds,
        costPerS: rings === undefined ? 0 : history.sum(rings, 'cost', afterS) / seconds,
        errorsPerS: rings === undefined ? 0 : history.sum(rings, 'errors', afterS) / seconds,
        queueUsP50: rings?.queueUsP50[at] ?? NaN,
        queueUsP99: rings?.queueUsP99[at] ?? NaN,
        serviceUsP50: rings?.serviceUsP50[at] ?? NaN,
        serviceUsP99: rings?.serviceUsP99[at] ?? NaN,
        lastS: rings?.lastS ?? 0,
      };
    });
  }

  async setShares(tag: string, value: number): Promise<boolean> {
    const by = steeredBy(tag);
    const { device } = this;
    try {
      await putShares(device, by.tag, by.field, value);
      // What was served before the change says nothing of the shares after it.
      this.changedS.set(device, this.history().lastS);
      this.policies = await fetchPolicies();
      this.tell({ kind: 'done', text: `${tag} has ${String(value)} shares on ${device}` });
      return true;
    } catch (error) {
      this.tell({ kind: 'failed', text: `${tag}: ${(error as Error).message}` });
      if (error instanceof ApiError && error.code === 'PERMISSION_DENIED') void this.refresh();
      return false;
    }
  }

  tell(notice: Notice | null): void {
    this.notice = notice;
    this.changed();
  }

  private addUsage(rows: readonly UsageRow[], endMs: number): void {
    this.toldMs = endMs;
    this.series.tick(endMs);
    this.latency.tick(endMs);
    const byDevice = new Map<string, UsageRow[]>();
    for (const row of rows) {
      const list = byDevice.get(row.device);
      if (list === undefined) byDevice.set(row.device, [row]);
      else list.push(row);
    }
    for (const name of new Set([...this.histories.keys(), ...byDevice.keys()])) {
      let history = this.histories.get(name);
      if (history === undefined) this.histories.set(name, (history = new History()));
      history.add(byDevice.get(name) ?? [], endMs);
    }
    this.changed();
  }

  private setDevices(list: Device[]): void {
    this.devices = list;
    if (!list.some((device) => device.name === this.device)) {
      this.device = list[0]?.name ?? '';
      if (this.device !== '') void this.fill();
    }
    this.changed();
  }

  private async poll(): Promise<void> {
    while (!this.abort.signal.aborted) {
      await this.refresh();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  private async refresh(): Promise<void> {
    try {
      const [service, policies] = await Promise.all([fetchService(), fetchPolicies()]);
      this.service = service;
      this.policies = policies;
      if (this.devices === null) this.setDevices(await fetchDevices());
      this.changed();
    } catch {
      // The live stream says that the service is away; the next poll finds it back.
    }
  }

  private async fill(): Promise<void> {
    const { device } = this;
    try {
      this.histories.set(device, await filled(device, this.history()));
      this.changed();
    } catch {
      // Charts begin now instead.
    }
  }

  private changed(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }
}
