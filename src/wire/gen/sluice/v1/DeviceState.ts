// Original file: proto/sluice/v1/device.proto

export const DeviceState = {
  DEVICE_STATE_UNSPECIFIED: 0,
  DEVICE_STATE_READY: 1,
  DEVICE_STATE_SUSPECT: 2,
  DEVICE_STATE_DRAINING: 3,
  DEVICE_STATE_DRAINED: 4,
  DEVICE_STATE_UNAVAILABLE: 5,
} as const;

export type DeviceState =
  | 'DEVICE_STATE_UNSPECIFIED'
  | 0
  | 'DEVICE_STATE_READY'
  | 1
  | 'DEVICE_STATE_SUSPECT'
  | 2
  | 'DEVICE_STATE_DRAINING'
  | 3
  | 'DEVICE_STATE_DRAINED'
  | 4
  | 'DEVICE_STATE_UNAVAILABLE'
  | 5

export type DeviceState__Output = typeof DeviceState[keyof typeof DeviceState]
