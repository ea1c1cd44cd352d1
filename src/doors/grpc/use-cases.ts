/** The control plane as this door calls it. */
import type { Devices } from '../../control/devices.js';
import type { Disks } from '../../control/disks.js';
import type { Policies } from '../../control/policies.js';
import type { Usage } from '../../control/usage.js';

export type { DeviceView } from '../../control/devices.js';
export type { PolicyChange } from '../../control/policy-change.js';
export type { PolicyWatchEvent } from '../../control/policy-watch.js';

export type PolicyUseCases = Pick<Policies, 'get' | 'getEffective' | 'list' | 'put' | 'delete' | 'apply' | 'watch'>;
export type DeviceUseCases = Pick<Devices, 'create' | 'get' | 'list' | 'update' | 'drain' | 'delete'>;
export type UsageUseCases = Pick<Usage, 'query' | 'watch' | 'listTags'>;
export type DiskUseCases = Pick<Disks, 'attach' | 'list' | 'detach'>;
