// Original file: proto/sluice/v1/io.proto

import type { Code as _sluice_v1_Code, Code__Output as _sluice_v1_Code__Output } from '../../sluice/v1/Code.js';
import type { Long } from '@grpc/proto-loader';

export interface Done {
  'id'?: (number | string | Long);
  'code'?: (_sluice_v1_Code);
  'message'?: (string);
}

export interface Done__Output {
  'id': (number);
  'code': (_sluice_v1_Code__Output);
  'message': (string);
}
