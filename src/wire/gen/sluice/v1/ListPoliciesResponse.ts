// Original file: proto/sluice/v1/policy.proto

import type { Policy as _sluice_v1_Policy, Policy__Output as _sluice_v1_Policy__Output } from '../../sluice/v1/Policy.js';
import type { Long } from '@grpc/proto-loader';

export interface ListPoliciesResponse {
  'policies'?: (_sluice_v1_Policy)[];
  'nextPageToken'?: (string);
  'revision'?: (number | string | Long);
}

export interface ListPoliciesResponse__Output {
  'policies': (_sluice_v1_Policy__Output)[];
  'nextPageToken': (string);
  'revision': (number);
}
