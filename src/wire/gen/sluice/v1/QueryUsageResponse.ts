// Original file: proto/sluice/v1/usage.proto

import type { UsageRow as _sluice_v1_UsageRow, UsageRow__Output as _sluice_v1_UsageRow__Output } from '../../sluice/v1/UsageRow.js';

export interface QueryUsageResponse {
  'rows'?: (_sluice_v1_UsageRow)[];
}

export interface QueryUsageResponse__Output {
  'rows': (_sluice_v1_UsageRow__Output)[];
}
