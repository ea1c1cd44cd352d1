/**
 * What one connection has to say, gathered until the turn of the event loop is over: small answers are
 * copied one behind the other and leave in one write of one buffer, so that an answer costs neither a
 * buffer of its own nor an entry of a list; data of a large one is sent from where it lies.
 *
 * The buffer goes back to the door's at once where the system took all of it, as it does unless a client is
 * slow to read. What it did not take stays with the socket, whose `writableLength` counts it.
 */
import type { Socket } from 'node:net';
import { KIB } from '../../core/model/units.js';

/** Data up to here is copied: cheaper than an entry of its own in a gathered write. */
export const COPIED_BYTES_MAX = 16 * KIB;
const BUFFER_BYTES = 64 * KIB;
/** Kept for whoever writes next; a turn of the event loop answers few connections. */
const KEPT_MAX = 16;

/** Buffers that nobody writes into now. */
export class WriteBuffers {
  readonly #kept: Buffer[] = [];

  take(): Buffer {
    return this.#kept.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  give(buffer: Buffer): void {
    if (this.#kept.length < KEPT_MAX) this.#kept.push(buffer);
  }
}

export class ReplyWriter {
  readonly #buffers: WriteBuffers;
  #socket: Socket;
  #buffer: Buffer | null = null;
  #filled = 0;
  /** The end of this turn has been asked for. */
  #due = false;
  #corked = false;
  /** The system did not take all, and has not since. */
  #blocked = false;
  readonly #moved: () => void;

  /** @param moved told at the end of each turn that sent something, and when the system has taken what it did not take then */
  constructor(socket: Socket, buffers: WriteBuffers, moved: () => void) {
    this.#socket = socket;
    this.#buffers = buffers;
    this.#moved = moved;
  }

  /** From now on to this socket: TLS has begun. */
  redirect(socket: Socket): void {
    this.#flush();
    this.#socket = socket;
  }

  /** Memory of what the system has not taken: the buffer that it took the first part of, and what came since. */
  get unsentBytes(): number {
    const { writableLength } = this.#socket;
    return this.#filled + (writableLength === 0 ? 0 : Math.max(writableLength, BUFFER_BYTES));
  }

  /** Room for an answer's head: where it is in `buffer`, to be filled before anything else is written. */
  room(bytes: number): number {
    if (this.#buffer === null || this.#filled + bytes > this.#buffer.length) this.#renew();
    const at = this.#filled;
    this.#filled += bytes;
    this.#atEndOfTurn();
    return at;
  }

  /** What `room` has given room in. */
  get buffer(): Buffer {
    return this.#buffer!;
  }

  /** Up to COPIED_BYTES_MAX it is the caller's again after the call, else never again. */
  write(bytes: Uint8Array): void {
    if (bytes.length <= COPIED_BYTES_MAX) {
      const at = this.room(bytes.length);
      this.#buffer!.set(bytes, at);
      return;
    }
    this.#atEndOfTurn();
    if (!this.#corked) {
      // So that the head leaves with its data.
      this.#corked = true;
      this.#socket.cork();
    }
    this.#flush();
    this.#blocked = true;
    this.#socket.write(bytes, this.#sent);
  }

  /** Sends what has been gathered; the socket is to be ended. */
  end(): void {
    this.#endOfTurn();
    this.#socket.end();
  }

  /** The socket is gone. */
  drop(): void {
    this.#filled = 0;
    this.#giveBack();
  }

  #atEndOfTurn(): void {
    if (this.#due) return;
    this.#due = true;
    process.nextTick(this.#endOfTurn);
  }

  readonly #endOfTurn = (): void => {
    this.#due = false;
    this.#flush();
    if (this.#corked) {
      this.#corked = false;
      this.#socket.uncork();
    } else this.#giveBack();
    this.#moved();
  };

  readonly #sent = (): void => {
    if (!this.#blocked || this.#socket.writableLength > 0) return;
    this.#blocked = false;
    this.#moved();
  };

  #renew(): void {
    this.#flush();
    this.#buffer ??= this.#buffers.take();
  }

  #flush(): void {
    if (this.#filled === 0) return;
    const bytes = this.#buffer!.subarray(0, this.#filled);
    this.#filled = 0;
    if (this.#socket.writableLength > 0 || this.#corked) {
      // It will have to wait there: as much as it is, not a whole buffer.
      this.#socket.write(Buffer.from(bytes), this.#sent);
      return;
    }
    this.#socket.write(bytes, this.#sent);
    if (this.#socket.writableLength === 0) return;
    // The socket holds what was not sent: the buffer is its own now.
    this.#buffer = null;
    this.#blocked = true;
  }

  #giveBack(): void {
    if (this.#buffer === null || this.#filled > 0) return;
    this.#buffers.give(this.#buffer);
    this.#buffer = null;
  }
}
