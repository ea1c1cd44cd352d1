// Original file: proto/sluice/v1/io.proto

import type { Code as _sluice_v1_Code, Code__Output as _sluice_v1_Code__Output } from '../../sluice/v1/Code.js';
import type { Long } from '@grpc/proto-loader';

export interface Opened {
  'handle'?: (number);
  'code'?: (_sluice_v1_Code);
  'message'?: (string);
  'sizeBytes'?: (number | string | Long);
  'blockBytes'?: (number);
  'readOnly'?: (boolean);
  'lease'?: (boolean);
}

export interface Opened__Output {
  'handle': (number);
  'code': (_sluice_v1_Code__Output);
  'message': (string);
  'sizeBytes': (number);
  'blockBytes': (number);
  'readOnly': (boolean);
  'lease': (boolean);
}
