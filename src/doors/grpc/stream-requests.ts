/**
 * The handles and requests of one stream: what is taken goes to the dispatchers and is in
 * `outstanding` until its reply is in the outbox; what is not taken is answered at once.
 */
import { CODES, codeName, type Code, type ErrorCode } from '../../core/model/errors.js';
import { NS_PER_US } from '../../core/model/units.js';
import { OPS, type Op } from '../../core/model/request.js';
import { PendingIo } from '../../core/pending-io.js';
import type { ServedDevices } from '../../core/ports.js';
import type { IoRequest__Output } from '../../wire/gen/sluice/v1/IoRequest.js';
import type { Open__Output } from '../../wire/gen/sluice/v1/Open.js';
import { changesDevice, checkOpen, checkRequest, effectiveTag, isRefusal } from './check-request.js';
import { StreamHandle, type HandleOwner } from './handle.js';
import type { IoLimits } from './limits.js';
import type { Outbox } from './outbox.js';
import { Reply } from './reply.js';
import { RequestTable } from './request-table.js';
import type { SessionRecord } from './session-memory.js';

export class StreamRequests implements HandleOwner {
  /** What is kept of the session beyond the stream; null where it has no id. */
  record: SessionRecord | null = null;
  readonly #devices: ServedDevices;
  readonly #limits: IoLimits;
  readonly #outbox: Outbox;
  readonly #handles = new Map<number, StreamHandle>();
  readonly #outstanding = new RequestTable();
  /** Whose credit the answer of a lease gives back that began on an earlier stream, where it was asked for again. */
  readonly #resumed = new Map<number, { readonly handle: StreamHandle; readonly attempt: number }>();
  #leaving = false;
  #ended = false;

  constructor(devices: ServedDevices, limits: IoLimits, outbox: Outbox) {
    this.#devices = devices;
    this.#limits = limits;
    this.#outbox = outbox;
  }

  /** Requests taken and not answered yet. */
  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** The session is known from now on; what its client holds leases of is this stream's. */
  attach(record: SessionRecord): void {
    this.record = record;
    for (const io of record.takeLeases()) this.#outstanding.add(io);
    record.leaseEnded = (io) => this.#leaseEnded(io);
  }

  /** From now on new requests and handles are refused. */
  leave(): void {
    this.#leaving = true;
  }

  /** Takes a queued request back; one that is not there was answered before this came. */
  cancel(id: number): void {
    const io = this.#outstanding.get(id);
    if (io !== undefined) this.#cancel(io);
  }

  /** Takes back all that is queued. */
  cancelQueued(): void {
    for (const io of this.#outstanding.all()) this.#cancel(io);
  }

  /** The stream is gone: what is queued is cancelled, and nothing is answered any more. */
  abandon(): void {
    this.#ended = true;
    for (const io of this.#outstanding.all()) {
      if (this.#cancel(io)) continue;
      if (io.lease !== null) this.record?.keepLease(io);
      else if (changesDevice(io.op)) this.record?.orphan(io);
    }
    if (this.record !== null) this.record.leaseEnded = null;
    this.#outstanding.clear();
    this.#handles.clear();
  }

  completed(io: PendingIo, handle: StreamHandle): void {
    if (this.#ended) {
      this.record?.orphanDone(io);
      return;
    }
    this.#outstanding.delete(io.id);
    this.#sayRevoked(io);
    if (this.record !== null && (changesDevice(io.op) || io.lease !== null)) this.record.remember(io);
    this.#outbox.reply(Reply.of(io, io.attempt, handle, handle.creditBytes(io.op, io.lengthBytes)));
  }

  granted(io: PendingIo): void {
    this.#sayGranted(io, io.sink instanceof StreamHandle ? io.sink : null);
  }

  /** It began on an earlier stream. */
  #leaseEnded(io: PendingIo): void {
    const resumed = this.#resumed.get(io.id);
    this.#resumed.delete(io.id);
    this.#outstanding.delete(io.id);
    this.#sayRevoked(io);
    const handle = resumed?.handle ?? null;
    const bytes = handle?.creditBytes(io.op, io.lengthBytes) ?? 0;
    this.#outbox.reply(Reply.of(io, resumed?.attempt ?? io.attempt, handle, bytes));
  }

  #sayGranted(io: PendingIo, handle: StreamHandle | null): void {
    this.#outbox.granted(io.id, handle?.number ?? 0, io.lease!.leaseMs);
  }

