// Original file: proto/sluice/v1/policy.proto

import type { Long } from '@grpc/proto-loader';

export interface WatchPoliciesRequest {
  'device'?: (string);
  'resumeRevision'?: (number | string | Long);
}

export interface WatchPoliciesRequest__Output {
  'device': (string);
  'resumeRevision': (number);
}
