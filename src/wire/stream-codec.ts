/** What a gRPC method definition of IoService.Stream takes, made of the codecs by hand. */
import { encodeClientFrame } from './client-frame.js';
import { decodeClientFrame } from './client-frame-reader.js';
import { encodeServerFrame, type ServerFrameMessage } from './server-frame.js';
import { decodeServerFrame } from './server-frame-reader.js';

export const STREAM_PATH = '/sluice.v1.IoService/Stream';

export const STREAM_CODEC = {
  requestSerialize: encodeClientFrame,
  requestDeserialize: decodeClientFrame,
  responseSerialize: (frame: ServerFrameMessage): Buffer => encodeServerFrame(frame),
  responseDeserialize: decodeServerFrame,
} as const;
