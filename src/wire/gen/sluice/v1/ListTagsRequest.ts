// Original file: proto/sluice/v1/usage.proto


export interface ListTagsRequest {
  'device'?: (string);
  'tagPrefix'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListTagsRequest__Output {
  'device': (string);
  'tagPrefix': (string);
  'pageSize': (number);
  'pageToken': (string);
}
