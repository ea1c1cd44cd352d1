/** Bytes to ClientFrame; see client-frame.ts. */
import type { ClientFrame__Output } from './gen/sluice/v1/ClientFrame.js';
import type { Done__Output } from './gen/sluice/v1/Done.js';
import type { IoRequest__Output } from './gen/sluice/v1/IoRequest.js';
import type { Open__Output } from './gen/sluice/v1/Open.js';
import { EMPTY_BYTES, LENGTH_DELIMITED, VARINT, WireReader } from './protobuf.js';

/** @throws RangeError where the bytes are no ClientFrame. The data of requests are views on `bytes`. */
export function decodeClientFrame(bytes: Buffer): ClientFrame__Output {
  const reader = new WireReader(bytes);
  const frame: ClientFrame__Output = {
    hello: null,
    open: [],
    requests: [],
    cancels: [],
    done: [],
    renew: [],
    close: [],
  };
  while (reader.at < reader.end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    const wireType = tag & 7;
    if (field < 1 || field > 7) {
      reader.skip(wireType);
      continue;
    }
    if (field === 7 && wireType === VARINT) {
      frame.close.push(reader.uint32());
      continue;
    }
    reader.expect(wireType, LENGTH_DELIMITED);
    const end = reader.contentEnd();
    readMember(reader, end, field, frame);
    reader.ended(end);
  }
  return frame;
}

function readMember(reader: WireReader, end: number, field: number, frame: ClientFrame__Output): void {
  switch (field) {
    case 1:
      frame.hello = readHello(reader, end);
      break;
    case 2:
      frame.open.push(readOpen(reader, end));
      break;
    case 3:
      frame.requests.push(readRequest(reader, end));
      break;
    case 4:
      frame.cancels.push(readId(reader, end));
      break;
    case 5:
      frame.done.push(readDone(reader, end));
      break;
    case 6:
      frame.renew.push(readId(reader, end));
      break;
    default:
      while (reader.at < end) frame.close.push(reader.uint32());
  }
}

function readHello(reader: WireReader, end: number): { sessionId: Buffer } {
  const hello: { sessionId: Buffer } = { sessionId: EMPTY_BYTES };
  while (reader.at < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) {
      reader.expect(tag & 7, LENGTH_DELIMITED);
      hello.sessionId = reader.bytes();
    } else reader.skip(tag & 7);
  }
  return hello;
}

function readId(reader: WireReader, end: number): { id: number } {
  const message = { id: 0 };
  while (reader.at < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) {
      reader.expect(tag & 7, VARINT);
      message.id = reader.uint64();
    } else reader.skip(tag & 7);
  }
  return message;
}

function readOpen(reader: WireReader, end: number): Open__Output {
  const open: Open__Output = { handle: 0, device: '', tag: '' };
  while (reader.at < end) {
    const tag = reader.uint32();
    const wireType = tag & 7;
    switch (tag >>> 3) {
      case 1:
        reader.expect(wireType, VARINT);
        open.handle = reader.uint32();
        break;
      case 2:
        reader.expect(wireType, LENGTH_DELIMITED);
        open.device = reader.text();
        break;
      case 3:
        reader.expect(wireType, LENGTH_DELIMITED);
        open.tag = reader.text();
        break;
      default:
        reader.skip(wireType);
    }
  }
  return open;
}

function readDone(reader: WireReader, end: number): Done__Output {
  const done: Done__Output = { id: 0, code: 0, message: '' };
  while (reader.at < end) {
    const tag = reader.uint32();
    const wireType = tag & 7;
    switch (tag >>> 3) {
      case 1:
        reader.expect(wireType, VARINT);
        done.id = reader.uint64();
        break;
      case 2:
        reader.expect(wireType, VARINT);
        done.code = reader.int32() as Done__Output['code'];
        break;
      case 3:
        reader.expect(wireType, LENGTH_DELIMITED);
        done.message = reader.text();
        break;
      default:
        reader.skip(wireType);
    }
  }
  return done;
}

function readRequest(reader: WireReader, end: number): IoRequest__Output {
  const request: IoRequest__Output = {
    id: 0,
    handle: 0,
    op: 0,
    offset: 0,
    length: 0,
    data: EMPTY_BYTES,
    fua: false,
    queueTimeoutUs: 0,
    tag: '',
    attempt: 0,
  };
  while (reader.at < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    const wireType = tag & 7;
    if (field < 1 || field > 10) {
      reader.skip(wireType);
      continue;
    }
    reader.expect(wireType, field === 6 || field === 9 ? LENGTH_DELIMITED : VARINT);
    readRequestField(reader, field, request);
  }
  return request;
}

function readRequestField(reader: WireReader, field: number, request: IoRequest__Output): void {
  switch (field) {
    case 1:
      request.id = reader.uint64();
      break;
    case 2:
      request.handle = reader.uint32();
      break;
    case 3:
      request.op = reader.int32() as IoRequest__Output['op'];
      break;
    case 4:
      request.offset = reader.uint64();
      break;
    case 5:
      request.length = reader.uint64();
      break;
    case 6:
      request.data = reader.bytes();
      break;
    case 7:
      request.fua = reader.bool();
      break;
    case 8:
      request.queueTimeoutUs = reader.uint32();
      break;
    case 9:
      request.tag = reader.text();
      break;
    default:
      request.attempt = reader.uint32();
  }
}
