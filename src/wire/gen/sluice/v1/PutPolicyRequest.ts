// Original file: proto/sluice/v1/policy.proto

import type { Policy as _sluice_v1_Policy, Policy__Output as _sluice_v1_Policy__Output } from '../../sluice/v1/Policy.js';

export interface PutPolicyRequest {
  'policy'?: (_sluice_v1_Policy | null);
}

export interface PutPolicyRequest__Output {
  'policy': (_sluice_v1_Policy__Output | null);
}
