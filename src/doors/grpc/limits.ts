/** What a stream may do at most. */
import { invalid } from '../../core/model/errors.js';
import { KIB, MIB } from '../../core/model/units.js';

export interface IoLimits {
  /** Longest READ or WRITE, bytes. */
  readonly maxIoBytes: number;
  /** Longest frame either way, bytes. */
  readonly maxFrameBytes: number;
  /** Open handles a stream. */
  readonly maxHandles: number;
  /** Streams of this door at once. */
  readonly maxStreams: number;
  /** Credit of a handle: requests, and bytes of READs and WRITEs, not yet answered and drained. */
  readonly handleRequests: number;
  readonly handleBytes: number;
  /** After this long without its stream, a write of a client can no longer reach a device from here. */
  readonly fenceMs: number;
}

export const DEFAULT_IO_LIMITS: IoLimits = {
  maxIoBytes: MIB,
  maxFrameBytes: 2 * MIB,
  maxHandles: 1_024,
  maxStreams: 1_024,
  handleRequests: 256,
  handleBytes: 8 * MIB,
  fenceMs: 5_000,
};

/** What a frame has besides the data of its one largest request. */
const FRAME_ROOM_BYTES = 4 * KIB;

/**
 * A message this many times the frame limit still arrives, so that its requests can be answered
 * TOO_LARGE: past it gRPC itself ends the stream.
 */
const RECEIVE_FACTOR = 8;

export function receiveBytesMax(limits: IoLimits): number {
  return RECEIVE_FACTOR * limits.maxFrameBytes;
}

/** @throws SluiceError INVALID_ARGUMENT where one limit does not leave room for another */
export function checkLimits(limits: IoLimits): IoLimits {
  const frameMin = limits.maxIoBytes + FRAME_ROOM_BYTES;
  if (limits.maxFrameBytes < frameMin) {
    throw invalid(
      'limits.max_frame_bytes',
      `at least max_io_bytes and ${String(FRAME_ROOM_BYTES)} more (${String(frameMin)})`,
      limits.maxFrameBytes,
    );
  }
  if (limits.handleBytes < limits.maxIoBytes) {
    throw invalid(
      'limits.handle_bytes',
      `at least max_io_bytes (${String(limits.maxIoBytes)}), or no request of that length could be sent`,
      limits.handleBytes,
    );
  }
  return limits;
}
