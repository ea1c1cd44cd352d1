/**
 * ClientFrame to bytes, by hand as the way back: several times as fast as reflection. Held equal to
 * it by a property test.
 */
import type { ClientFrame__Output } from './gen/sluice/v1/ClientFrame.js';
import type { Done__Output } from './gen/sluice/v1/Done.js';
import type { IoRequest__Output } from './gen/sluice/v1/IoRequest.js';
import type { Open__Output } from './gen/sluice/v1/Open.js';
import { WireWriter, contentFieldBytes, textFieldBytes, varintBytes, varintFieldBytes } from './protobuf.js';

/** A request as it is sent. `data` is copied into the frame. */
export type IoRequestMessage = Omit<IoRequest__Output, 'data'> & { data: Uint8Array };

/** A frame as it is sent; empty lists where there is nothing. */
export type ClientFrameMessage = Omit<ClientFrame__Output, 'hello' | 'requests'> & {
  hello: { sessionId: Uint8Array } | null;
  requests: readonly IoRequestMessage[];
};

function requestBytes(request: IoRequestMessage): number {
  return (
    varintFieldBytes(request.id) +
    varintFieldBytes(request.handle) +
    varintFieldBytes(request.op) +
    varintFieldBytes(request.offset) +
    varintFieldBytes(request.length) +
    contentFieldBytes(request.data.length) +
    (request.fua ? 2 : 0) +
    varintFieldBytes(request.queueTimeoutUs) +
    textFieldBytes(request.tag) +
    varintFieldBytes(request.attempt)
  );
}

/** How many bytes the request adds to a frame. */
export function requestBytesInFrame(request: IoRequestMessage): number {
  const bytes = requestBytes(request);
  return 1 + varintBytes(bytes) + bytes;
}

function openBytes(open: Open__Output): number {
  return varintFieldBytes(open.handle) + textFieldBytes(open.device) + textFieldBytes(open.tag);
}

function doneBytes(done: Done__Output): number {
  return varintFieldBytes(done.id) + varintFieldBytes(done.code) + textFieldBytes(done.message);
}

function frameBytes(frame: ClientFrameMessage): number {
  let total = 0;
  const message = (bytes: number): void => {
    total += 1 + varintBytes(bytes) + bytes;
  };
  if (frame.hello !== null) message(contentFieldBytes(frame.hello.sessionId.length));
  for (const open of frame.open) message(openBytes(open));
  for (const request of frame.requests) total += requestBytesInFrame(request);
  for (const cancel of frame.cancels) message(varintFieldBytes(cancel.id));
  for (const done of frame.done) message(doneBytes(done));
  for (const renew of frame.renew) message(varintFieldBytes(renew.id));
  return total + contentFieldBytes(closeBytes(frame));
}

function closeBytes(frame: ClientFrameMessage): number {
  let bytes = 0;
  for (const handle of frame.close) bytes += varintBytes(handle);
  return bytes;
}

export function encodeClientFrame(frame: ClientFrameMessage): Buffer {
  const writer = new WireWriter(Buffer.allocUnsafe(frameBytes(frame)));
  if (frame.hello !== null) {
    writer.messageHead(1, contentFieldBytes(frame.hello.sessionId.length));
    writer.bytesField(1, frame.hello.sessionId);
  }
  for (const open of frame.open) {
    writer.messageHead(2, openBytes(open));
    writer.varintField(1, open.handle);
    writer.textField(2, open.device);
    writer.textField(3, open.tag);
  }
  for (const request of frame.requests) writeRequest(writer, request);
  for (const cancel of frame.cancels) {
    writer.messageHead(4, varintFieldBytes(cancel.id));
    writer.varintField(1, cancel.id);
  }
  for (const done of frame.done) {
    writer.messageHead(5, doneBytes(done));
    writer.varintField(1, done.id);
    writer.varintField(2, done.code);
    writer.textField(3, done.message);
  }
  for (const renew of frame.renew) {
    writer.messageHead(6, varintFieldBytes(renew.id));
    writer.varintField(1, renew.id);
  }
  if (frame.close.length > 0) {
    writer.messageHead(7, closeBytes(frame));
    for (const handle of frame.close) writer.varint(handle);
  }
  return writer.finish();
}

function writeRequest(writer: WireWriter, request: IoRequestMessage): void {
  writer.messageHead(3, requestBytes(request));
  writer.varintField(1, request.id);
  writer.varintField(2, request.handle);
  writer.varintField(3, request.op);
  writer.varintField(4, request.offset);
  writer.varintField(5, request.length);
  writer.bytesField(6, request.data);
  writer.boolField(7, request.fua);
  writer.varintField(8, request.queueTimeoutUs);
  writer.textField(9, request.tag);
  writer.varintField(10, request.attempt);
}
