/** What the session asks of the network: streams of frames to hosts. gRPC makes it; tests make it without sockets. */
import type { SluiceError } from '../core/model/errors.js';
import type { ClientFrameMessage as ClientFrame } from '../wire/client-frame.js';
import type { ServerFrame__Output as ServerFrame } from '../wire/gen/sluice/v1/ServerFrame.js';

export type { ClientFrame, ServerFrame };

/** One stream to one host. */
export interface Wire {
  /**
   * Sends a frame; false where `writable` is to be awaited before the next. The frame and all that
   * hangs on it are lent for the call alone.
   */
  send(frame: ClientFrame): boolean;
  /** Says that nothing more comes and lets go. No event follows. */
  end(): void;
  /** Cuts the stream. No event follows. */
  abort(): void;
}

/** Told by a wire, never from within a call of `dial`, `send`, `end` or `abort`. */
export interface WireEvents {
  received(frame: ServerFrame): void;
  /** After a send that returned false. */
  writable(): void;
  /** The stream is gone; once, and last. */
  ended(error: SluiceError): void;
}

export interface Network {
  dial(address: string, events: WireEvents): Wire;
}
