// Original file: proto/sluice/v1/device.proto

import type { Simulation as _sluice_v1_Simulation, Simulation__Output as _sluice_v1_Simulation__Output } from '../../sluice/v1/Simulation.js';
import type { DeviceSettings as _sluice_v1_DeviceSettings, DeviceSettings__Output as _sluice_v1_DeviceSettings__Output } from '../../sluice/v1/DeviceSettings.js';

export interface CreateDeviceRequest {
  'name'?: (string);
  'binding'?: (string);
  'simulation'?: (_sluice_v1_Simulation | null);
  'settings'?: (_sluice_v1_DeviceSettings | null);
  'target'?: "binding"|"simulation";
}

export interface CreateDeviceRequest__Output {
  'name': (string);
  'binding'?: (string);
  'simulation'?: (_sluice_v1_Simulation__Output | null);
  'settings': (_sluice_v1_DeviceSettings__Output | null);
  'target'?: "binding"|"simulation";
}
