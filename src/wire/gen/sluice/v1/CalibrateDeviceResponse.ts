// Original file: proto/sluice/v1/device.proto


export interface CalibrateDeviceResponse {
  'progress'?: (number | string);
}

export interface CalibrateDeviceResponse__Output {
  'progress': (number);
}
