// Original file: proto/sluice/v1/device.proto


export interface GetDeviceRequest {
  'name'?: (string);
}

export interface GetDeviceRequest__Output {
  'name': (string);
}
