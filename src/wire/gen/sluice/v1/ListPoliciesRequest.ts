// Original file: proto/sluice/v1/policy.proto


export interface ListPoliciesRequest {
  'device'?: (string);
  'tagPrefix'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListPoliciesRequest__Output {
  'device': (string);
  'tagPrefix': (string);
  'pageSize': (number);
  'pageToken': (string);
}
