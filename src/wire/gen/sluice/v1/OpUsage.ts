// Original file: proto/sluice/v1/usage.proto

import type { Op as _sluice_v1_Op, Op__Output as _sluice_v1_Op__Output } from '../../sluice/v1/Op.js';
import type { Long } from '@grpc/proto-loader';

export interface OpUsage {
  'op'?: (_sluice_v1_Op);
  'count'?: (number | string | Long);
  'errors'?: (number | string | Long);
  'bytes'?: (number | string | Long);
  'cost'?: (number | string);
  'cacheHits'?: (number | string | Long);
  'queueUsSum'?: (number | string);
  'serviceUsSum'?: (number | string);
}

export interface OpUsage__Output {
  'op': (_sluice_v1_Op__Output);
  'count': (number);
  'errors': (number);
  'bytes': (number);
  'cost': (number);
  'cacheHits': (number);
  'queueUsSum': (number);
  'serviceUsSum': (number);
}
