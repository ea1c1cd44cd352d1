// Original file: proto/sluice/v1/device.proto


export interface DeleteDeviceRequest {
  'name'?: (string);
  'etag'?: (string);
}

export interface DeleteDeviceRequest__Output {
  'name': (string);
  'etag': (string);
}
