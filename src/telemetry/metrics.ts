/** What this host has served and how it stands, for a Prometheus collector. The one file that knows prom-client. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { OP_NAMES } from '../core/model/request.js';
import type { OpUsage } from '../core/model/usage.js';
import type { CoordinationNow, ServedDevices, ServedState } from '../core/ports.js';
import type { Ledger } from '../core/usage.js';
import { latencyText } from './latency-histograms.js';
import { DeviceUsageSeries, type UsageSeries } from './usage-series.js';

const US_PER_S = 1_000_000;
const STATES: readonly ServedState[] = ['ready', 'suspect', 'draining', 'drained', 'unavailable'];

interface UsageMetric {
  readonly name: string;
  readonly help: string;
  readonly value: (op: OpUsage) => number;
}

const USAGE_METRICS: readonly UsageMetric[] = [
  { name: 'sluice_io_operations_total', help: 'Executions, failed ones included.', value: (op) => op.count },
  { name: 'sluice_io_errors_total', help: 'Failed executions.', value: (op) => op.errors },
  { name: 'sluice_io_bytes_total', help: 'Bytes of successful executions.', value: (op) => op.bytes },
  { name: 'sluice_io_cost_total', help: 'Cost units charged.', value: (op) => op.cost },
  { name: 'sluice_io_cache_hits_total', help: 'Executions served by the read cache.', value: (op) => op.cacheHits },
  { name: 'sluice_io_queue_seconds_total', help: 'Time in queue.', value: (op) => op.queueUsSum / US_PER_S },
  { name: 'sluice_io_service_seconds_total', help: 'Time at the device.', value: (op) => op.serviceUsSum / US_PER_S },
];

export class Metrics {
  readonly contentType: string;
  private readonly registry = new Registry();
  private readonly ledgers: () => ReadonlyMap<string, Ledger>;
  private readonly served: ServedDevices;
  private readonly series = new Map<string, DeviceUsageSeries>();
  private readonly counters: ReadonlyMap<UsageMetric, Counter>;
  private readonly queued: Gauge;
  private readonly outstanding: Gauge;
  private readonly queueLimit: Gauge;
  private readonly depth: Gauge;
  private readonly state: Gauge;
  private readonly mode: Gauge;
  private rendering: Promise<string> | null = null;
  private readonly coordination: () => readonly CoordinationNow[];

  constructor(
    ledgers: () => ReadonlyMap<string, Ledger>,
    served: ServedDevices,
    coordination: () => readonly CoordinationNow[] = () => [],
  ) {
    this.coordination = coordination;
    this.ledgers = ledgers;
    this.served = served;
    this.contentType = this.registry.contentType;
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.counters = new Map(
      USAGE_METRICS.map((metric) => {
        const { name, help } = metric;
        return [metric, new Counter({ name, help, labelNames: ['device', 'tag', 'op'], registers })];
      }),
    );
    const gauge = (name: string, help: string, ...more: string[]): Gauge =>
      new Gauge({ name, help, labelNames: ['device', ...more], registers });
    this.queued = gauge('sluice_device_queued_requests', 'Requests waiting on this host.');
    this.outstanding = gauge('sluice_device_outstanding_requests', 'Requests at the device, from this host.');
    this.queueLimit = gauge('sluice_device_queue_limit_requests', 'Most requests that may wait on this host.');
    this.depth = gauge('sluice_device_depth', 'Most requests at the device, from all hosts.');
    this.state = gauge('sluice_device_state', '1 for the state that the device is in on this host.', 'state');
    this.mode = gauge('sluice_coordination_mode', '1 for how this host stands with the hosts it shares with.', 'mode');
  }

  /** The text exposition format. Collectors that ask at the same time get the same answer. */
  render(): Promise<string> {
    this.rendering ??= this.renderOnce().finally(() => (this.rendering = null));
    return this.rendering;
  }

  private async renderOnce(): Promise<string> {
    const usage = new Map<string, readonly UsageSeries[]>();
    for (const [device, ledger] of this.ledgers()) usage.set(device, await this.readLedger(device, ledger));
    this.setUsage(usage);
    this.readDevices();
    await nextTurn();
    let text = await this.registry.metrics();
    for (const piece of latencyText(usage)) {
      text += piece;
      await nextTurn();
    }
    return text;
  }

  /** Others run between its steps. */
  private async readLedger(device: string, ledger: Ledger): Promise<readonly UsageSeries[]> {
    let series = this.series.get(device);
    if (series === undefined) this.series.set(device, (series = new DeviceUsageSeries(ledger)));
    const steps = series.read();
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) await nextTurn();
    return step.value;
  }

  private setUsage(usage: ReadonlyMap<string, readonly UsageSeries[]>): void {
    for (const counter of this.counters.values()) counter.reset();
    for (const [device, series] of usage) {
      for (const { tag, ops } of series) {
        for (const op of ops) {
          const labels = { device, tag, op: OP_NAMES[op.op].toLowerCase() };
          for (const [metric, counter] of this.counters) counter.inc(labels, Math.max(0, metric.value(op)));
        }
      }
    }
  }

  private readDevices(): void {
    for (const gauge of [this.queued, this.outstanding, this.queueLimit, this.depth, this.state, this.mode])
      gauge.reset();
    for (const { device, mode } of this.coordination()) this.mode.set({ device, mode }, 1);
    for (const device of this.served.list()) {
      this.queued.set({ device: device.name }, device.queued);
      this.outstanding.set({ device: device.name }, device.outstanding);
      this.queueLimit.set({ device: device.name }, device.record.settings.maxQueuedRequests);
      this.depth.set({ device: device.name }, device.record.settings.depth);
      for (const state of STATES) this.state.set({ device: device.name, state }, device.state === state ? 1 : 0);
    }
  }
}
