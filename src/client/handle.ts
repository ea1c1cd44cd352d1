/** A device opened with a tag: the paper's descriptor. Promises for most callers, callbacks for load generators. */
import { SluiceError, invalid } from '../core/model/errors.js';
import { OPS, type Op } from '../core/model/request.js';
import { checkIo, checkOverride, checkRange, queueTimeoutUs } from './check-io.js';
import {
  Waiter,
  dataOf,
  nothingOf,
  refuseAborted,
  resultOf,
  type IoOptions,
  type IoRequest,
  type LeaseRequest,
  type IoResult,
  type WriteOptions,
} from './io.js';
import { LeaseWaiter, type Lease } from './lease.js';
import type { Lane, LaneOwner } from './lane.js';
import type { IoReply, ReplySink } from './request.js';
import type { Session } from './session.js';
import { SplitTransfer } from './split-transfer.js';

/** Options of `issue`; a signal is the promise API's alone. */
export type IssueOptions = Omit<WriteOptions, 'signal'>;

/** @throws SluiceError */
function checkLease(lane: Lane, op: Op, offset: number, length: number, sink: ReplySink): void {
  if (sink.granted === undefined) {
    const message = `device ${lane.device} is a lease device: ask for a lease, and do the I/O on the disk itself`;
    throw new SluiceError('UNSUPPORTED', message);
  }
  checkRange(lane, op, offset, length);
}

export class Handle {
  private readonly session: Session;
  private readonly lane: Lane;
  private opening: { resolve: (handle: Handle) => void; reject: (error: SluiceError) => void } | null;
  private closing: Promise<void> | null = null;
  private onClosed: (() => void) | null = null;

  /** Made by SluiceClient.open. */
  private constructor(
    session: Session,
    device: string,
    tag: string,
    resolve: (handle: Handle) => void,
    reject: (error: SluiceError) => void,
  ) {
    this.session = session;
    this.opening = { resolve, reject };
    this.lane = session.openLane(device, tag, this.laneOwner());
  }

  /** @throws (rejects) SluiceError with which the host refused the device or the tag */
  static open(session: Session, device: string, tag: string): Promise<Handle> {
    return new Promise((resolve, reject) => {
      new Handle(session, device, tag, resolve, reject);
    });
  }

  get device(): string {
    return this.lane.device;
  }

  get tag(): string {
    return this.lane.tag;
  }

  get sizeBytes(): number {
    return this.lane.sizeBytes;
  }

  /** Offsets and lengths are multiples of it. */
  get blockBytes(): number {
    return this.lane.blockBytes;
  }

  get readOnly(): boolean {
    return this.lane.readOnly;
  }

  /** Longest READ or WRITE of one request: the limit of `submit` and `issue`. */
  get maxIoBytes(): number {
    return this.session.maxIoBytes;
  }

  /**
   * Reads `length` bytes. Longer than maxIoBytes: in pieces, which is not atomic (split-transfer.ts).
   * The buffer may share memory with its neighbours in a frame: copy what is kept for long.
   */
  read(offset: number, length: number, options: IoOptions = {}): Promise<Buffer> {
    if (!(length > this.maxIoBytes)) return this.one(OPS.READ, offset, length, null, options, dataOf);
    return this.many(OPS.READ, offset, length, null, options);
  }

  /** Writes `data`, which must not be changed before the answer. Longer than maxIoBytes: in pieces, not atomic. */
  async write(offset: number, data: Uint8Array, options: WriteOptions = {}): Promise<void> {
    const length = (data as Uint8Array | undefined)?.length ?? 0;
    if (length <= this.maxIoBytes) await this.one(OPS.WRITE, offset, length, data, options, nothingOf);
    else await this.many(OPS.WRITE, offset, length, data, options);
  }

  /** Makes durable every write that was answered before, on any handle of the same device and host. */
  flush(options: IoOptions = {}): Promise<void> {
    return this.one(OPS.FLUSH, 0, 0, null, options, nothingOf);
  }

  /** Gives a range back to the device; what it reads as afterwards is the device's to say. */
  trim(offset: number, length: number, options: IoOptions = {}): Promise<void> {
    return this.one(OPS.TRIM, offset, length, null, options, nothingOf);
  }

  writeZeroes(offset: number, length: number, options: WriteOptions = {}): Promise<void> {
    return this.one(OPS.WRITE_ZEROES, offset, length, null, options, nothingOf);
  }

  /** One request, never split, with its times and cost. @throws (rejects) SluiceError; TOO_LARGE past maxIoBytes */
  submit(request: IoRequest): Promise<IoResult> {
    const { op, offset = 0, data } = request;
    const number = OPS[op] as Op | undefined;
    if (number === undefined) {
      return Promise.reject(invalid('op', `one of ${Object.keys(OPS).join(', ')}`, op));
    }
    const length = request.length ?? data?.length ?? 0;
    return this.one(number, offset, length, data ?? null, request, resultOf);
  }

