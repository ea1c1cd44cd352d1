/** The package's API: a client for tagged I/O and the control plane. */
export { SluiceClient } from './client.js';
export { Handle, type IssueOptions } from './handle.js';
export type { ClientOptions } from './options.js';
export type { ConnectionEvent } from './status-events.js';
export { Lease } from './lease.js';
export type { IoOptions, IoRequest, IoResult, LeaseRequest, WriteOptions } from './io.js';
export type { TaggedIoRequest } from './submit-once.js';
export type { IoReply, ReplySink } from './request.js';
export type { ResendWrites } from './doubt.js';
export type { Clock, Rng, Timer } from './world.js';
export {
  PolicyClient,
  type ApplyOptions,
  type ApplyResult,
  type Policy,
  type PolicyChange,
  type PolicyInput,
  type PolicyWatchEvent,
} from './policies.js';
export { DeviceClient, type Device, type DeviceInput, type DeviceState } from './devices.js';
export { DiskClient, type DiskInput } from './disks.js';
export type { DiskView, PriorityNames } from '../core/model/disk.js';
export { UsageClient, type UsageQuery, type UsageSelection, type UsageWatch } from './usage.js';
export { CODES, RETRY, SluiceError, codeName, type Code, type ErrorCode, type Retry } from '../core/model/errors.js';
export { OPS, type Op, type OpName } from '../core/model/request.js';
export type { DeviceSettings, DeviceSettingsPatch, Simulation } from '../core/model/device.js';
export type { PolicyFields } from '../core/model/policy.js';
export type { OpUsage, TagSummary, UsageOrder, UsageRow } from '../core/model/usage.js';
