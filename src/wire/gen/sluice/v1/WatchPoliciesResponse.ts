// Original file: proto/sluice/v1/policy.proto

import type { Policy as _sluice_v1_Policy, Policy__Output as _sluice_v1_Policy__Output } from '../../sluice/v1/Policy.js';
import type { PolicyChange as _sluice_v1_PolicyChange, PolicyChange__Output as _sluice_v1_PolicyChange__Output } from '../../sluice/v1/PolicyChange.js';
import type { Long } from '@grpc/proto-loader';

export interface WatchPoliciesResponse {
  'snapshot'?: (_sluice_v1_Policy | null);
  'snapshotDone'?: (number | string | Long);
  'change'?: (_sluice_v1_PolicyChange | null);
  'heartbeat'?: (number | string | Long);
  'event'?: "snapshot"|"snapshotDone"|"change"|"heartbeat";
}

export interface WatchPoliciesResponse__Output {
  'snapshot'?: (_sluice_v1_Policy__Output | null);
  'snapshotDone'?: (number);
  'change'?: (_sluice_v1_PolicyChange__Output | null);
  'heartbeat'?: (number);
  'event'?: "snapshot"|"snapshotDone"|"change"|"heartbeat";
}
