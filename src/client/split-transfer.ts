/**
 * A READ or WRITE longer than a host takes in one request: pieces, a few of them out at a time. Not
 * atomic: others may be served between the pieces, and after an error some pieces of a write have
 * been written and some not. The first error ends it once the pieces that are out are answered.
 */
import { SluiceError } from '../core/model/errors.js';
import { OPS } from '../core/model/request.js';
import { unwatchAbort, watchAbort, type AbortTarget } from './abort.js';
import { refuseAborted, replyError, type WriteOptions } from './io.js';
import type { IoReply, ReplySink } from './request.js';

/** Pieces out at a time: enough to keep a device busy, few enough to leave room for other requests. */
const PIECES_OUT_MAX = 8;

export interface PieceIssuer {
  issue(
    op: typeof OPS.READ | typeof OPS.WRITE,
    offset: number,
    length: number,
    data: Uint8Array | null,
    sink: ReplySink,
    token: number,
    options: WriteOptions,
  ): number;
  cancel(id: number): void;
}

export class SplitTransfer implements ReplySink, AbortTarget {
  private readonly issuer: PieceIssuer;
  private readonly op: typeof OPS.READ | typeof OPS.WRITE;
  private readonly offset: number;
  private readonly buffer: Uint8Array;
  private readonly pieceBytes: number;
  private readonly options: WriteOptions;
  private readonly done: (error: SluiceError | null) => void;
  private nextAt = 0;
  /** Ids of the pieces out, by where in the buffer they begin. */
  private readonly out = new Map<number, number>();
  private error: SluiceError | null = null;
  private finished = false;

  constructor(
    issuer: PieceIssuer,
    op: typeof OPS.READ | typeof OPS.WRITE,
    offset: number,
    buffer: Uint8Array,
    pieceBytes: number,
    options: WriteOptions,
    done: (error: SluiceError | null) => void,
  ) {
    this.issuer = issuer;
    this.op = op;
    this.offset = offset;
    this.buffer = buffer;
    this.pieceBytes = pieceBytes;
    this.options = options;
    this.done = done;
  }

  /** @throws SluiceError where not even the first piece is taken */
  start(): void {
    refuseAborted(this.options.signal);
    this.issueOne();
    if (this.options.signal !== undefined) watchAbort(this.options.signal, this);
    this.fill();
  }

  replied(at: number, reply: IoReply): void {
    this.out.delete(at);
    const error = replyError(reply);
    if (error !== null) this.error ??= error;
    else if (this.op === OPS.READ) this.buffer.set(reply.data, at);
    this.fill();
    this.finishIfOver();
  }

  aborted(): void {
    this.error ??= new SluiceError('CANCELLED', 'taken back by the caller');
    for (const id of [...this.out.values()]) this.issuer.cancel(id);
    this.finishIfOver();
  }

  private issueOne(): void {
    const at = this.nextAt;
    const end = Math.min(at + this.pieceBytes, this.buffer.length);
    const data = this.op === OPS.WRITE ? this.buffer.subarray(at, end) : null;
    this.out.set(at, this.issuer.issue(this.op, this.offset + at, end - at, data, this, at, this.options));
    this.nextAt = end;
  }

  private fill(): void {
    while (this.error === null && this.nextAt < this.buffer.length && this.out.size < PIECES_OUT_MAX) {
      try {
        this.issueOne();
      } catch (error) {
        const refused = SluiceError.from(error);
        // Its own pieces make room as they are answered.
        if (refused.code === 'QUEUE_FULL' && this.out.size > 0) return;
        this.error = refused;
      }
    }
  }

  private finishIfOver(): void {
    if (this.finished || this.out.size > 0 || (this.error === null && this.nextAt < this.buffer.length)) return;
    this.finished = true;
    if (this.options.signal !== undefined) unwatchAbort(this.options.signal, this);
    this.done(this.error);
  }
}
