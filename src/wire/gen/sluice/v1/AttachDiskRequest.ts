// Original file: proto/sluice/v1/disk.proto

import type { PriorityName as _sluice_v1_PriorityName, PriorityName__Output as _sluice_v1_PriorityName__Output } from '../../sluice/v1/PriorityName.js';

export interface AttachDiskRequest {
  'device'?: (string);
  'tag'?: (string);
  'socket'?: (string);
  'map'?: (_sluice_v1_PriorityName)[];
}

export interface AttachDiskRequest__Output {
  'device': (string);
  'tag': (string);
  'socket': (string);
  'map': (_sluice_v1_PriorityName__Output)[];
}
