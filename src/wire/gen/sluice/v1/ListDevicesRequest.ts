// Original file: proto/sluice/v1/device.proto


export interface ListDevicesRequest {
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListDevicesRequest__Output {
  'pageSize': (number);
  'pageToken': (string);
}
