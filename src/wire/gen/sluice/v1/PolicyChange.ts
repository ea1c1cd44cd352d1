// Original file: proto/sluice/v1/policy.proto

import type { ChangeKind as _sluice_v1_ChangeKind, ChangeKind__Output as _sluice_v1_ChangeKind__Output } from '../../sluice/v1/ChangeKind.js';
import type { Policy as _sluice_v1_Policy, Policy__Output as _sluice_v1_Policy__Output } from '../../sluice/v1/Policy.js';
import type { Long } from '@grpc/proto-loader';

export interface PolicyChange {
  'kind'?: (_sluice_v1_ChangeKind);
  'before'?: (_sluice_v1_Policy | null);
  'after'?: (_sluice_v1_Policy | null);
  'revision'?: (number | string | Long);
}

export interface PolicyChange__Output {
  'kind': (_sluice_v1_ChangeKind__Output);
  'before': (_sluice_v1_Policy__Output | null);
  'after': (_sluice_v1_Policy__Output | null);
  'revision': (number);
}
