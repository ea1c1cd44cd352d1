/**
 * A request over a range too large to be one decision (TRIM, WRITE_ZEROES) is served as pieces that
 * are scheduled one by one: the request stays at the head of its flow and each grant sends the next
 * piece. Once the first piece is out the request can be neither cancelled nor timed out in queue:
 * it is partly done.
 */
import type { Code } from './model/errors.js';
import { OPS, type Op } from './model/request.js';
import { PendingIo, type IoSink } from './pending-io.js';
import { PIECE_BYTES } from './scheduling/cost-model.js';

/** Longest range that is one decision. */
export function pieceBytesOf(op: Op): number {
  return op === OPS.TRIM || op === OPS.WRITE_ZEROES ? PIECE_BYTES : Infinity;
}

/** The sink of pieces: a piece is answered through its request. */
const NOBODY: IoSink = {
  completed() {
    throw new Error('a piece has no sink of its own');
  },
};

export class Split {
  readonly request: PendingIo;
  readonly #pieceBytes: number;
  #nextOffset: number;
  #piecesOut = 0;
  /** The first failure among the pieces. */
  code: Code = 'OK';
  message = '';

  constructor(request: PendingIo, pieceBytes: number) {
    this.request = request;
    this.#pieceBytes = pieceBytes;
    this.#nextOffset = request.offset;
  }

  /** Nothing has been sent yet. */
  get untouched(): boolean {
    return this.#nextOffset === this.request.offset;
  }

  /** All pieces are made: the request may leave its flow. */
  get allSent(): boolean {
    return this.#nextOffset >= this.request.offset + this.request.lengthBytes;
  }

  /** All pieces are made and have come back. */
  get allDone(): boolean {
    return this.allSent && this.#piecesOut === 0;
  }

  /** The next piece; only while not allSent. */
  nextPiece(): PendingIo {
    const { request } = this;
    const lengthBytes = Math.min(this.#pieceBytes, request.offset + request.lengthBytes - this.#nextOffset);
    const piece = new PendingIo(
      request.op,
      this.#nextOffset,
      lengthBytes,
      null,
      request.fua,
      0,
      request.id,
      request.attempt,
      NOBODY,
    );
    piece.split = this;
    piece.cost = request.cost;
    piece.sequence = request.sequence;
    piece.arrivedNs = request.arrivedNs;
    piece.gateEpoch = request.gateEpoch;
    this.#nextOffset += lengthBytes;
    this.#piecesOut += 1;
    return piece;
  }

  /** A piece has come back. After a failure no further piece is sent. */
  returned(code: Code, message: string): void {
    this.#piecesOut -= 1;
    if (code !== 'OK' && this.code === 'OK') {
      this.code = code;
      this.message = message;
    }
  }

  /** Gives up what has not been sent. */
  stop(): void {
    this.#nextOffset = this.request.offset + this.request.lengthBytes;
  }
}
