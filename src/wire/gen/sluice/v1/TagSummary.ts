// Original file: proto/sluice/v1/usage.proto

import type { Long } from '@grpc/proto-loader';

export interface TagSummary {
  'device'?: (string);
  'tag'?: (string);
  'lastSeenMs'?: (number | string | Long);
}

export interface TagSummary__Output {
  'device': (string);
  'tag': (string);
  'lastSeenMs': (number);
}
