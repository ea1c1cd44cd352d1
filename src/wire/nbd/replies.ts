/** What a server sends, as bytes. */
import {
  CHUNKS,
  CHUNK_DONE,
  FIXED_NEWSTYLE,
  INFO,
  INIT_MAGIC,
  NO_ZEROES,
  OPTION_MAGIC,
  OPTION_REPLIES,
  OPTION_REPLY_MAGIC,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
  type NbdErrno,
  type OptionReplyType,
} from './protocol.js';
import type { Cookie } from './requests.js';

/** Whether a range holds data, as `base:allocation` tells it. */
export interface Extent {
  readonly lengthBytes: number;
  /** 0 data, 1 hole, 2 reads as zeros, 3 both. */
  readonly flags: number;
}

/** The first that a client gets. */
export function encodeGreeting(): Buffer {
  const bytes = Buffer.alloc(18);
  bytes.writeUInt32BE(INIT_MAGIC.high, 0);
  bytes.writeUInt32BE(INIT_MAGIC.low, 4);
  bytes.writeUInt32BE(OPTION_MAGIC.high, 8);
  bytes.writeUInt32BE(OPTION_MAGIC.low, 12);
  bytes.writeUInt16BE(FIXED_NEWSTYLE | NO_ZEROES, 16);
  return bytes;
}

export function encodeOptionReply(option: number, type: OptionReplyType, data: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(20 + data.length);
  bytes.writeUInt32BE(OPTION_REPLY_MAGIC.high, 0);
  bytes.writeUInt32BE(OPTION_REPLY_MAGIC.low, 4);
  bytes.writeUInt32BE(option, 8);
  bytes.writeUInt32BE(type, 12);
  bytes.writeUInt32BE(data.length, 16);
  data.copy(bytes, 20);
  return bytes;
}

/** One export of a list. */
export function encodeServer(option: number, name: string): Buffer {
  const body = Buffer.from(name);
  const data = Buffer.alloc(4 + body.length);
  data.writeUInt32BE(body.length, 0);
  body.copy(data, 4);
  return encodeOptionReply(option, OPTION_REPLIES.SERVER, data);
}

export function encodeInfoExport(option: number, sizeBytes: number, flags: number): Buffer {
  const data = Buffer.alloc(12);
  data.writeUInt16BE(INFO.EXPORT, 0);
  data.writeBigUInt64BE(BigInt(sizeBytes), 2);
  data.writeUInt16BE(flags, 10);
  return encodeOptionReply(option, OPTION_REPLIES.INFO, data);
}

export function encodeInfoText(option: number, info: number, text: string): Buffer {
  const body = Buffer.from(text);
  const data = Buffer.alloc(2 + body.length);
  data.writeUInt16BE(info, 0);
  body.copy(data, 2);
  return encodeOptionReply(option, OPTION_REPLIES.INFO, data);
}

export function encodeInfoBlockSize(
  option: number,
  minimumBytes: number,
  preferredBytes: number,
  maximumBytes: number,
): Buffer {
  const data = Buffer.alloc(14);
  data.writeUInt16BE(INFO.BLOCK_SIZE, 0);
  data.writeUInt32BE(minimumBytes, 2);
  data.writeUInt32BE(preferredBytes, 6);
  data.writeUInt32BE(maximumBytes, 10);
  return encodeOptionReply(option, OPTION_REPLIES.INFO, data);
}

export function encodeMetaContext(option: number, id: number, name: string): Buffer {
  const body = Buffer.from(name);
  const data = Buffer.alloc(4 + body.length);
  data.writeUInt32BE(id, 0);
  body.copy(data, 4);
  return encodeOptionReply(option, OPTION_REPLIES.META_CONTEXT, data);
}

/** The answer to EXPORT_NAME, after which transmission begins. */
export function encodeExport(sizeBytes: number, flags: number, noZeroes: boolean): Buffer {
  const bytes = Buffer.alloc(noZeroes ? 10 : 134);
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 0);
  bytes.writeUInt16BE(flags, 8);
  return bytes;
}

