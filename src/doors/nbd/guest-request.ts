/** One request of a guest, served as one or more pieces that are scheduled one by one. */
import type { Code } from '../../core/model/errors.js';
import type { IoSink, PendingIo } from '../../core/pending-io.js';
import type { NbdRequest } from '../../wire/nbd/requests.js';

/** Told when a request is done, and of pieces that found a queue full. */
export interface GuestRequests {
  /** A piece has come back from the device or its queues. */
  returned(piece: PendingIo): void;
  finished(request: GuestRequest): void;
  queueFull(piece: PendingIo, request: GuestRequest): void;
}

export class GuestRequest implements IoSink {
  readonly request: NbdRequest;
  /** What it holds of the connection's bound. */
  readonly heldBytes: number;
  /** What was read, in order; other operations leave it empty. */
  readonly data: Uint8Array[] = [];
  readonly #owner: GuestRequests;
  #left: number;
  /** The first failure among the pieces. */
  code: Code = 'OK';
  message = '';

  constructor(request: NbdRequest, pieces: number, heldBytes: number, owner: GuestRequests) {
    this.request = request;
    this.heldBytes = heldBytes;
    this.#left = pieces;
    this.#owner = owner;
  }

  completed(piece: PendingIo): void {
    this.#owner.returned(piece);
    if (piece.code === 'QUEUE_FULL') {
      this.#owner.queueFull(piece, this);
      return;
    }
    this.settle(piece);
  }

  /** The piece will not be tried again. */
  settle(piece: PendingIo): void {
    if (piece.code !== 'OK' && this.code === 'OK') {
      this.code = piece.code;
      this.message = piece.message;
    }
    if (piece.data !== null && this.code === 'OK') this.data[piece.id] = piece.data;
    this.#left -= 1;
    if (this.#left === 0) this.#owner.finished(this);
  }
}
