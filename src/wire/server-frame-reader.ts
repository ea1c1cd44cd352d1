/** Bytes to ServerFrame; see server-frame.ts. */
import type { IoReply__Output } from './gen/sluice/v1/IoReply.js';
import type { Opened__Output } from './gen/sluice/v1/Opened.js';
import type { ServerFrame__Output } from './gen/sluice/v1/ServerFrame.js';
import type { Welcome__Output } from './gen/sluice/v1/Welcome.js';
import { EMPTY_BYTES, LENGTH_DELIMITED, VARINT, WireReader } from './protobuf.js';

/** @throws RangeError where the bytes are no ServerFrame. The data of replies are views on `bytes`. */
export function decodeServerFrame(bytes: Buffer): ServerFrame__Output {
  const reader = new WireReader(bytes);
  const frame: ServerFrame__Output = {
    welcome: null,
    opened: [],
    replies: [],
    granted: [],
    revoked: [],
    credits: [],
    goAway: null,
  };
  while (reader.at < reader.end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field < 1 || field > 7) {
      reader.skip(tag & 7);
      continue;
    }
    reader.expect(tag & 7, LENGTH_DELIMITED);
    const end = reader.contentEnd();
    readMember(reader, end, field, frame);
    reader.ended(end);
  }
  return frame;
}

function readMember(reader: WireReader, end: number, field: number, frame: ServerFrame__Output): void {
  switch (field) {
    case 1:
      frame.welcome = readWelcome(reader, end);
      break;
    case 2:
      frame.opened.push(readOpened(reader, end));
      break;
    case 3:
      frame.replies.push(readReply(reader, end));
      break;
    case 4: {
      const [id = 0, handle = 0, leaseMs = 0] = readNumbers(reader, end);
      frame.granted.push({ id, handle, leaseMs });
      break;
    }
    case 5:
      frame.revoked.push(readRevoked(reader, end));
      break;
    case 6: {
      const [handle = 0, requestsTotal = 0, bytesTotal = 0] = readNumbers(reader, end);
      frame.credits.push({ handle, requestsTotal, bytesTotal });
      break;
    }
    default:
      frame.goAway = readGoAway(reader, end);
  }
}

/** The first three fields of a message that has numbers alone. */
function readNumbers(reader: WireReader, end: number): number[] {
  const numbers = [0, 0, 0];
  while (reader.at < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field >= 1 && field <= 3) {
      reader.expect(tag & 7, VARINT);
      numbers[field - 1] = reader.uint64();
    } else reader.skip(tag & 7);
  }
  return numbers;
}

function readWelcome(reader: WireReader, end: number): Welcome__Output {
  const welcome: Welcome__Output = {
    hostId: '',
    resumed: false,
    fenceMs: 0,
    maxIoBytes: 0,
    maxFrameBytes: 0,
    maxHandles: 0,
  };
  while (reader.at < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field >= 1 && field <= 6) reader.expect(tag & 7, field === 1 ? LENGTH_DELIMITED : VARINT);
    if (field === 1) welcome.hostId = reader.text();
    else if (field === 2) welcome.resumed = reader.bool();
    else if (field === 3) welcome.fenceMs = reader.uint32();
    else if (field === 4) welcome.maxIoBytes = reader.uint32();
    else if (field === 5) welcome.maxFrameBytes = reader.uint32();
    else if (field === 6) welcome.maxHandles = reader.uint32();
    else reader.skip(tag & 7);
  }
  return welcome;
}

function readOpened(reader: WireReader, end: number): Opened__Output {
  const opened: Opened__Output = {
    handle: 0,
    code: 0,
    message: '',
    sizeBytes: 0,
    blockBytes: 0,
    readOnly: false,
    lease: false,
  };
  while (reader.at < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field >= 1 && field <= 6) reader.expect(tag & 7, field === 3 ? LENGTH_DELIMITED : VARINT);
    if (field === 1) opened.handle = reader.uint32();
    else if (field === 2) opened.code = reader.int32() as Opened__Output['code'];
    else if (field === 3) opened.message = reader.text();
    else if (field === 4) opened.sizeBytes = reader.uint64();
    else if (field === 5) opened.blockBytes = reader.uint32();
    else if (field === 6) opened.readOnly = reader.bool();
    else if (field === 7) opened.lease = reader.bool();
    else reader.skip(tag & 7);
  }
  return opened;
}

function readRevoked(reader: WireReader, end: number): { id: number; reason: string } {
  const revoked = { id: 0, reason: '' };
  while (reader.at < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field === 1 || field === 2) reader.expect(tag & 7, field === 2 ? LENGTH_DELIMITED : VARINT);
    if (field === 1) revoked.id = reader.uint64();
    else if (field === 2) revoked.reason = reader.text();
    else reader.skip(tag & 7);
  }
  return revoked;
}

function readGoAway(reader: WireReader, end: number): { reason: string; graceMs: number } {
  const goAway = { reason: '', graceMs: 0 };
  while (reader.at < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field === 1 || field === 2) reader.expect(tag & 7, field === 1 ? LENGTH_DELIMITED : VARINT);
    if (field === 1) goAway.reason = reader.text();
    else if (field === 2) goAway.graceMs = reader.uint32();
    else reader.skip(tag & 7);
  }
  return goAway;
}

function readReply(reader: WireReader, end: number): IoReply__Output {
  const reply: IoReply__Output = {
    id: 0,
    code: 0,
    message: '',
    data: EMPTY_BYTES,
    behindOwnUs: 0,
    limitUs: 0,
    shareUs: 0,
    slotsUs: 0,
    coordinationUs: 0,
    serviceUs: 0,
    attempt: 0,
    cost: 0,
  };
  while (reader.at < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field < 1 || field > 12) {
      reader.skip(tag & 7);
      continue;
    }
    reader.expect(tag & 7, field === 3 || field === 4 ? LENGTH_DELIMITED : VARINT);
    readReplyField(reader, field, reply);
  }
  return reply;
}

function readReplyField(reader: WireReader, field: number, reply: IoReply__Output): void {
  switch (field) {
    case 1:
      reply.id = reader.uint64();
      break;
    case 2:
      reply.code = reader.int32() as IoReply__Output['code'];
      break;
    case 3:
      reply.message = reader.text();
      break;
    case 4:
      reply.data = reader.bytes();
      break;
    case 5:
      reply.behindOwnUs = reader.uint32();
      break;
    case 6:
      reply.limitUs = reader.uint32();
      break;
    case 7:
      reply.shareUs = reader.uint32();
      break;
    case 8:
      reply.slotsUs = reader.uint32();
      break;
    case 9:
      reply.coordinationUs = reader.uint32();
      break;
    case 10:
      reply.serviceUs = reader.uint32();
      break;
    case 11:
      reply.attempt = reader.uint32();
      break;
    default:
      reply.cost = reader.uint32();
  }
}
