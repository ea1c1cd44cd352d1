// Original file: proto/sluice/v1/policy.proto

import type { Long } from '@grpc/proto-loader';

export interface DeletePolicyResponse {
  'revision'?: (number | string | Long);
}

export interface DeletePolicyResponse__Output {
  'revision': (number);
}
