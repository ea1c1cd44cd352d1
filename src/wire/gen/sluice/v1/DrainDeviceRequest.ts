// Original file: proto/sluice/v1/device.proto


export interface DrainDeviceRequest {
  'name'?: (string);
}

export interface DrainDeviceRequest__Output {
  'name': (string);
}
