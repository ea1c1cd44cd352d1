// Original file: proto/sluice/v1/device.proto

import type { Device as _sluice_v1_Device, Device__Output as _sluice_v1_Device__Output } from '../../sluice/v1/Device.js';

export interface ListDevicesResponse {
  'devices'?: (_sluice_v1_Device)[];
  'nextPageToken'?: (string);
}

export interface ListDevicesResponse__Output {
  'devices': (_sluice_v1_Device__Output)[];
  'nextPageToken': (string);
}
