// Original file: proto/sluice/v1/io.proto


export interface Hello {
  'sessionId'?: (Buffer | Uint8Array | string);
}

export interface Hello__Output {
  'sessionId': (Buffer);
}
