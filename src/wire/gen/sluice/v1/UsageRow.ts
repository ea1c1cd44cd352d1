// Original file: proto/sluice/v1/usage.proto

import type { OpUsage as _sluice_v1_OpUsage, OpUsage__Output as _sluice_v1_OpUsage__Output } from '../../sluice/v1/OpUsage.js';
import type { Long } from '@grpc/proto-loader';

export interface UsageRow {
  'device'?: (string);
  'tag'?: (string);
  'startMs'?: (number | string | Long);
  'endMs'?: (number | string | Long);
  'ops'?: (_sluice_v1_OpUsage)[];
  'queueUs'?: (number | string)[];
  'serviceUs'?: (number | string)[];
}

export interface UsageRow__Output {
  'device': (string);
  'tag': (string);
  'startMs': (number);
  'endMs': (number);
  'ops': (_sluice_v1_OpUsage__Output)[];
  'queueUs': (number)[];
  'serviceUs': (number)[];
}
