// Original file: proto/sluice/v1/io.proto

import type { Long } from '@grpc/proto-loader';

export interface Renew {
  'id'?: (number | string | Long);
}

export interface Renew__Output {
  'id': (number);
}