export const SIMPLE_REPLY_BYTES = 16;
export const DONE_BYTES = 20;
export const DATA_HEAD_BYTES = 28;

/** `errno` 0 = done; the data of a READ follows. Into SIMPLE_REPLY_BYTES at `at`. */
export function putSimpleReply(into: Buffer, at: number, cookie: Cookie, errno: NbdErrno | 0): void {
  into.writeUInt32BE(SIMPLE_REPLY_MAGIC, at);
  into.writeUInt32BE(errno, at + 4);
  into.writeUInt32BE(cookie.cookieHigh, at + 8);
  into.writeUInt32BE(cookie.cookieLow, at + 12);
}

export function encodeSimpleReply(cookie: Cookie, errno: NbdErrno | 0): Buffer {
  const bytes = Buffer.allocUnsafe(SIMPLE_REPLY_BYTES);
  putSimpleReply(bytes, 0, cookie, errno);
  return bytes;
}

function putChunk(into: Buffer, at: number, cookie: Cookie, type: number, lengthBytes: number): void {
  into.writeUInt32BE(STRUCTURED_REPLY_MAGIC, at);
  into.writeUInt16BE(CHUNK_DONE, at + 4);
  into.writeUInt16BE(type, at + 6);
  into.writeUInt32BE(cookie.cookieHigh, at + 8);
  into.writeUInt32BE(cookie.cookieLow, at + 12);
  into.writeUInt32BE(lengthBytes, at + 16);
}

function chunk(cookie: Cookie, type: number, lengthBytes: number, here: number): Buffer {
  const bytes = Buffer.allocUnsafe(20 + here);
  putChunk(bytes, 0, cookie, type, lengthBytes);
  return bytes;
}

/** The one chunk of a structured reply without data. Into DONE_BYTES at `at`. */
export function putDone(into: Buffer, at: number, cookie: Cookie): void {
  putChunk(into, at, cookie, CHUNKS.NONE, 0);
}

export function encodeDone(cookie: Cookie): Buffer {
  return chunk(cookie, CHUNKS.NONE, 0, 0);
}

/** The head of the one chunk of a READ; its `lengthBytes` of data follow. Into DATA_HEAD_BYTES at `at`. */
export function putDataHead(into: Buffer, at: number, cookie: Cookie, offset: number, lengthBytes: number): void {
  putChunk(into, at, cookie, CHUNKS.OFFSET_DATA, 8 + lengthBytes);
  into.writeUInt32BE(Math.floor(offset / 2 ** 32), at + 20);
  into.writeUInt32BE(offset % 2 ** 32, at + 24);
}

export function encodeDataHead(cookie: Cookie, offset: number, lengthBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(DATA_HEAD_BYTES);
  putDataHead(bytes, 0, cookie, offset, lengthBytes);
  return bytes;
}

export function encodeError(cookie: Cookie, errno: NbdErrno, message: string): Buffer {
  const body = Buffer.from(message).subarray(0, 4_096);
  const bytes = chunk(cookie, CHUNKS.ERROR, 6 + body.length, 6 + body.length);
  bytes.writeUInt32BE(errno, 20);
  bytes.writeUInt16BE(body.length, 24);
  body.copy(bytes, 26);
  return bytes;
}

export function encodeBlockStatus(cookie: Cookie, contextId: number, extents: readonly Extent[]): Buffer {
  const length = 4 + 8 * extents.length;
  const bytes = chunk(cookie, CHUNKS.BLOCK_STATUS, length, length);
  bytes.writeUInt32BE(contextId, 20);
  extents.forEach((extent, i) => {
    bytes.writeUInt32BE(extent.lengthBytes, 24 + 8 * i);
    bytes.writeUInt32BE(extent.flags, 28 + 8 * i);
  });
  return bytes;
}
