// Original file: proto/sluice/v1/policy.proto

import type { Policy as _sluice_v1_Policy, Policy__Output as _sluice_v1_Policy__Output } from '../../sluice/v1/Policy.js';

export interface ApplyPoliciesRequest {
  'policies'?: (_sluice_v1_Policy)[];
  'prune'?: (boolean);
  'pruneDevice'?: (string);
  'prunePrefix'?: (string);
  'dryRun'?: (boolean);
  'requestId'?: (string);
}

export interface ApplyPoliciesRequest__Output {
  'policies': (_sluice_v1_Policy__Output)[];
  'prune': (boolean);
  'pruneDevice': (string);
  'prunePrefix': (string);
  'dryRun': (boolean);
  'requestId': (string);
}
