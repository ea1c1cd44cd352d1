// Original file: proto/sluice/v1/io.proto


export interface Welcome {
  'hostId'?: (string);
  'resumed'?: (boolean);
  'fenceMs'?: (number);
  'maxIoBytes'?: (number);
  'maxFrameBytes'?: (number);
  'maxHandles'?: (number);
}

export interface Welcome__Output {
  'hostId': (string);
  'resumed': (boolean);
  'fenceMs': (number);
  'maxIoBytes': (number);
  'maxFrameBytes': (number);
  'maxHandles': (number);
}
