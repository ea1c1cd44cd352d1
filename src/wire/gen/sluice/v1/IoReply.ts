// Original file: proto/sluice/v1/io.proto

import type { Code as _sluice_v1_Code, Code__Output as _sluice_v1_Code__Output } from '../../sluice/v1/Code.js';
import type { Long } from '@grpc/proto-loader';

export interface IoReply {
  'id'?: (number | string | Long);
  'code'?: (_sluice_v1_Code);
  'message'?: (string);
  'data'?: (Buffer | Uint8Array | string);
  'behindOwnUs'?: (number);
  'limitUs'?: (number);
  'shareUs'?: (number);
  'slotsUs'?: (number);
  'coordinationUs'?: (number);
  'serviceUs'?: (number);
  'attempt'?: (number);
  'cost'?: (number);
}

export interface IoReply__Output {
  'id': (number);
  'code': (_sluice_v1_Code__Output);
  'message': (string);
  'data': (Buffer);
  'behindOwnUs': (number);
  'limitUs': (number);
  'shareUs': (number);
  'slotsUs': (number);
  'coordinationUs': (number);
  'serviceUs': (number);
  'attempt': (number);
  'cost': (number);
}
