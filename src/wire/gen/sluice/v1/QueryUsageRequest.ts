// Original file: proto/sluice/v1/usage.proto

import type { UsageOrder as _sluice_v1_UsageOrder, UsageOrder__Output as _sluice_v1_UsageOrder__Output } from '../../sluice/v1/UsageOrder.js';
import type { Long } from '@grpc/proto-loader';

export interface QueryUsageRequest {
  'device'?: (string);
  'tagPrefix'?: (string);
  'fromMs'?: (number | string | Long);
  'toMs'?: (number | string | Long);
  'stepMs'?: (number);
  'groupLevel'?: (number);
  'orderBy'?: (_sluice_v1_UsageOrder);
  'topN'?: (number);
  'quantiles'?: (number | string)[];
  'apart'?: (string)[];
}

export interface QueryUsageRequest__Output {
  'device': (string);
  'tagPrefix': (string);
  'fromMs': (number);
  'toMs': (number);
  'stepMs': (number);
  'groupLevel': (number);
  'orderBy': (_sluice_v1_UsageOrder__Output);
  'topN': (number);
  'quantiles': (number)[];
  'apart': (string)[];
}
