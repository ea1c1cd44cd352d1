// Original file: proto/sluice/v1/io.proto

import type { Long } from '@grpc/proto-loader';

export interface Credit {
  'handle'?: (number);
  'requestsTotal'?: (number | string | Long);
  'bytesTotal'?: (number | string | Long);
}

export interface Credit__Output {
  'handle': (number);
  'requestsTotal': (number);
  'bytesTotal': (number);
}
