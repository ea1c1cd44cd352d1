// Original file: proto/sluice/v1/io.proto

import type { Hello as _sluice_v1_Hello, Hello__Output as _sluice_v1_Hello__Output } from '../../sluice/v1/Hello.js';
import type { Open as _sluice_v1_Open, Open__Output as _sluice_v1_Open__Output } from '../../sluice/v1/Open.js';
import type { IoRequest as _sluice_v1_IoRequest, IoRequest__Output as _sluice_v1_IoRequest__Output } from '../../sluice/v1/IoRequest.js';
import type { Cancel as _sluice_v1_Cancel, Cancel__Output as _sluice_v1_Cancel__Output } from '../../sluice/v1/Cancel.js';
import type { Done as _sluice_v1_Done, Done__Output as _sluice_v1_Done__Output } from '../../sluice/v1/Done.js';
import type { Renew as _sluice_v1_Renew, Renew__Output as _sluice_v1_Renew__Output } from '../../sluice/v1/Renew.js';

export interface ClientFrame {
  'hello'?: (_sluice_v1_Hello | null);
  'open'?: (_sluice_v1_Open)[];
  'requests'?: (_sluice_v1_IoRequest)[];
  'cancels'?: (_sluice_v1_Cancel)[];
  'done'?: (_sluice_v1_Done)[];
  'renew'?: (_sluice_v1_Renew)[];
  'close'?: (number)[];
}

export interface ClientFrame__Output {
  'hello': (_sluice_v1_Hello__Output | null);
  'open': (_sluice_v1_Open__Output)[];
  'requests': (_sluice_v1_IoRequest__Output)[];
  'cancels': (_sluice_v1_Cancel__Output)[];
  'done': (_sluice_v1_Done__Output)[];
  'renew': (_sluice_v1_Renew__Output)[];
  'close': (number)[];
}
