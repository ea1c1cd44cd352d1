/** The control plane as this door calls it. */
import type { DeviceRecord, DeviceSettingsPatch, DeviceTarget } from '../../core/model/device.js';
import type { Policy, PolicyFields } from '../../core/model/policy.js';
import type { TagSummary, UsageRow } from '../../core/model/usage.js';
import type { ServedState } from '../../core/ports.js';

export interface PolicyChange {
  readonly kind: 'created' | 'updated' | 'deleted';
  readonly before: Policy | null;
  readonly after: Policy | null;
  readonly revision: number;
}

export type PolicyWatchEvent =
  | { readonly kind: 'snapshot'; readonly policy: Policy }
  | { readonly kind: 'snapshotDone'; readonly revision: number }
  | { readonly kind: 'change'; readonly change: PolicyChange }
  | { readonly kind: 'heartbeat'; readonly revision: number };

export interface PolicyUseCases {
  get(device: string, tag: string): Promise<Policy>;
  getEffective(device: string, tag: string): Promise<Policy>;
  list(query: {
    device: string;
    prefix: string;
    pageSize: number;
    pageToken: string;
  }): Promise<{ policies: readonly Policy[]; nextPageToken: string; revision: number }>;
  put(device: string, tag: string, fields: PolicyFields, etag: string): Promise<Policy>;
  delete(device: string, tag: string, etag: string): Promise<number>;
  apply(request: {
    policies: readonly { device: string; tag: string; fields: PolicyFields; etag: string }[];
    prune: boolean;
    pruneDevice: string;
    prunePrefix: string;
    dryRun: boolean;
    requestId: string;
  }): Promise<{ changes: readonly PolicyChange[]; unchanged: number; revision: number }>;
  watch(
    device: string,
    resumeRevision: number,
    listener: (event: PolicyWatchEvent) => void,
  ): (() => void) | Promise<() => void>;
}

export interface DeviceView {
  readonly record: DeviceRecord;
  readonly state: ServedState;
  readonly stateMessage: string;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly queued: number;
  readonly outstanding: number;
}

export interface DeviceUseCases {
  create(request: { name: string; target: DeviceTarget; settings: DeviceSettingsPatch }): Promise<DeviceView>;
  get(name: string): Promise<DeviceView>;
  list(query: {
    pageSize: number;
    pageToken: string;
  }): Promise<{ devices: readonly DeviceView[]; nextPageToken: string }>;
  update(name: string, patch: DeviceSettingsPatch, etag: string): Promise<DeviceView>;
  drain(name: string): Promise<DeviceView>;
  delete(name: string, etag: string): Promise<void>;
}

export interface RawUsageQuery {
  readonly device: string;
  readonly tagPrefix: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly groupLevel: number;
  readonly orderBy: string;
  readonly topN: number;
  readonly quantiles: readonly number[];
}

export type RawUsageWatch = Omit<RawUsageQuery, 'fromMs' | 'toMs' | 'stepMs'> & { readonly intervalMs: number };

export interface UsageUseCases {
  query(query: RawUsageQuery): Promise<readonly UsageRow[]>;
  watch(query: RawUsageWatch, listener: (rows: readonly UsageRow[]) => void): (() => void) | Promise<() => void>;
  listTags(query: {
    device: string;
    tagPrefix: string;
    pageSize: number;
    pageToken: string;
  }): Promise<{ tags: readonly TagSummary[]; nextPageToken: string }>;
}
