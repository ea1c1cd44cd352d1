// Original file: proto/sluice/v1/disk.proto

import type { PriorityName as _sluice_v1_PriorityName, PriorityName__Output as _sluice_v1_PriorityName__Output } from '../../sluice/v1/PriorityName.js';

export interface Disk {
  'socket'?: (string);
  'device'?: (string);
  'tag'?: (string);
  'map'?: (_sluice_v1_PriorityName)[];
  'connected'?: (boolean);
  'inFlight'?: (number);
  'complaint'?: (string);
}

export interface Disk__Output {
  'socket': (string);
  'device': (string);
  'tag': (string);
  'map': (_sluice_v1_PriorityName__Output)[];
  'connected': (boolean);
  'inFlight': (number);
  'complaint': (string);
}
