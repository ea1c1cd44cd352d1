// Original file: proto/sluice/v1/policy.proto


export interface Policy {
  'device'?: (string);
  'tag'?: (string);
  'shares'?: (number);
  'selfShares'?: (number);
  'reservationPerS'?: (number | string);
  'limitPerS'?: (number | string);
  'burst'?: (number | string);
  'etag'?: (string);
  '_shares'?: "shares";
  '_selfShares'?: "selfShares";
  '_reservationPerS'?: "reservationPerS";
  '_limitPerS'?: "limitPerS";
  '_burst'?: "burst";
}

export interface Policy__Output {
  'device': (string);
  'tag': (string);
  'shares'?: (number);
  'selfShares'?: (number);
  'reservationPerS'?: (number);
  'limitPerS'?: (number);
  'burst'?: (number);
  'etag': (string);
  '_shares'?: "shares";
  '_selfShares'?: "selfShares";
  '_reservationPerS'?: "reservationPerS";
  '_limitPerS'?: "limitPerS";
  '_burst'?: "burst";
}
