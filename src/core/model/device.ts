/** A device as the store keeps it: what it is, and how it is scheduled. */
import { invalid } from './errors.js';
import { GIB, KIB, MIB } from './units.js';

export const SCHEDULERS = ['fair', 'stride', 'fifo'] as const;
export type SchedulerName = (typeof SCHEDULERS)[number];
export const COST_MODELS = ['requests', 'normalized', 'bytes'] as const;
export type CostModelName = (typeof COST_MODELS)[number];
export const UNKNOWN_TAGS = ['default', 'reject'] as const;
export type UnknownTags = (typeof UNKNOWN_TAGS)[number];
export const SLEEP_RULES = ['as-written', 'before-pick'] as const;
export type SleepRule = (typeof SLEEP_RULES)[number];
export const SIMULATION_KINDS = ['null', 'hdd', 'ssd'] as const;
export type SimulationKind = (typeof SIMULATION_KINDS)[number];

export interface FairSettings {
  /** Cost units, 0..65536. */
  readonly credit: number;
  readonly idleResetMs: number;
}

export interface StrideSettings {
  readonly globalShares: number;
  readonly sleepMs: number;
  readonly threshold: number;
  readonly sleepRule: SleepRule;
}

/** How a device is scheduled; complete, with defaults filled in. */
export interface DeviceSettings {
  readonly scheduler: SchedulerName;
  readonly depth: number;
  readonly costModel: CostModelName;
  readonly costUnitBytes: number;
  readonly ioTimeoutMs: number;
  readonly unknownTags: UnknownTags;
  readonly maxQueuedRequests: number;
  readonly maxQueuedBytes: number;
  /** Of blocks read lately, kept in memory on this host; 0 = none. */
  readonly readCacheBytes: number;
  /** Lease devices: how long a client may work without a word. */
  readonly leaseMs: number;
  readonly fair: FairSettings;
  readonly stride: StrideSettings;
}

/** The same with anything left out: what a caller sets. */
export type DeviceSettingsPatch = Partial<Omit<DeviceSettings, 'fair' | 'stride'>> & {
  readonly fair?: Partial<FairSettings>;
  readonly stride?: Partial<StrideSettings>;
};

export const DEFAULT_SETTINGS: DeviceSettings = {
  scheduler: 'fair',
  depth: 32,
  costModel: 'normalized',
  costUnitBytes: 16 * KIB,
  ioTimeoutMs: 30_000,
  unknownTags: 'default',
  maxQueuedRequests: 4_096,
  maxQueuedBytes: 256 * MIB,
  readCacheBytes: 0,
  leaseMs: 5_000,
  fair: { credit: 0, idleResetMs: 1_000 },
  stride: { globalShares: 10_000, sleepMs: 1_000, threshold: 2 ** 40, sleepRule: 'before-pick' },
};

export interface Simulation {
  readonly kind: SimulationKind;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly seed: number;
  readonly memoryBytesMax: number;
}

export const DEFAULT_SIMULATION: Omit<Simulation, 'kind'> = {
  sizeBytes: 64 * GIB,
  blockBytes: 512,
  seed: 1,
  memoryBytesMax: GIB,
};

/** What serves a device: a binding named in the host's configuration, or a model. */
export type DeviceTarget = { readonly binding: string } | { readonly simulation: Simulation };

/** A device as stored. */
export interface DeviceRecord {
  readonly name: string;
  readonly target: DeviceTarget;
  readonly settings: DeviceSettings;
  /** Set by Drain, ended only by Delete. */
  readonly draining: boolean;
  readonly etag: string;
  readonly revision: number;
}

function integer(value: number, min: number, max: number, field: string): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw invalid(field, `an integer ${String(min)}..${String(max)}`, value);
  }
}

function within(value: number, min: number, max: number, field: string): void {
  if (!(value >= min && value <= max)) throw invalid(field, `${String(min)}..${String(max)}`, value);
}

