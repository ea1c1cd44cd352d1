/**
 * What a server receives, from bytes to typed values.
 *
 *   flags ──▶ options ──begin(transmission)──▶ requests
 *
 * Pull: `next` gives one message or null, so that whoever serves says when to go on, and what has
 * not been asked for waits as bytes.
 */
import { ByteQueue } from './byte-queue.js';
import { decodeOption, type NbdOption } from './options.js';
import {
  COMMANDS,
  FIXED_NEWSTYLE,
  NO_ZEROES,
  NbdProtocolError,
  OPTION_BYTES_MAX,
  OPTION_MAGIC,
  PAYLOAD_BYTES_MAX,
} from './protocol.js';
import { REQUEST_BYTES, decodeRequest, hex, type NbdRequest } from './requests.js';

export type FromClient =
  | { readonly kind: 'flags'; readonly noZeroes: boolean }
  | { readonly kind: 'option'; readonly number: number; readonly option: NbdOption }
  | { readonly kind: 'request'; readonly request: NbdRequest };

/** What comes next: the client's flags, its options, its requests. */
type Phase = 'flags' | 'options' | 'requests';

export class ServerReader {
  readonly #bytes = new ByteQueue();
  #phase: Phase = 'flags';
  #pieceBytes = PAYLOAD_BYTES_MAX;
  /** The request whose payload is on its way. */
  #request: NbdRequest | null = null;
  /** What has come of it; null where it is dropped. */
  #payload: Buffer[] | null = [];
  #payloadLeft = 0;

  push(chunk: Buffer): void {
    this.#bytes.push(chunk);
  }

  /** Bytes received and not yet given out. */
  get buffered(): number {
    return this.#bytes.length;
  }

  /** Bytes of the payload whose head has been read and which is not all here; 0 = none that is kept. */
  get arrivingBytes(): number {
    return this.#request === null || this.#payload === null ? 0 : this.#request.lengthBytes;
  }

  /** From now on requests. @param pieceBytes longest piece of a payload */
  beginRequests(pieceBytes: number): void {
    this.#phase = 'requests';
    this.#pieceBytes = pieceBytes;
  }

  /**
   * The next message; null until more has come.
   * @throws NbdProtocolError where what came cannot be NBD
   */
  next(): FromClient | null {
    switch (this.#phase) {
      case 'flags':
        return this.#nextFlags();
      case 'options':
        return this.#nextOption();
      case 'requests':
        return this.#nextRequest();
    }
  }

  #nextFlags(): FromClient | null {
    const bytes = this.#bytes.take(4);
    if (bytes === null) return null;
    const flags = bytes.readUInt32BE(0);
    if ((flags & FIXED_NEWSTYLE) === 0 || flags > (FIXED_NEWSTYLE | NO_ZEROES)) {
      throw new NbdProtocolError(`client flags must be 1 or 3 (fixed newstyle, no zeroes), got ${hex(flags)}`);
    }
    this.#phase = 'options';
    return { kind: 'flags', noZeroes: (flags & NO_ZEROES) !== 0 };
  }

  #nextOption(): FromClient | null {
    const header = this.#bytes.peek(16);
    if (header === null) return null;
    if (header.readUInt32BE(0) !== OPTION_MAGIC.high || header.readUInt32BE(4) !== OPTION_MAGIC.low) {
      throw new NbdProtocolError(`an option must begin with IHAVEOPT, got ${header.toString('hex', 0, 8)}`);
    }
    const number = header.readUInt32BE(8);
    const length = header.readUInt32BE(12);
    if (length > OPTION_BYTES_MAX) {
      throw new NbdProtocolError(
        `an option must have at most ${String(OPTION_BYTES_MAX)} bytes, got ${String(length)}`,
      );
    }
    if (this.#bytes.length < 16 + length) return null;
    this.#bytes.skip(16);
    return { kind: 'option', number, option: decodeOption(number, this.#bytes.take(length)!) };
  }

  #nextRequest(): FromClient | null {
    if (this.#request === null) {
      const header = this.#bytes.takeWhole(REQUEST_BYTES);
      if (header === null) return null;
      const request = decodeRequest(header, this.#bytes.takenAt);
      if (request.command !== COMMANDS.WRITE) return { kind: 'request', request };
      this.#request = request;
      this.#payloadLeft = request.lengthBytes;
      this.#payload = request.payload === null ? null : [];
    }
    while (this.#payloadLeft > 0) {
      if (this.#payload === null) {
        this.#payloadLeft -= this.#bytes.skip(this.#payloadLeft);
        if (this.#payloadLeft > 0) return null;
        break;
      }
      const piece = this.#bytes.take(Math.min(this.#pieceBytes, this.#payloadLeft));
      if (piece === null) return null;
      this.#payload.push(piece);
      this.#payloadLeft -= piece.length;
    }
    const request: NbdRequest = { ...this.#request, payload: this.#payload };
    this.#request = null;
    this.#payload = [];
    return { kind: 'request', request };
  }
}
