// Original file: proto/sluice/v1/io.proto


export interface Open {
  'handle'?: (number);
  'device'?: (string);
  'tag'?: (string);
}

export interface Open__Output {
  'handle': (number);
  'device': (string);
  'tag': (string);
}
