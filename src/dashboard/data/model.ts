/** Everything that the page knows, kept up to date; views draw from it and are told when it changed. */
import {
  ApiError,
  devices as fetchDevices,
  policies as fetchPolicies,
  putShares,
  service as fetchService,
  usage as fetchUsage,
  type Device,
  type ServiceView,
  type UsageRow,
} from './api.js';
import { History, WINDOW_S } from './history.js';
import { follow, type Link } from './live.js';
import { SharesInForce, owedShares, steeredBy } from '../../core/model/owed-shares.js';
import type { Policy } from './api.js';

/** Seconds over which achieved shares are taken, fewer right after a change of shares. */
const ACHIEVED_S = 5;
const POLL_MS = 2_000;
/** Most rows asked for to fill the charts when the page opens. */
const FILL_ROWS_MAX = 10_000;

export interface TagNow {
  readonly tag: string;
  readonly shares: number;
  /** Part of the device owed among the tags that were served lately; NaN where it was not. */
  readonly owed: number;
  /** Part of the cost that it got. */
  readonly achieved: number;
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
  private policyList: Policy[] = [];
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

  sharesInForce(): SharesInForce {
    return new SharesInForce(this.policyList, this.device);
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
      this.policyList = await fetchPolicies();
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
      this.policyList = policies;
      if (this.devices === null) this.setDevices(await fetchDevices());
      this.changed();
    } catch {
      // The live stream says that the service is away; the next poll finds it back.
    }
  }

  /** Seconds that the page did not see, as far back as a bounded answer reaches. */
  private async fill(): Promise<void> {
    const { device } = this;
    const history = this.history();
    try {
      const toMs = Math.floor(Date.now() / 1000) * 1000;
      const known = await fetchUsage({ device, fromMs: toMs - 10_000, toMs, stepMs: 0 });
      const seconds = Math.min(WINDOW_S - 1, Math.max(10, Math.floor(FILL_ROWS_MAX / Math.max(1, known.length))));
      const rows = await fetchUsage({ device, fromMs: toMs - seconds * 1000, toMs, stepMs: 1000 });
      const bySecond = new Map<number, UsageRow[]>();
      for (let ms = toMs - (seconds - 1) * 1000; ms <= toMs; ms += 1000) bySecond.set(ms, []);
      for (const row of rows) bySecond.get(Number(row.endMs))?.push(row);
      const whole = new History();
      for (const [endMs, list] of bySecond) whole.add(list, endMs);
      if (history.lastS > whole.lastS) this.append(whole, history);
      else this.histories.set(device, whole);
      this.changed();
    } catch {
      // Charts begin now instead.
    }
  }

  /** Live seconds that came while the past was asked for go on top of it. */
  private append(past: History, live: History): void {
    for (let s = past.lastS + 1; s <= live.lastS; s++) {
      const slot = s % WINDOW_S;
      const rows: UsageRow[] = [];
      for (const [tag, rings] of live.tags) {
        if (rings.ops[slot] === 0) continue;
        rows.push({
          device: this.device,
          tag,
          startMs: String((s - 1) * 1000),
          endMs: String(s * 1000),
          ops: [
            {
              op: '',
              count: String(rings.ops[slot]),
              errors: String(rings.errors[slot]),
              bytes: String(rings.bytes[slot]),
              cost: rings.cost[slot]!,
              cacheHits: String(rings.cacheHits[slot]),
            },
          ],
          queueUs: [rings.queueUsP50[slot]!, rings.queueUsP99[slot]!],
          serviceUs: [rings.serviceUsP50[slot]!, rings.serviceUsP99[slot]!],
        });
      }
      past.add(rows, s * 1000);
    }
    this.histories.set(this.device, past);
  }

  private changed(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }
}
