// Original file: proto/sluice/v1/device.proto


export interface CalibrateDeviceRequest {
  'name'?: (string);
}

export interface CalibrateDeviceRequest__Output {
  'name': (string);
}