  #sayRevoked(io: PendingIo): void {
    if (io.lease !== null && io.lease.revoked !== '') this.#outbox.revoked(io.id, io.lease.revoked);
  }

  /** The client's word on how its I/O went. */
  done(id: number, code: number, message: string): void {
    const io = this.#outstanding.get(id);
    if (io === undefined || io.lease === null) {
      // Said before, on a stream that ended before its answer: the same answer again.
      const known = this.record?.recall(id);
      const message = `done.id must be a lease that is held, got ${noLease(id)}`;
      this.#outbox.reply(new Reply(id, 0, known?.code ?? 'NOT_FOUND', known?.message ?? message, null, 0));
      return;
    }
    const name: Code = codeName(code);
    io.lease.finish(name, name !== 'OK' && message === '' ? `the client said ${name}` : message);
  }

  renew(id: number): void {
    const io = this.#outstanding.get(id);
    if (io === undefined || io.lease === null)
      this.#outbox.revoked(id, `renew.id must be a lease that is held, got ${noLease(id)}`);
    else io.lease.renew();
  }

  adoptedDone(io: PendingIo, handle: StreamHandle, attempt: number): void {
    if (this.#ended) return;
    this.#outstanding.delete(io.id);
    this.#outbox.reply(Reply.of(io, attempt, handle, handle.creditBytes(io.op, io.lengthBytes)));
  }

  open(open: Open__Output): void {
    const limits = this.#limits;
    const { handle: number, tag } = open;
    const device = checkOpen(open, this.#handles, limits, this.#devices, this.#leaving);
    if (isRefusal(device)) {
      const { code, message } = device;
      const opened = {
        handle: number,
        code: CODES[code],
        message,
        sizeBytes: 0,
        blockBytes: 0,
        readOnly: false,
        lease: false,
      };
      this.#outbox.opened(opened);
      return;
    }
    const handle = new StreamHandle(number, device, tag, this, limits);
    this.#handles.set(number, handle);
    this.record?.grow(limits.handleRequests);
    const { sizeBytes, blockBytes, readOnly, leased: lease = false } = device;
    this.#outbox.opened({ handle: number, code: CODES.OK, message: '', sizeBytes, blockBytes, readOnly, lease });
    this.#outbox.creditDue(handle);
  }

  request(request: IoRequest__Output): void {
    const { id, op, length, attempt } = request;
    const handle = this.#handles.get(request.handle);
    if (handle === undefined) {
      const message = `request.handle must be open on this stream, got ${String(request.handle)}`;
      this.#outbox.reply(new Reply(id, attempt, 'NOT_FOUND', message, null, 0));
      return;
    }
    const bytes = handle.creditBytes(op, length);
    const hasCredit = handle.use(bytes);
    const refusal = checkRequest(request, this.#limits.maxIoBytes, handle.device.leased);
    if (refusal !== null) this.#refuse(request, handle, bytes, refusal.code, refusal.message);
    else if (attempt > 0 && this.#leaseAgain(id, handle, attempt)) return;
    else if (this.#outstanding.get(id) !== undefined) {
      const message = `request.id must not be outstanding on this stream, got ${String(id)}`;
      this.#refuse(request, handle, bytes, 'INVALID_ARGUMENT', message);
    } else if (!hasCredit) this.#refuse(request, handle, bytes, 'CREDIT_EXCEEDED', handle.creditMessage());
    else if (this.#leaving) {
      this.#refuse(request, handle, bytes, 'DRAINING', 'this host is draining and takes no new requests');
    } else if (attempt === 0 || !this.#resume(request, handle, bytes)) this.#submit(request, handle, bytes);
  }

  /** Whether the client holds the lease of the request already, of which it may not know. */
  #leaseAgain(id: number, handle: StreamHandle, attempt: number): boolean {
    const io = this.#outstanding.get(id);
    if (io === undefined || io.lease === null || io.sink === handle || this.#resumed.has(id)) return false;
    this.#resumed.set(id, { handle, attempt });
    io.lease.renew();
    this.#sayGranted(io, handle);
    return true;
  }

  #submit(request: IoRequest__Output, handle: StreamHandle, bytes: number): void {
    const { id, offset, length, data } = request;
    const tag = effectiveTag(request.tag, handle.tag);
    if (isRefusal(tag)) {
      this.#refuse(request, handle, bytes, tag.code, tag.message);
      return;
    }
    const op = request.op as Op;
    const payload = op === OPS.WRITE && handle.device.leased !== true ? data : null;
    const queueTimeoutNs = request.queueTimeoutUs * NS_PER_US;
    const io = new PendingIo(op, offset, length, payload, request.fua, queueTimeoutNs, id, request.attempt, handle);
    this.#outstanding.add(io);
    handle.device.submit(io, tag);
  }

  /** Whether an earlier try of the write answers it: done already, or still at the device. */
  #resume(request: IoRequest__Output, handle: StreamHandle, bytes: number): boolean {
    const record = this.record;
    if (record === null || !changesDevice(request.op as Op)) return false;
    const orphan = record.adopt(request.id, handle, request.attempt);
    if (orphan !== undefined) {
      this.#outstanding.add(orphan);
      return true;
    }
    const outcome = record.recall(request.id);
    if (outcome === undefined) return false;
    this.#outbox.reply(new Reply(request.id, request.attempt, outcome.code, outcome.message, handle, bytes));
    return true;
  }

  #refuse(request: IoRequest__Output, handle: StreamHandle, bytes: number, code: ErrorCode, message: string): void {
    this.#outbox.reply(new Reply(request.id, request.attempt, code, message, handle, bytes));
  }

  refuseAll(requests: readonly IoRequest__Output[], frameBytes: number): void {
    const max = String(this.#limits.maxFrameBytes);
    const message = `a frame must be at most max_frame_bytes (${max}), got ${String(frameBytes)} bytes`;
    for (const request of requests) {
      const handle = this.#handles.get(request.handle) ?? null;
      const bytes = handle?.creditBytes(request.op, request.length) ?? 0;
      handle?.use(bytes);
      this.#outbox.reply(new Reply(request.id, request.attempt, 'TOO_LARGE', message, handle, bytes));
    }
  }

  /** True where it was queued: it is answered CANCELLED. */
  #cancel(io: PendingIo): boolean {
    return io.sink instanceof StreamHandle && io.sink.device.cancel(io);
  }

  close(numbers: readonly number[]): void {
    for (const number of numbers) {
      const handle = this.#handles.get(number);
      if (handle === undefined) continue;
      this.#handles.delete(number);
      handle.closed = true;
    }
    for (const io of this.#outstanding.all()) {
      if (io.sink instanceof StreamHandle && io.sink.closed) this.#cancel(io);
    }
  }
}

function noLease(id: number): string {
  return `${String(id)}: its lease has ended, or was never granted`;
}