  /**
   * On a lease device: resolves when the I/O of the request may be done, by the caller, on a disk that it
   * holds itself. A WRITE has no data here. Say `done` when it is over; until then the lease is renewed.
   * @throws (rejects) SluiceError; UNSUPPORTED where the device is none of leases
   */
  lease(request: LeaseRequest): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const { op, offset = 0, length = 0, signal } = request;
      const number = OPS[op] as Op | undefined;
      if (number === undefined) throw invalid('op', `one of ${Object.keys(OPS).join(', ')}`, op);
      if (!this.lane.leased) {
        throw new SluiceError('UNSUPPORTED', `device ${this.device} does its I/O itself: it grants no leases`);
      }
      refuseAborted(signal);
      const waiter = new LeaseWaiter(this.session, resolve, reject);
      waiter.id = this.issue(number, offset, length, null, waiter, 0, request);
      const takeBack = (): void => this.session.cancel(waiter.id);
      signal?.addEventListener('abort', takeBack, { once: true });
      if (signal !== undefined) void waiter.settled.then(() => signal.removeEventListener('abort', takeBack));
    });
  }

  /**
   * Does `work` under a lease: OK where it returns, DEVICE_IO with its message where it throws, which is
   * thrown again. `work` has to stop when its signal is aborted.
   */
  async withLease<T>(request: LeaseRequest, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const lease = await this.lease(request);
    let result: T;
    try {
      result = await work(lease.signal);
    } catch (error) {
      const why = SluiceError.from(error);
      const code = why.code === 'INTERNAL' ? 'DEVICE_IO' : why.code;
      await lease.done(code, why.message).catch(() => undefined);
      throw error;
    }
    await lease.done();
    return result;
  }

  /**
   * One request without a promise: `sink` is told `token` and the reply exactly once, later. For
   * drivers that keep many requests out. `data` must not be changed before the reply.
   * @returns the request's id, for `cancel`
   * @throws SluiceError where the request is not taken: invalid, TOO_LARGE, QUEUE_FULL, the client or handle closed, in an outage
   */
  issue(
    op: Op,
    offset: number,
    length: number,
    data: Uint8Array | null,
    sink: ReplySink,
    token: number,
    options?: IssueOptions,
  ): number {
    const { lane, session } = this;
    if (lane.leased) checkLease(lane, op, offset, length, sink);
    else checkIo(lane, op, offset, length, data);
    if (length > session.maxIoBytes && (op === OPS.READ || op === OPS.WRITE)) {
      throw new SluiceError(
        'TOO_LARGE',
        `length must be at most max_io_bytes (${String(session.maxIoBytes)}), got ${String(length)}`,
        { field: 'length' },
      );
    }
    if (options === undefined) return session.issue(lane, op, offset, length, data, false, 0, '', sink, token);
    const tag = checkOverride(options.tag, lane.tag);
    const timeoutUs = queueTimeoutUs(options.timeoutMs);
    return session.issue(lane, op, offset, length, data, options.fua === true, timeoutUs, tag, sink, token);
  }

  /** Takes a request back that `issue` gave the id of. Its sink is told all the same, possibly within this call. */
  cancel(id: number): void {
    this.session.cancel(id);
  }

  /** Takes no new requests; resolves when those it has are answered and the handle is closed. */
  close(): Promise<void> {
    this.closing ??= new Promise((resolve) => {
      this.onClosed = resolve;
      this.session.closeLane(this.lane);
    });
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What the session tells the handle, and callers need not see. */
  private laneOwner(): LaneOwner {
    return {
      opened: () => {
        this.opening?.resolve(this);
        this.opening = null;
      },
      // Once it has been open, its requests are told instead.
      refused: (lane, error) => {
        if (this.opening === null) return;
        this.opening.reject(error);
        this.opening = null;
        this.session.closeLane(lane);
      },
      closed: () => {
        this.opening?.reject(new SluiceError('CANCELLED', 'the client was closed before the handle was open'));
        this.opening = null;
        this.onClosed?.();
        this.closing ??= Promise.resolve();
      },
    };
  }

  private one<T>(
    op: Op,
    offset: number,
    length: number,
    data: Uint8Array | null,
    options: WriteOptions,
    project: (reply: IoReply) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      refuseAborted(signal);
      const waiter = new Waiter(resolve, reject, project);
      const id = this.issue(op, offset, length, data, waiter, 0, options);
      if (signal !== undefined) waiter.watch(signal, id, (each) => this.session.cancel(each));
    });
  }

  private many(
    op: typeof OPS.READ | typeof OPS.WRITE,
    offset: number,
    length: number,
    data: Uint8Array | null,
    options: WriteOptions,
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      // All of it before any piece: half a transfer of nonsense helps nobody.
      checkIo(this.lane, op, offset, length, data);
      const buffer = data ?? Buffer.allocUnsafe(length);
      const pieceBytes = Math.floor(this.maxIoBytes / this.blockBytes) * this.blockBytes;
      const done = (error: SluiceError | null): void => {
        if (error === null) resolve(buffer as Buffer);
        else reject(error);
      };
      new SplitTransfer(this, op, offset, buffer, pieceBytes, options, done).start();
    });
  }
}
