// Original file: proto/sluice/v1/usage.proto

import type { UsageOrder as _sluice_v1_UsageOrder, UsageOrder__Output as _sluice_v1_UsageOrder__Output } from '../../sluice/v1/UsageOrder.js';

export interface WatchUsageRequest {
  'device'?: (string);
  'tagPrefix'?: (string);
  'groupLevel'?: (number);
  'orderBy'?: (_sluice_v1_UsageOrder);
  'topN'?: (number);
  'quantiles'?: (number | string)[];
  'intervalMs'?: (number);
  'apart'?: (string)[];
}

export interface WatchUsageRequest__Output {
  'device': (string);
  'tagPrefix': (string);
  'groupLevel': (number);
  'orderBy': (_sluice_v1_UsageOrder__Output);
  'topN': (number);
  'quantiles': (number)[];
  'intervalMs': (number);
  'apart': (string)[];
}
