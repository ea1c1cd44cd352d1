// Original file: proto/sluice/v1/io.proto

import type { Long } from '@grpc/proto-loader';

export interface Cancel {
  'id'?: (number | string | Long);
}

export interface Cancel__Output {
  'id': (number);
}
