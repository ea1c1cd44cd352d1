/**
 * MessagePack (msgpack.org, spec of 2013), as much of it as the Lua library cmsgpack of Redis speaks
 * and the exchange needs: numbers, short strings, booleans, arrays. Whole numbers go as integers,
 * others as doubles, so that both sides hold the same number to the last bit.
 */
import { SluiceError } from '../../core/model/errors.js';

export type Packed = number | string | boolean | readonly Packed[];

const WORD = 2 ** 32;

/** Writes one value after the other into a buffer that grows and is used again. */
export class Packer {
  #buffer = Buffer.allocUnsafe(4_096);
  #at = 0;

  begin(): void {
    this.#at = 0;
  }

  /** What was written since begin(), as bytes of its own. */
  end(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#at));
  }

  /** `length` values follow. */
  array(length: number): void {
    this.#need(5);
    const buffer = this.#buffer;
    if (length < 16) buffer[this.#at++] = 0x90 | length;
    else if (length < 65_536) {
      buffer[this.#at++] = 0xdc;
      this.#at = buffer.writeUInt16BE(length, this.#at);
    } else {
      buffer[this.#at++] = 0xdd;
      this.#at = buffer.writeUInt32BE(length, this.#at);
    }
  }

  number(value: number): void {
    this.#need(9);
    const buffer = this.#buffer;
    if (!Number.isSafeInteger(value)) {
      buffer[this.#at++] = 0xcb;
      this.#at = buffer.writeDoubleBE(value, this.#at);
    } else if (value >= 0 && value < 128) {
      buffer[this.#at++] = value;
    } else if (value >= 0 && value < WORD) {
      buffer[this.#at++] = 0xce;
      this.#at = buffer.writeUInt32BE(value, this.#at);
    } else {
      buffer[this.#at++] = 0xd3;
      const high = Math.floor(value / WORD);
      this.#at = buffer.writeInt32BE(high, this.#at);
      this.#at = buffer.writeUInt32BE(value - high * WORD, this.#at);
    }
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.#need(3 + bytes);
    const buffer = this.#buffer;
    if (bytes < 32) buffer[this.#at++] = 0xa0 | bytes;
    else {
      buffer[this.#at++] = 0xda;
      this.#at = buffer.writeUInt16BE(bytes, this.#at);
    }
    this.#at += buffer.write(value, this.#at);
  }

  /** The raw methods write what `struct` reads and no MessagePack. */
  rawDouble(value: number): void {
    this.#need(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  /** With its length in two bytes before it. */
  rawText(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.#need(2 + bytes);
    this.#at = this.#buffer.writeUInt16LE(bytes, this.#at);
    if (bytes > 0) this.#at += this.#buffer.write(value, this.#at);
  }

  /** Whole numbers of four bytes each, the highest first, those that are greater as the greatest; how many bytes that is comes before them. */
  rawWords(values: readonly number[]): void {
    this.#need(2 + values.length * 4);
    this.#at = this.#buffer.writeUInt16LE(values.length * 4, this.#at);
    for (const value of values) this.#at = this.#buffer.writeUInt32BE(Math.min(value, WORD - 1), this.#at);
  }

  #need(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}

/**
 * @param encoding latin1 where texts are bytes, a character each
 * @throws SluiceError INTERNAL where the bytes are cut off or of a kind that is not spoken here
 */
export function unpack(bytes: Buffer, encoding: 'utf8' | 'latin1' = 'utf8'): Packed {
  const reader = new Reader(bytes, encoding);
  const value = reader.value();
  if (!reader.atEnd) throw new SluiceError('INTERNAL', `a packed message has bytes left after its end`);
  return value;
}

class Reader {
  readonly #bytes: Buffer;
  readonly #encoding: 'utf8' | 'latin1';
  #at = 0;

  constructor(bytes: Buffer, encoding: 'utf8' | 'latin1') {
    this.#bytes = bytes;
    this.#encoding = encoding;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(): Packed {
    const kind = this.#unsigned(1);
    if (kind < 0x80) return kind;
    if (kind >= 0xe0) return kind - 0x100;
    if (kind >= 0xa0 && kind < 0xc0) return this.#text(kind & 0x1f);
    if (kind >= 0x90 && kind < 0xa0) return this.#array(kind & 0x0f);
    switch (kind) {
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#bytes.readFloatBE(this.#step(4));
      case 0xcb:
        return this.#bytes.readDoubleBE(this.#step(8));
      case 0xcc:
        return this.#unsigned(1);
      case 0xcd:
        return this.#unsigned(2);
      case 0xce:
        return this.#unsigned(4);
      case 0xcf:
        return this.#unsigned(4) * WORD + this.#unsigned(4);
      case 0xd0:
        return this.#bytes.readInt8(this.#step(1));
      case 0xd1:
        return this.#bytes.readInt16BE(this.#step(2));
      case 0xd2:
        return this.#bytes.readInt32BE(this.#step(4));
      case 0xd3:
        return this.#bytes.readInt32BE(this.#step(4)) * WORD + this.#unsigned(4);
      case 0xd9:
        return this.#text(this.#unsigned(1));
      case 0xda:
        return this.#text(this.#unsigned(2));
      case 0xdb:
        return this.#text(this.#unsigned(4));
      case 0xdc:
        return this.#array(this.#unsigned(2));
      case 0xdd:
        return this.#array(this.#unsigned(4));
      default:
        throw new SluiceError('INTERNAL', `a packed message has a value of unknown kind 0x${kind.toString(16)}`);
    }
  }

  #array(length: number): Packed[] {
    const values: Packed[] = [];
    for (let i = 0; i < length; i++) values.push(this.value());
    return values;
  }

  #text(length: number): string {
    const from = this.#step(length);
    return this.#bytes.toString(this.#encoding, from, from + length);
  }

  #unsigned(bytes: 1 | 2 | 4): number {
    return this.#bytes.readUIntBE(this.#step(bytes), bytes);
  }

  #step(bytes: number): number {
    const from = this.#at;
    if (from + bytes > this.#bytes.length) throw new SluiceError('INTERNAL', 'a packed message ends too early');
    this.#at = from + bytes;
    return from;
  }
}
