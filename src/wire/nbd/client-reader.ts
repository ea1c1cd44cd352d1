/**
 * What a client receives, from bytes to typed values.
 *
 *   greeting ──▶ option replies ──awaitExport──▶ export ──▶ replies
 *                      └──────────beginReplies───────────────▲
 */
import { ByteQueue } from './byte-queue.js';
import {
  CHUNKS,
  CHUNK_DONE,
  FIXED_NEWSTYLE,
  INIT_MAGIC,
  NO_ZEROES,
  NbdProtocolError,
  OPTION_BYTES_MAX,
  OPTION_MAGIC,
  OPTION_REPLY_MAGIC,
  PAYLOAD_BYTES_MAX,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './protocol.js';
import type { Extent } from './replies.js';
import { hex, type Cookie } from './requests.js';

/** One chunk of a structured reply, as what it means. */
export type Chunk =
  | { readonly kind: 'none' }
  | { readonly kind: 'data'; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'hole'; readonly offset: number; readonly lengthBytes: number }
  | { readonly kind: 'block-status'; readonly contextId: number; readonly extents: readonly Extent[] }
  | { readonly kind: 'error'; readonly errno: number; readonly message: string }
  | { readonly kind: 'unknown'; readonly type: number };

export type FromServer =
  | { readonly kind: 'greeting'; readonly fixedNewstyle: boolean; readonly noZeroes: boolean }
  | { readonly kind: 'option-reply'; readonly option: number; readonly type: number; readonly data: Buffer }
  | { readonly kind: 'export'; readonly sizeBytes: number; readonly flags: number }
  | { readonly kind: 'simple-reply'; readonly cookie: Cookie; readonly errno: number; readonly data: Buffer }
  | { readonly kind: 'chunk'; readonly cookie: Cookie; readonly done: boolean; readonly chunk: Chunk };

/** What comes next. */
type Phase = 'greeting' | 'option-replies' | 'export' | 'replies';

export class ClientReader {
  readonly #bytes = new ByteQueue();
  readonly #dataBytesOf: (cookie: Cookie) => number;
  #phase: Phase = 'greeting';
  #exportBytes = 10;

  /** @param dataBytesOf data that a simple reply without error to this request brings (a READ's length, else 0) */
  constructor(dataBytesOf: (cookie: Cookie) => number) {
    this.#dataBytesOf = dataBytesOf;
  }

  push(chunk: Buffer): void {
    this.#bytes.push(chunk);
  }

  /** Bytes received and not yet given out. */
  get buffered(): number {
    return this.#bytes.length;
  }

  /** EXPORT_NAME has been sent: its answer is no option reply. */
  awaitExport(noZeroes: boolean): void {
    this.#phase = 'export';
    this.#exportBytes = noZeroes ? 10 : 134;
  }

  /** GO has been acknowledged. */
  beginReplies(): void {
    this.#phase = 'replies';
  }

  /**
   * The next message; null until more has come.
   * @throws NbdProtocolError where what came cannot be NBD
   */
  next(): FromServer | null {
    switch (this.#phase) {
      case 'greeting':
        return this.#nextGreeting();
      case 'option-replies':
        return this.#nextOptionReply();
      case 'export':
        return this.#nextExport();
      case 'replies':
        return this.#nextReply();
    }
  }

  #nextGreeting(): FromServer | null {
    const bytes = this.#bytes.take(18);
    if (bytes === null) return null;
    expectMagic(bytes, 0, INIT_MAGIC, 'a greeting');
    expectMagic(bytes, 8, OPTION_MAGIC, 'the second half of a greeting');
    const flags = bytes.readUInt16BE(16);
    this.#phase = 'option-replies';
    return {
      kind: 'greeting',
      fixedNewstyle: (flags & FIXED_NEWSTYLE) !== 0,
      noZeroes: (flags & NO_ZEROES) !== 0,
    };
  }

  #nextOptionReply(): FromServer | null {
    const header = this.#bytes.peek(20);
    if (header === null) return null;
    expectMagic(header, 0, OPTION_REPLY_MAGIC, 'an option reply');
    const length = header.readUInt32BE(16);
    if (length > OPTION_BYTES_MAX) throw tooLong('an option reply', OPTION_BYTES_MAX, length);
    if (this.#bytes.length < 20 + length) return null;
    const option = header.readUInt32BE(8);
    const type = header.readUInt32BE(12);
    this.#bytes.skip(20);
    return { kind: 'option-reply', option, type, data: this.#bytes.take(length)! };
  }

  #nextExport(): FromServer | null {
    const bytes = this.#bytes.take(this.#exportBytes);
    if (bytes === null) return null;
    this.#phase = 'replies';
    return { kind: 'export', sizeBytes: uint64(bytes, 0), flags: bytes.readUInt16BE(8) };
  }

  #nextReply(): FromServer | null {
    const magic = this.#bytes.peek(4)?.readUInt32BE(0);
    if (magic === undefined) return null;
    if (magic === SIMPLE_REPLY_MAGIC) return this.#nextSimpleReply();
    if (magic === STRUCTURED_REPLY_MAGIC) return this.#nextChunk();
    throw new NbdProtocolError(`a reply must begin with its magic, got ${hex(magic)}`);
  }

  #nextSimpleReply(): FromServer | null {
    const header = this.#bytes.peek(16);
    if (header === null) return null;
    const errno = header.readUInt32BE(4);
    const cookie = cookieOf(header);
    const length = errno === 0 ? this.#dataBytesOf(cookie) : 0;
    if (this.#bytes.length < 16 + length) return null;
    this.#bytes.skip(16);
    return { kind: 'simple-reply', cookie, errno, data: this.#bytes.take(length)! };
  }

  #nextChunk(): FromServer | null {
    const header = this.#bytes.peek(20);
    if (header === null) return null;
    const length = header.readUInt32BE(16);
    // Room for the longest data and the offset ahead of it.
    if (length > PAYLOAD_BYTES_MAX + 8) throw tooLong('a chunk', PAYLOAD_BYTES_MAX + 8, length);
    if (this.#bytes.length < 20 + length) return null;
    const done = (header.readUInt16BE(4) & CHUNK_DONE) !== 0;
    const type = header.readUInt16BE(6);
    const cookie = cookieOf(header);
    this.#bytes.skip(20);
    return { kind: 'chunk', cookie, done, chunk: decodeChunk(type, this.#bytes.take(length)!) };
  }
}

function decodeChunk(type: number, data: Buffer): Chunk {
  switch (type) {
    case CHUNKS.NONE:
      expectLength(data.length === 0, 'a chunk of type none', data);
      return { kind: 'none' };
    case CHUNKS.OFFSET_DATA:
      expectLength(data.length > 8, 'a chunk of data', data);
      return { kind: 'data', offset: uint64(data, 0), data: data.subarray(8) };
    case CHUNKS.OFFSET_HOLE:
      expectLength(data.length === 12, 'a chunk of a hole', data);
      return { kind: 'hole', offset: uint64(data, 0), lengthBytes: data.readUInt32BE(8) };
    case CHUNKS.BLOCK_STATUS:
      expectLength(data.length >= 12 && data.length % 8 === 4, 'a chunk of block status', data);
      return {
        kind: 'block-status',
        contextId: data.readUInt32BE(0),
        extents: Array.from({ length: (data.length - 4) / 8 }, (_, i) => ({
          lengthBytes: data.readUInt32BE(4 + 8 * i),
          flags: data.readUInt32BE(8 + 8 * i),
        })),
      };
    case CHUNKS.ERROR:
    case CHUNKS.ERROR_OFFSET: {
      const extra = type === CHUNKS.ERROR_OFFSET ? 8 : 0;
      expectLength(data.length >= 6 && data.length === 6 + data.readUInt16BE(4) + extra, 'a chunk of an error', data);
      return { kind: 'error', errno: data.readUInt32BE(0), message: data.toString('utf8', 6, data.length - extra) };
    }
    default:
      return { kind: 'unknown', type };
  }
}

function cookieOf(header: Buffer): Cookie {
  return { cookieHigh: header.readUInt32BE(8), cookieLow: header.readUInt32BE(12) };
}

function uint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

function expectMagic(bytes: Buffer, at: number, magic: { high: number; low: number }, what: string): void {
  if (bytes.readUInt32BE(at) === magic.high && bytes.readUInt32BE(at + 4) === magic.low) return;
  throw new NbdProtocolError(`${what} must begin with its magic, got ${bytes.toString('hex', at, at + 8)}`);
}

function expectLength(holds: boolean, what: string, data: Buffer): void {
  if (!holds) throw new NbdProtocolError(`${what} has ${String(data.length)} bytes, which it cannot`);
}

function tooLong(what: string, most: number, got: number): NbdProtocolError {
  return new NbdProtocolError(`${what} must have at most ${String(most)} bytes, got ${String(got)}`);
}
