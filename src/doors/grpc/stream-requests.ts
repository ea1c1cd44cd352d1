/**
 * The handles and requests of one stream: what is taken goes to the dispatchers and is in
 * `outstanding` until its reply is in the outbox; what is not taken is answered at once.
 */
import { CODES, type ErrorCode } from '../../core/model/errors.js';
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
      if (!this.#cancel(io) && changesDevice(io.op)) this.record?.orphan(io);
    }
    this.#outstanding.clear();
    this.#handles.clear();
  }

  completed(io: PendingIo, handle: StreamHandle): void {
    if (this.#ended) {
      this.record?.orphanDone(io);
      return;
    }
    this.#outstanding.delete(io.id);
    if (this.record !== null && changesDevice(io.op)) this.record.remember(io);
    this.#outbox.reply(Reply.of(io, io.attempt, handle, handle.creditBytes(io.op, io.lengthBytes)));
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
      const opened = { handle: number, code: CODES[code], message, sizeBytes: 0, blockBytes: 0, readOnly: false };
      this.#outbox.opened(opened);
      return;
    }
    const handle = new StreamHandle(number, device, tag, this, limits);
    this.#handles.set(number, handle);
    this.record?.grow(limits.handleRequests);
    const { sizeBytes, blockBytes, readOnly } = device;
    this.#outbox.opened({ handle: number, code: CODES.OK, message: '', sizeBytes, blockBytes, readOnly });
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
    const refusal = checkRequest(request, this.#limits.maxIoBytes);
    if (refusal !== null) this.#refuse(request, handle, bytes, refusal.code, refusal.message);
    else if (this.#outstanding.get(id) !== undefined) {
      const message = `request.id must not be outstanding on this stream, got ${String(id)}`;
      this.#refuse(request, handle, bytes, 'INVALID_ARGUMENT', message);
    } else if (!hasCredit) this.#refuse(request, handle, bytes, 'CREDIT_EXCEEDED', handle.creditMessage());
    else if (this.#leaving) {
      this.#refuse(request, handle, bytes, 'DRAINING', 'this host is draining and takes no new requests');
    } else if (attempt === 0 || !this.#resume(request, handle, bytes)) this.#submit(request, handle, bytes);
  }

  #submit(request: IoRequest__Output, handle: StreamHandle, bytes: number): void {
    const { id, offset, length, data } = request;
    const tag = effectiveTag(request.tag, handle.tag);
    if (isRefusal(tag)) {
      this.#refuse(request, handle, bytes, tag.code, tag.message);
      return;
    }
    const op = request.op as Op;
    const payload = op === OPS.WRITE ? data : null;
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

  refuseLease(id: number, field: string): void {
    const message = `${field} is for requests of lease devices, which this version does not serve, got id ${String(id)}`;
    this.#outbox.reply(new Reply(id, 0, 'UNSUPPORTED', message, null, 0));
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
