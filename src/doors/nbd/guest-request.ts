/** One request of a guest, served as one or more pieces that are scheduled one by one. */
import type { Code } from '../../core/model/errors.js';
import type { IoSink, PendingIo } from '../../core/pending-io.js';
import type { NbdRequest } from '../../wire/nbd/requests.js';

/** Told when a request is done, and of pieces that found a queue full. */
export interface GuestRequests {
  finished(request: GuestRequest): void;
  queueFull(piece: PendingIo, request: GuestRequest): void;
}

export class GuestRequest implements IoSink {
  readonly request: NbdRequest;
  /** What it holds of the connection's bound. */
  readonly heldBytes: number;
  /** Where a small READ goes; null where the device makes its own. */
  readonly place: Buffer | null;
  /** In order, as they were last sent. */
  readonly pieces: PendingIo[] = [];
  /** Its neighbours among those of its connection that are not answered. */
  previous: GuestRequest | null = null;
  next: GuestRequest | null = null;
  readonly #owner: GuestRequests;
  #left: number;
  /** The first failure among the pieces. */
  code: Code = 'OK';
  message = '';

  constructor(request: NbdRequest, pieces: number, heldBytes: number, place: Buffer | null, owner: GuestRequests) {
    this.request = request;
    this.heldBytes = heldBytes;
    this.place = place;
    this.#left = pieces;
    this.#owner = owner;
  }

  completed(piece: PendingIo): void {
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
    this.#left -= 1;
    if (this.#left === 0) this.#owner.finished(this);
  }
}