function oneOf(value: string, allowed: readonly string[], field: string): void {
  if (!allowed.includes(value)) throw invalid(field, `one of ${allowed.join(', ')}`, value);
}

/**
 * `base` with the patch laid over it, checked.
 * @param at prefix of the field names in errors, such as `devices.disk0.`
 * @throws SluiceError INVALID_ARGUMENT
 */
export function patchSettings(base: DeviceSettings, patch: DeviceSettingsPatch, at = 'settings.'): DeviceSettings {
  const merged: DeviceSettings = {
    ...base,
    ...dropUndefined(patch),
    fair: { ...base.fair, ...dropUndefined(patch.fair ?? {}) },
    stride: { ...base.stride, ...dropUndefined(patch.stride ?? {}) },
  };
  oneOf(merged.scheduler, SCHEDULERS, `${at}scheduler`);
  integer(merged.depth, 1, 65_536, `${at}depth`);
  oneOf(merged.costModel, COST_MODELS, `${at}cost_model`);
  integer(merged.costUnitBytes, 512, MIB, `${at}cost_unit_bytes`);
  integer(merged.ioTimeoutMs, 1, 3_600_000, `${at}io_timeout_ms`);
  oneOf(merged.unknownTags, UNKNOWN_TAGS, `${at}unknown_tags`);
  integer(merged.maxQueuedRequests, 1, 1_048_576, `${at}max_queued_requests`);
  integer(merged.maxQueuedBytes, 4 * KIB, 64 * GIB, `${at}max_queued_bytes`);
  integer(merged.readCacheBytes, 0, 64 * GIB, `${at}read_cache_bytes`);
  integer(merged.leaseMs, 100, 600_000, `${at}lease_ms`);
  within(merged.fair.credit, 0, 65_536, `${at}fair.credit`);
  integer(merged.fair.idleResetMs, 1, 3_600_000, `${at}fair.idle_reset_ms`);
  within(merged.stride.globalShares, 1, 1e9, `${at}stride.global_shares`);
  integer(merged.stride.sleepMs, 0, 3_600_000, `${at}stride.sleep_ms`);
  within(merged.stride.threshold, 1, 2 ** 52, `${at}stride.threshold`);
  oneOf(merged.stride.sleepRule, SLEEP_RULES, `${at}stride.sleep_rule`);
  return merged;
}

/** What settings may not ask for where several hosts serve the device. @throws SluiceError INVALID_ARGUMENT */
export function checkReadCache(settings: DeviceSettings, at: string): void {
  if (settings.readCacheBytes === 0) return;
  const allowed = '0 with a store that hosts share (what another host writes would not be seen)';
  throw invalid(`${at}read_cache_bytes`, allowed, settings.readCacheBytes);
}

/** @throws SluiceError INVALID_ARGUMENT */
export function checkSimulation(simulation: Simulation, at = 'simulation.'): Simulation {
  oneOf(simulation.kind, SIMULATION_KINDS, `${at}kind`);
  integer(simulation.blockBytes, 512, 64 * KIB, `${at}block_bytes`);
  if ((simulation.blockBytes & (simulation.blockBytes - 1)) !== 0) {
    throw invalid(`${at}block_bytes`, 'a power of two', simulation.blockBytes);
  }
  integer(simulation.sizeBytes, simulation.blockBytes, 2 ** 50, `${at}size_bytes`);
  if (simulation.sizeBytes % simulation.blockBytes !== 0) {
    throw invalid(
      `${at}size_bytes`,
      `a multiple of block_bytes (${String(simulation.blockBytes)})`,
      simulation.sizeBytes,
    );
  }
  integer(simulation.seed, 0, 2 ** 32 - 1, `${at}seed`);
  integer(simulation.memoryBytesMax, 0, 2 ** 40, `${at}memory_bytes_max`);
  return simulation;
}

function dropUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined));
}
