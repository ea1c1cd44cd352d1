// Original file: proto/sluice/v1/device.proto

import type { DeviceSettings as _sluice_v1_DeviceSettings, DeviceSettings__Output as _sluice_v1_DeviceSettings__Output } from '../../sluice/v1/DeviceSettings.js';

export interface UpdateDeviceRequest {
  'name'?: (string);
  'settings'?: (_sluice_v1_DeviceSettings | null);
  'etag'?: (string);
}

export interface UpdateDeviceRequest__Output {
  'name': (string);
  'settings': (_sluice_v1_DeviceSettings__Output | null);
  'etag': (string);
}
