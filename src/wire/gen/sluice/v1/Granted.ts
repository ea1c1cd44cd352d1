// Original file: proto/sluice/v1/io.proto

import type { Long } from '@grpc/proto-loader';

export interface Granted {
  'id'?: (number | string | Long);
  'handle'?: (number);
  'leaseMs'?: (number);
}

export interface Granted__Output {
  'id': (number);
  'handle': (number);
  'leaseMs': (number);
}
