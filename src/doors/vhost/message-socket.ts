/** Messages over a socket, each with the descriptors that came with it. */
import { decodeHeader, encodeMessage, type Header } from '../../wire/vhost/messages.js';
import { HEADER_BYTES, PAYLOAD_BYTES_MAX } from '../../wire/vhost/protocol.js';
import type { NativeSystem } from './system.js';

export interface Message {
  readonly header: Header;
  readonly payload: Buffer;
  /** Whoever handles the message takes those out that it keeps; the rest is closed after it. */
  readonly descriptors: number[];
}

export class MessageSocket {
  readonly #system: NativeSystem;
  readonly descriptor: number;
  readonly #bytes = Buffer.alloc(HEADER_BYTES + PAYLOAD_BYTES_MAX);
  #got = 0;
  #header: Header | null = null;
  #descriptors: number[] = [];

  constructor(system: NativeSystem, descriptor: number) {
    this.#system = system;
    this.descriptor = descriptor;
  }

  /**
   * The next message; null where it is not all there yet; 'gone' where there will be none.
   * @throws VhostProtocolError, SluiceError
   */
  next(): Message | 'gone' | null {
    for (;;) {
      // Never more than this message: descriptors belong to the bytes that they came with.
      const wanted = HEADER_BYTES + (this.#header?.payloadBytes ?? 0);
      if (this.#got < wanted) {
        const into = this.#bytes.subarray(this.#got, wanted);
        const got = this.#system.receive(this.descriptor, into, this.#descriptors);
        if (got === null) return null;
        if (got === 0) return 'gone';
        this.#got += got;
        continue;
      }
      if (this.#header === null) {
        this.#header = decodeHeader(this.#bytes);
        continue;
      }
      const header = this.#header;
      const payload = Buffer.from(this.#bytes.subarray(HEADER_BYTES, wanted));
      const descriptors = this.#descriptors;
      this.#got = 0;
      this.#header = null;
      this.#descriptors = [];
      return { header, payload, descriptors };
    }
  }

  reply(request: number, payload: Uint8Array, descriptors: readonly number[] = []): void {
    this.#system.send(this.descriptor, encodeMessage(request, payload, 'reply'), descriptors);
  }

  close(): void {
    for (const descriptor of this.#descriptors.splice(0)) this.#system.close(descriptor);
    this.#system.close(this.descriptor);
  }
}
