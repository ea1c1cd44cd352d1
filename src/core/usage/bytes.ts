/** Numbers in few bytes: seven bits a byte, the lowest first, the top bit set where more follow (LEB128). */
import { SluiceError } from '../model/errors.js';

const FIRST_CAPACITY = 1_024;
/** Whole numbers up to 2^53. */
const VARINT_BYTES_MAX = 8;

export class ByteWriter {
  private bytes = new Uint8Array(FIRST_CAPACITY);
  private view = new DataView(this.bytes.buffer);
  private end = 0;

  get length(): number {
    return this.end;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.end++] = value;
  }

  /** @param value a whole number, 0..2^53-1 */
  varint(value: number): void {
    this.reserve(VARINT_BYTES_MAX);
    const { bytes } = this;
    let { end } = this;
    let rest = value;
    if (rest > 0x7fff_ffff) {
      // Its 28 lowest bits are four bytes, and what is left has 25 at most.
      rest = Math.floor(value / 0x1000_0000);
      let low = value - rest * 0x1000_0000;
      for (const lowEnd = end + 4; end < lowEnd; low >>>= 7) bytes[end++] = (low & 0x7f) | 0x80;
    }
    for (; rest > 0x7f; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80;
    bytes[end++] = rest;
    this.end = end;
  }

  double(value: number): void {
    this.reserve(Float64Array.BYTES_PER_ELEMENT);
    this.view.setFloat64(this.end, value, true);
    this.end += Float64Array.BYTES_PER_ELEMENT;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** Text of one byte a character. */
  ascii(text: string, from = 0): void {
    this.reserve(text.length - from);
    for (let i = from; i < text.length; i++) this.bytes[this.end++] = text.charCodeAt(i);
  }

  /** What was written, and begins anew. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.end);
    this.end = 0;
    return taken;
  }

  private reserve(more: number): void {
    if (this.end + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.end + more));
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Reads what ByteWriter wrote. @throws SluiceError INTERNAL where the bytes end early or a number is too long */
export class ByteReader {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw cut();
    return this.bytes[this.at++]!;
  }

  varint(): number {
    const { bytes } = this;
    // An index past the end reads as undefined, which counts as 0 here and is found by the check at the end.
    let byte = bytes[this.at++]!;
    let value = byte & 0x7f;
    if (byte > 0x7f) {
      byte = bytes[this.at++]!;
      value |= (byte & 0x7f) << 7;
      if (byte > 0x7f) {
        byte = bytes[this.at++]!;
        value |= (byte & 0x7f) << 14;
        if (byte > 0x7f) {
          byte = bytes[this.at++]!;
          value |= (byte & 0x7f) << 21;
          let scale = 0x1000_0000;
          for (let length = 4; byte > 0x7f; length++) {
            if (length === VARINT_BYTES_MAX) throw new SluiceError('INTERNAL', 'usage record: a number is too long');
            byte = bytes[this.at++]!;
            value += (byte & 0x7f) * scale;
            scale *= 0x80;
          }
        }
      }
    }
    if (this.at > bytes.length) throw cut();
    return value;
  }

  double(): number {
    if (this.left < Float64Array.BYTES_PER_ELEMENT) throw cut();
    const value = this.view.getFloat64(this.at, true);
    this.at += Float64Array.BYTES_PER_ELEMENT;
    return value;
  }

  /** A view, no copy. */
  raw(length: number): Uint8Array {
    if (length > this.left) throw cut();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  ascii(length: number): string {
    if (length > this.left) throw cut();
    let text = '';
    for (const end = this.at + length; this.at < end; this.at++) text += String.fromCharCode(this.bytes[this.at]!);
    return text;
  }
}

function cut(): SluiceError {
  return new SluiceError('INTERNAL', 'usage record: it ends before its end');
}
