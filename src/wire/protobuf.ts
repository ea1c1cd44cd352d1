/**
 * The protobuf encoding, as much of it as the frames need: varints, length-delimited fields and the
 * skipping of unknown ones. Source: protobuf.dev/programming-guides/encoding.
 */

const TWO_32 = 2 ** 32;
/** A varint of ten bytes is the longest that the encoding allows. */
const VARINT_BYTES_MAX = 10;
/** A message longer than this gets a buffer of its own: one long message must not hold its memory for ever. */
const SCRATCH_BYTES_MAX = 262_144;

export const EMPTY_BYTES: Buffer = Buffer.alloc(0);

export const VARINT = 0;
const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Bytes of `value` as a varint; value 0..2^64, of which what exceeds 2^64 - 1 is written as that. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  if (value < 2 ** 35) return 5;
  if (value < 2 ** 42) return 6;
  if (value < 2 ** 49) return 7;
  if (value < 2 ** 56) return 8;
  return value < 2 ** 63 ? 9 : 10;
}

/** Bytes of a field with a one-byte key and a varint; nothing where it has its default. */
export function varintFieldBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

/** Bytes of a field with a one-byte key and `length` bytes of content; nothing where it is empty. */
export function contentFieldBytes(length: number): number {
  return length === 0 ? 0 : 1 + varintBytes(length) + length;
}

/** The same for text. Most texts here are empty: they cost no call. */
export function textFieldBytes(text: string): number {
  return text === '' ? 0 : contentFieldBytes(Buffer.byteLength(text));
}

/** The key byte of a field numbered 1..15. */
export function key(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

/** A buffer that is written again and again, for messages that are copied on at once. */
export class Scratch {
  private buffer: Buffer = EMPTY_BYTES;

  /** `bytes` bytes, valid until the next call. */
  take(bytes: number): Buffer {
    if (bytes > SCRATCH_BYTES_MAX) return Buffer.allocUnsafe(bytes);
    if (bytes > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)));
    return this.buffer.subarray(0, bytes);
  }
}

/** Writes into a buffer of the size that was computed before. */
export class WireWriter {
  readonly buffer: Buffer;
  private at = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  byte(value: number): void {
    this.buffer[this.at++] = value;
  }

  varint(value: number): void {
    const buffer = this.buffer;
    let at = this.at;
    if (value < TWO_32) {
      let rest = value >>> 0;
      while (rest > 0x7f) {
        buffer[at++] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      }
      buffer[at++] = rest;
      this.at = at;
      return;
    }
    let low = (value % TWO_32) >>> 0;
    let high = Math.floor(value / TWO_32);
    if (high >= TWO_32) low = high = TWO_32 - 1;
    high >>>= 0;
    while (high !== 0) {
      buffer[at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.at = at;
    this.varint(low);
  }

  varintField(field: number, value: number): void {
    if (value === 0) return;
    this.byte(key(field, VARINT));
    this.varint(value);
  }

  boolField(field: number, value: boolean): void {
    if (value) this.varintField(field, 1);
  }

  textField(field: number, text: string): void {
    if (text === '') return;
    this.byte(key(field, LENGTH_DELIMITED));
    this.varint(Buffer.byteLength(text));
    this.at += this.buffer.write(text, this.at);
  }

  bytesField(field: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.byte(key(field, LENGTH_DELIMITED));
    this.varint(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** The head of a message of `bytes` bytes, whose fields follow. */
  messageHead(field: number, bytes: number): void {
    this.byte(key(field, LENGTH_DELIMITED));
    this.varint(bytes);
  }

  /** What was written; an error where it is not the size computed. */
  finish(): Buffer {
    if (this.at !== this.buffer.length) {
      throw new Error(`wrote ${String(this.at)} bytes into a frame of ${String(this.buffer.length)}`);
    }
    return this.buffer;
  }
}

/** Reads what a peer sent: throws a RangeError where it is no protobuf. */
export class WireReader {
  private readonly buffer: Buffer;
  at = 0;
  readonly end: number;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
    this.end = buffer.length;
  }

  /** A varint, unsigned; exact below 2^53. */
  uint64(): number {
    let low = 0;
    let shift = 1;
    // Four bytes are 28 bits: this much stays a small integer.
    for (let i = 0; i < 4; i++) {
      const byte = this.byte();
      low += (byte & 0x7f) * shift;
      if (byte < 0x80) return low;
      shift *= 0x80;
    }
    // The next three groups are whole, the rest fills up 64 bits: what is above is cut off, as the
    // encoding says.
    let high = 0;
    shift = 1;
    for (let i = 4; i < VARINT_BYTES_MAX; i++) {
      const byte = this.byte();
      high += (i === 9 ? byte & 1 : byte & 0x7f) * shift;
      if (byte < 0x80) return high * 0x1000_0000 + low;
      shift *= 0x80;
    }
    throw new RangeError('a varint has more than 10 bytes');
  }

  /** A varint cut to its lowest 32 bits. */
  uint32(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    let byte = this.byte();
    value = (value | ((byte & 0x0f) << 28)) >>> 0;
    for (let i = 5; byte >= 0x80; i++) {
      if (i === VARINT_BYTES_MAX) throw new RangeError('a varint has more than 10 bytes');
      byte = this.byte();
    }
    return value;
  }

  /** An enum's number. */
  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    return this.uint64() !== 0;
  }

  /** A view on the message, not a copy. */
  bytes(): Buffer {
    const end = this.contentEnd();
    if (end === this.at) return EMPTY_BYTES;
    const bytes = this.buffer.subarray(this.at, end);
    this.at = end;
    return bytes;
  }

  text(): string {
    const end = this.contentEnd();
    const text = this.buffer.toString('utf8', this.at, end);
    this.at = end;
    return text;
  }

  /** Reads the length of what follows; where that ends. */
  contentEnd(): number {
    const length = this.uint32();
    const end = this.at + length;
    if (end > this.end) throw new RangeError(`a field of ${String(length)} bytes passes the end of the message`);
    return end;
  }

  /** Checks that a nested message ended where its length said. */
  ended(end: number): void {
    if (this.at !== end) throw new RangeError('a field passes the end of the message it is in');
  }

  /** Checks how a known field is encoded. */
  expect(wireType: number, wanted: number): void {
    if (wireType !== wanted) {
      throw new RangeError(`a field has wire type ${String(wireType)} instead of ${String(wanted)}`);
    }
  }

  /** Passes over a field that is not known here: a later version of the contract may have it. */
  skip(wireType: number): void {
    switch (wireType) {
      case VARINT:
        this.uint64();
        return;
      case FIXED64:
        this.at += 8;
        break;
      case LENGTH_DELIMITED:
        this.at = this.contentEnd();
        return;
      case FIXED32:
        this.at += 4;
        break;
      default:
        throw new RangeError(`wire type ${String(wireType)} is not supported`);
    }
    if (this.at > this.end) throw new RangeError('the message ends within a field');
  }

  private byte(): number {
    const byte = this.buffer[this.at];
    if (byte === undefined) throw new RangeError('the message ends within a field');
    this.at += 1;
    return byte;
  }
}
