// Original file: proto/sluice/v1/io.proto

import type { Op as _sluice_v1_Op, Op__Output as _sluice_v1_Op__Output } from '../../sluice/v1/Op.js';
import type { Long } from '@grpc/proto-loader';

export interface IoRequest {
  'id'?: (number | string | Long);
  'handle'?: (number);
  'op'?: (_sluice_v1_Op);
  'offset'?: (number | string | Long);
  'length'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
  'fua'?: (boolean);
  'queueTimeoutUs'?: (number);
  'tag'?: (string);
  'attempt'?: (number);
}

export interface IoRequest__Output {
  'id': (number);
  'handle': (number);
  'op': (_sluice_v1_Op__Output);
  'offset': (number);
  'length': (number);
  'data': (Buffer);
  'fua': (boolean);
  'queueTimeoutUs': (number);
  'tag': (string);
  'attempt': (number);
}
