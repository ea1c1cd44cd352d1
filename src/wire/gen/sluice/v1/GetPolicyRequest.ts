// Original file: proto/sluice/v1/policy.proto


export interface GetPolicyRequest {
  'device'?: (string);
  'tag'?: (string);
  'effective'?: (boolean);
}

export interface GetPolicyRequest__Output {
  'device': (string);
  'tag': (string);
  'effective': (boolean);
}
