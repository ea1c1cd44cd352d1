// Original file: proto/sluice/v1/io.proto


export interface GoAway {
  'reason'?: (string);
  'graceMs'?: (number);
}

export interface GoAway__Output {
  'reason': (string);
  'graceMs': (number);
}
