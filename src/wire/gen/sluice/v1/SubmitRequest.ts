// Original file: proto/sluice/v1/io.proto

import type { IoRequest as _sluice_v1_IoRequest, IoRequest__Output as _sluice_v1_IoRequest__Output } from '../../sluice/v1/IoRequest.js';

export interface SubmitRequest {
  'device'?: (string);
  'request'?: (_sluice_v1_IoRequest | null);
}

export interface SubmitRequest__Output {
  'device': (string);
  'request': (_sluice_v1_IoRequest__Output | null);
}
