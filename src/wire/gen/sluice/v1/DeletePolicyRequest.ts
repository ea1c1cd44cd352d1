// Original file: proto/sluice/v1/policy.proto


export interface DeletePolicyRequest {
  'device'?: (string);
  'tag'?: (string);
  'etag'?: (string);
}

export interface DeletePolicyRequest__Output {
  'device': (string);
  'tag': (string);
  'etag': (string);
}
