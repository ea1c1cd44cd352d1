// Original file: proto/sluice/v1/io.proto

import type { Long } from '@grpc/proto-loader';

export interface Revoked {
  'id'?: (number | string | Long);
  'reason'?: (string);
}

export interface Revoked__Output {
  'id': (number);
  'reason': (string);
}
