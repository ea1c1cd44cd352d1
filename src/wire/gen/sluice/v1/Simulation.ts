// Original file: proto/sluice/v1/device.proto

import type { Long } from '@grpc/proto-loader';

export interface Simulation {
  'kind'?: (string);
  'sizeBytes'?: (number | string | Long);
  'blockBytes'?: (number);
  'seed'?: (number | string | Long);
  'memoryBytesMax'?: (number | string | Long);
}

export interface Simulation__Output {
  'kind': (string);
  'sizeBytes': (number);
  'blockBytes': (number);
  'seed': (number);
  'memoryBytesMax': (number);
}
