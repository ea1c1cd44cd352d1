// Original file: proto/sluice/v1/policy.proto

import type { PolicyChange as _sluice_v1_PolicyChange, PolicyChange__Output as _sluice_v1_PolicyChange__Output } from '../../sluice/v1/PolicyChange.js';
import type { Long } from '@grpc/proto-loader';

export interface ApplyPoliciesResponse {
  'changes'?: (_sluice_v1_PolicyChange)[];
  'unchanged'?: (number);
  'revision'?: (number | string | Long);
}

export interface ApplyPoliciesResponse__Output {
  'changes': (_sluice_v1_PolicyChange__Output)[];
  'unchanged': (number);
  'revision': (number);
}
