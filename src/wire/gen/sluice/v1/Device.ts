// Original file: proto/sluice/v1/device.proto

import type { DeviceSettings as _sluice_v1_DeviceSettings, DeviceSettings__Output as _sluice_v1_DeviceSettings__Output } from '../../sluice/v1/DeviceSettings.js';
import type { DeviceState as _sluice_v1_DeviceState, DeviceState__Output as _sluice_v1_DeviceState__Output } from '../../sluice/v1/DeviceState.js';
import type { Simulation as _sluice_v1_Simulation, Simulation__Output as _sluice_v1_Simulation__Output } from '../../sluice/v1/Simulation.js';
import type { Long } from '@grpc/proto-loader';

export interface Device {
  'name'?: (string);
  'binding'?: (string);
  'sizeBytes'?: (number | string | Long);
  'blockBytes'?: (number);
  'readOnly'?: (boolean);
  'settings'?: (_sluice_v1_DeviceSettings | null);
  'state'?: (_sluice_v1_DeviceState);
  'etag'?: (string);
  'queued'?: (number);
  'outstanding'?: (number);
  'simulation'?: (_sluice_v1_Simulation | null);
  'stateMessage'?: (string);
}

export interface Device__Output {
  'name': (string);
  'binding': (string);
  'sizeBytes': (number);
  'blockBytes': (number);
  'readOnly': (boolean);
  'settings': (_sluice_v1_DeviceSettings__Output | null);
  'state': (_sluice_v1_DeviceState__Output);
  'etag': (string);
  'queued': (number);
  'outstanding': (number);
  'simulation': (_sluice_v1_Simulation__Output | null);
  'stateMessage': (string);
}
