/**
 * A handle: a device with a tag on it, open on one stream, and its credit.
 *
 * Both ends count the same from the moment it is opened: each request that names the handle uses one
 * request and, where it is a READ or WRITE of no more than max_io_bytes, `length` bytes, whatever
 * comes of it; what it used comes back once its reply has drained. `total` = the window and all that
 * has come back, so used - drained <= window: a client that does not read its replies holds up
 * itself, and the server's memory does not grow.
 */
import type { IoSink, PendingIo } from '../../core/pending-io.js';
import type { ServedDevice } from '../../core/ports.js';
import type { CreditMessage } from '../../wire/server-frame.js';
import { movesData } from './check-request.js';
import type { IoLimits } from './limits.js';

/** Told of what the dispatcher has answered. */
export interface HandleOwner {
  completed(io: PendingIo, handle: StreamHandle): void;
  /** The client may do the request's I/O itself. */
  granted(io: PendingIo): void;
  /** Answers a resent request whose earlier try, begun on another stream, has ended. */
  adoptedDone(io: PendingIo, handle: StreamHandle, attempt: number): void;
}

export class StreamHandle implements IoSink {
  readonly number: number;
  readonly device: ServedDevice;
  readonly tag: string;
  readonly owner: HandleOwner;
  closed = false;
  /** Whether it stands in the outbox's list of handles whose credit is due. */
  creditDue = false;
  readonly #limits: IoLimits;
  #usedRequests = 0;
  #usedBytes = 0;
  #drainedRequests = 0;
  #drainedBytes = 0;
  #toldRequests: number;
  #toldBytes: number;
  /** Its first credit has not been sent. The window stands from the open on, so that requests may follow it in its frame. */
  #untold = true;

  constructor(number: number, device: ServedDevice, tag: string, owner: HandleOwner, limits: IoLimits) {
    this.number = number;
    this.device = device;
    this.tag = tag;
    this.owner = owner;
    this.#limits = limits;
    this.#toldRequests = limits.handleRequests;
    this.#toldBytes = limits.handleBytes;
  }

  completed(io: PendingIo): void {
    this.owner.completed(io, this);
  }

  granted(io: PendingIo): void {
    this.owner.granted(io);
  }

  /** The bytes of credit that a request uses. */
  creditBytes(op: number, lengthBytes: number): number {
    return movesData(op) && lengthBytes <= this.#limits.maxIoBytes ? lengthBytes : 0;
  }

  /** Counts a request. False where it passes what the client was told it may send. */
  use(bytes: number): boolean {
    this.#usedRequests += 1;
    this.#usedBytes += bytes;
    return this.#usedRequests <= this.#toldRequests && this.#usedBytes <= this.#toldBytes;
  }

  /** A reply to a request of this handle has left. */
  drained(bytes: number): void {
    this.#drainedRequests += 1;
    this.#drainedBytes += bytes;
  }

  get hasNews(): boolean {
    return (
      this.#untold ||
      this.#drainedRequests + this.#limits.handleRequests > this.#toldRequests ||
      this.#drainedBytes + this.#limits.handleBytes > this.#toldBytes
    );
  }

  /**
   * Whether so much has come back that it is worth a frame of its own; less waits for the next
   * replies. The rest of the window still takes a request of any length, so nobody waits for it.
   */
  get isCreditDue(): boolean {
    const { handleRequests, handleBytes, maxIoBytes } = this.#limits;
    const requests = this.#drainedRequests + handleRequests - this.#toldRequests;
    const bytes = this.#drainedBytes + handleBytes - this.#toldBytes;
    return requests * 4 >= handleRequests || bytes > Math.min(handleBytes / 4, handleBytes - maxIoBytes);
  }

  /** The credit as it now stands; taken as told. */
  credit(): CreditMessage {
    this.#untold = false;
    this.#toldRequests = this.#drainedRequests + this.#limits.handleRequests;
    this.#toldBytes = this.#drainedBytes + this.#limits.handleBytes;
    return { handle: this.number, requestsTotal: this.#toldRequests, bytesTotal: this.#toldBytes };
  }

  /** For CREDIT_EXCEEDED: what was used against what was told. */
  creditMessage(): string {
    return (
      `handle ${String(this.number)} may have sent at most ${String(this.#toldRequests)} requests and ` +
      `${String(this.#toldBytes)} bytes, got ${String(this.#usedRequests)} and ${String(this.#usedBytes)}`
    );
  }
}
