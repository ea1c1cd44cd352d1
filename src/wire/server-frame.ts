/** ServerFrame to bytes, by hand; see client-frame.ts. */
import type { Granted__Output } from './gen/sluice/v1/Granted.js';
import type { IoReply__Output } from './gen/sluice/v1/IoReply.js';
import type { Opened__Output } from './gen/sluice/v1/Opened.js';
import type { ServerFrame__Output } from './gen/sluice/v1/ServerFrame.js';
import type { Welcome__Output } from './gen/sluice/v1/Welcome.js';
import {
  WireWriter,
  type Scratch,
  contentFieldBytes,
  textFieldBytes,
  varintBytes,
  varintFieldBytes,
} from './protobuf.js';

/** A reply as it is sent. `data` is copied into the frame. */
export type IoReplyMessage = Omit<IoReply__Output, 'code' | 'data'> & { code: number; data: Uint8Array };

/** How much a handle may have sent since it was opened. */
export interface CreditMessage {
  readonly handle: number;
  readonly requestsTotal: number;
  readonly bytesTotal: number;
}

/** A frame as it is sent; empty lists where there is nothing. */
export type ServerFrameMessage = Omit<ServerFrame__Output, 'opened' | 'replies' | 'credits'> & {
  opened: readonly (Omit<Opened__Output, 'code'> & { code: number })[];
  replies: readonly IoReplyMessage[];
  credits: readonly CreditMessage[];
};

function replyBytes(reply: IoReplyMessage): number {
  return (
    varintFieldBytes(reply.id) +
    varintFieldBytes(reply.code) +
    textFieldBytes(reply.message) +
    contentFieldBytes(reply.data.length) +
    varintFieldBytes(reply.behindOwnUs) +
    varintFieldBytes(reply.limitUs) +
    varintFieldBytes(reply.shareUs) +
    varintFieldBytes(reply.slotsUs) +
    varintFieldBytes(reply.coordinationUs) +
    varintFieldBytes(reply.serviceUs) +
    varintFieldBytes(reply.attempt) +
    varintFieldBytes(reply.cost)
  );
}

/** How many bytes the reply adds to a frame. */
export function replyBytesInFrame(reply: IoReplyMessage): number {
  const bytes = replyBytes(reply);
  return 1 + varintBytes(bytes) + bytes;
}

function welcomeBytes(welcome: Welcome__Output): number {
  return (
    textFieldBytes(welcome.hostId) +
    (welcome.resumed ? 2 : 0) +
    varintFieldBytes(welcome.fenceMs) +
    varintFieldBytes(welcome.maxIoBytes) +
    varintFieldBytes(welcome.maxFrameBytes) +
    varintFieldBytes(welcome.maxHandles)
  );
}

function openedBytes(opened: ServerFrameMessage['opened'][number]): number {
  return (
    varintFieldBytes(opened.handle) +
    varintFieldBytes(opened.code) +
    textFieldBytes(opened.message) +
    varintFieldBytes(opened.sizeBytes) +
    varintFieldBytes(opened.blockBytes) +
    (opened.readOnly ? 2 : 0) +
    (opened.lease ? 2 : 0)
  );
}

function creditBytes(credit: CreditMessage): number {
  return varintFieldBytes(credit.handle) + varintFieldBytes(credit.requestsTotal) + varintFieldBytes(credit.bytesTotal);
}

function grantedBytes(granted: Granted__Output): number {
  return varintFieldBytes(granted.id) + varintFieldBytes(granted.handle) + varintFieldBytes(granted.leaseMs);
}

function frameBytes(frame: ServerFrameMessage): number {
  let total = 0;
  const message = (bytes: number): void => {
    total += 1 + varintBytes(bytes) + bytes;
  };
  if (frame.welcome !== null) message(welcomeBytes(frame.welcome));
  for (const opened of frame.opened) message(openedBytes(opened));
  for (const reply of frame.replies) total += replyBytesInFrame(reply);
  for (const granted of frame.granted) message(grantedBytes(granted));
  for (const revoked of frame.revoked) message(varintFieldBytes(revoked.id) + textFieldBytes(revoked.reason));
  for (const credit of frame.credits) message(creditBytes(credit));
  if (frame.goAway !== null) message(textFieldBytes(frame.goAway.reason) + varintFieldBytes(frame.goAway.graceMs));
  return total;
}

/** @param scratch where to write it; without one the frame gets a buffer of its own */
export function encodeServerFrame(frame: ServerFrameMessage, scratch?: Scratch): Buffer {
  const bytes = frameBytes(frame);
  const writer = new WireWriter(scratch === undefined ? Buffer.allocUnsafe(bytes) : scratch.take(bytes));
  if (frame.welcome !== null) writeWelcome(writer, frame.welcome);
  for (const opened of frame.opened) {
    writer.messageHead(2, openedBytes(opened));
    writer.varintField(1, opened.handle);
    writer.varintField(2, opened.code);
    writer.textField(3, opened.message);
    writer.varintField(4, opened.sizeBytes);
    writer.varintField(5, opened.blockBytes);
    writer.boolField(6, opened.readOnly);
    writer.boolField(7, opened.lease);
  }
  for (const reply of frame.replies) writeReply(writer, reply);
  for (const granted of frame.granted) {
    writer.messageHead(4, grantedBytes(granted));
    writer.varintField(1, granted.id);
    writer.varintField(2, granted.handle);
    writer.varintField(3, granted.leaseMs);
  }
  for (const revoked of frame.revoked) {
    writer.messageHead(5, varintFieldBytes(revoked.id) + textFieldBytes(revoked.reason));
    writer.varintField(1, revoked.id);
    writer.textField(2, revoked.reason);
  }
  for (const credit of frame.credits) {
    writer.messageHead(6, creditBytes(credit));
    writer.varintField(1, credit.handle);
    writer.varintField(2, credit.requestsTotal);
    writer.varintField(3, credit.bytesTotal);
  }
  if (frame.goAway !== null) {
    writer.messageHead(7, textFieldBytes(frame.goAway.reason) + varintFieldBytes(frame.goAway.graceMs));
    writer.textField(1, frame.goAway.reason);
    writer.varintField(2, frame.goAway.graceMs);
  }
  return writer.finish();
}

function writeWelcome(writer: WireWriter, welcome: Welcome__Output): void {
  writer.messageHead(1, welcomeBytes(welcome));
  writer.textField(1, welcome.hostId);
  writer.boolField(2, welcome.resumed);
  writer.varintField(3, welcome.fenceMs);
  writer.varintField(4, welcome.maxIoBytes);
  writer.varintField(5, welcome.maxFrameBytes);
  writer.varintField(6, welcome.maxHandles);
}

function writeReply(writer: WireWriter, reply: IoReplyMessage): void {
  writer.messageHead(3, replyBytes(reply));
  writer.varintField(1, reply.id);
  writer.varintField(2, reply.code);
  writer.textField(3, reply.message);
  writer.bytesField(4, reply.data);
  writer.varintField(5, reply.behindOwnUs);
  writer.varintField(6, reply.limitUs);
  writer.varintField(7, reply.shareUs);
  writer.varintField(8, reply.slotsUs);
  writer.varintField(9, reply.coordinationUs);
  writer.varintField(10, reply.serviceUs);
  writer.varintField(11, reply.attempt);
  writer.varintField(12, reply.cost);
}
