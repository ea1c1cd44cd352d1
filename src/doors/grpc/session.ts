/**
 * One stream of IoService.Stream: frames in, requests to dispatchers, replies out.
 *
 *   greeting ──hello──▶ serving ──GoAway──▶ leaving ──┐
 *                          │ half-close               │ nothing outstanding, nothing to send
 *                          └────────▶ finishing ──────┴─────▶ ended
 *
 * Invariants: a request that was taken is in `outstanding` until its reply is in the outbox; a
 * request that is not taken is answered at once; only a frame that cannot be understood, or a first
 * one without hello, ends the stream. After the end nothing is sent: what is queued is cancelled,
 * what is at a device completes, and the session's memory keeps what became of writes.
 */
import { CODES, SluiceError, invalid, type ErrorCode } from '../../core/model/errors.js';
import { NS_PER_MS, NS_PER_US } from '../../core/model/units.js';
import { OPS, type Op } from '../../core/model/request.js';
import { PendingIo } from '../../core/pending-io.js';
import type { Clock, ServedDevices, Timer } from '../../core/ports.js';
import type { ClientFrame__Output } from '../../wire/gen/sluice/v1/ClientFrame.js';
import type { IoRequest__Output } from '../../wire/gen/sluice/v1/IoRequest.js';
import type { Open__Output } from '../../wire/gen/sluice/v1/Open.js';
import { changesDevice, checkOpen, checkRequest, effectiveTag, isRefusal } from './check-request.js';
import { StreamHandle, type HandleOwner } from './handle.js';
import type { IoLimits } from './limits.js';
import { Outbox, type IncomingFrame, type StreamCall } from './outbox.js';
import { Reply } from './reply.js';
import type { SessionMemory, SessionRecord } from './session-memory.js';
import { toServiceError } from './status.js';

/**
 * `greeting` until hello; `serving`; `leaving` after GoAway: takes nothing new; `finishing` after the
 * client's half-close; `ended`: nothing comes or goes.
 */
type SessionState = 'greeting' | 'serving' | 'leaving' | 'finishing' | 'ended';

export interface SessionParts {
  readonly devices: ServedDevices;
  readonly clock: Clock;
  readonly hostId: string;
  readonly limits: IoLimits;
  readonly memory: SessionMemory;
  /** Told once, when the stream has ended. */
  readonly ended: (session: StreamSession) => void;
}

const SESSION_ID_BYTES = 16;
/** A stream whose peer does not read is not read either, once this much waits for it. */
const UNSENT_REPLIES_MAX = 16_384;
const UNSENT_BYTES_MAX = 32 * 1_048_576;
/** After GoAway an idle stream stays this long, to answer what its client had sent before it knew. */
const LINGER_MS = 100;

export class StreamSession implements HandleOwner {
  readonly #parts: SessionParts;
  readonly #call: StreamCall;
  readonly #outbox: Outbox;
  readonly #handles = new Map<number, StreamHandle>();
  readonly #outstanding = new Map<number, PendingIo>();
  #state: SessionState = 'greeting';
  #record: SessionRecord | null = null;
  #sessionId = '';
  #paused = false;
  #linger: Timer | null = null;

  constructor(call: StreamCall, parts: SessionParts) {
    this.#call = call;
    this.#parts = parts;
    this.#outbox = new Outbox(call, parts.limits, this.#drained);
    call.on('data', (incoming: IncomingFrame) => this.#received(incoming));
    call.on('end', () => this.#halfClosed());
    call.on('cancelled', () => this.#end());
    call.on('error', () => this.#end());
  }

  /** Requests taken and not answered yet. */
  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** Says GoAway; the stream ends when what is out has been answered. */
  leave(reason: string, graceMs: number): void {
    if (this.#state === 'ended' || this.#state === 'leaving') return;
    if (this.#state === 'greeting') {
      this.fail(new SluiceError('DRAINING', reason));
      return;
    }
    this.#outbox.goAway(reason, graceMs);
    if (this.#state === 'serving') this.#state = 'leaving';
    this.#endIfDone();
  }

  /** Takes back what is queued; it is answered CANCELLED. */
  cancelQueued(): void {
    for (const io of [...this.#outstanding.values()]) this.#cancel(io);
  }

  /** Ends the stream with the error. */
  fail(error: SluiceError): void {
    if (this.#state === 'ended') return;
    this.#end();
    this.#call.emit('error', toServiceError(error));
  }

  completed(io: PendingIo, handle: StreamHandle): void {
    if (this.#state === 'ended') {
      this.#record?.orphanDone(io);
      return;
    }
    this.#outstanding.delete(io.id);
    if (this.#record !== null && changesDevice(io.op)) this.#record.remember(io);
    this.#outbox.reply(Reply.of(io, io.attempt, handle, handle.creditBytes(io.op, io.lengthBytes)));
  }

  adoptedDone(io: PendingIo, handle: StreamHandle, attempt: number): void {
    if (this.#state === 'ended') return;
    this.#outstanding.delete(io.id);
    this.#outbox.reply(Reply.of(io, attempt, handle, handle.creditBytes(io.op, io.lengthBytes)));
  }

  #received(incoming: IncomingFrame): void {
    if (this.#state === 'ended') return;
    const { frame, bytes } = incoming;
    if (frame === null) {
      this.fail(new SluiceError('INVALID_ARGUMENT', `the frame must be a ClientFrame: ${incoming.malformed}`));
      return;
    }
    if (frame.hello !== null || this.#state === 'greeting') {
      const refused = this.#greet(frame);
      if (refused !== null) {
        this.fail(refused);
        return;
      }
    }
    for (const open of frame.open) this.#open(open);
    if (bytes > this.#parts.limits.maxFrameBytes) this.#refuseAll(frame.requests, bytes);
    else for (const request of frame.requests) this.#request(request);
    for (const cancel of frame.cancels) {
      const io = this.#outstanding.get(cancel.id);
      if (io !== undefined) this.#cancel(io);
    }
    for (const done of frame.done) this.#refuseLease(done.id, 'done');
    for (const renew of frame.renew) this.#refuseLease(renew.id, 'renew');
    if (frame.close.length > 0) this.#close(frame.close);
    this.#outbox.settle();
    this.#pauseIfFull();
    if (this.#state === 'leaving') this.#endIfDone();
  }

  #greet(frame: ClientFrame__Output): SluiceError | null {
    if (frame.hello === null) {
      return invalid('hello', 'in the first frame of a stream', 'none');
    }
    const id = frame.hello.sessionId.toString('hex');
    if (this.#state !== 'greeting') {
      if (id === this.#sessionId) return null;
      return invalid('hello.session_id', 'the same all through a stream', id);
    }
    if (id !== '' && id.length !== 2 * SESSION_ID_BYTES) {
      return invalid('hello.session_id', `${String(SESSION_ID_BYTES)} bytes long or empty`, id.length / 2);
    }
    const { limits, hostId, memory } = this.#parts;
    this.#state = 'serving';
    this.#sessionId = id;
    let resumed = false;
    if (id !== '') {
      const attached = memory.attach(id, () =>
        this.fail(new SluiceError('CANCELLED', 'another stream has taken this session over')),
      );
      this.#record = attached.record;
      resumed = attached.resumed;
    }
    const { fenceMs, maxIoBytes, maxFrameBytes, maxHandles } = limits;
    this.#outbox.welcome({ hostId, resumed, fenceMs, maxIoBytes, maxFrameBytes, maxHandles });
    return null;
  }

  #open(open: Open__Output): void {
    const { limits, devices } = this.#parts;
    const { handle: number, tag } = open;
    const device = checkOpen(open, this.#handles, limits, devices, this.#state === 'leaving');
    if (isRefusal(device)) {
      const { code, message } = device;
      const opened = { handle: number, code: CODES[code], message, sizeBytes: 0, blockBytes: 0, readOnly: false };
      this.#outbox.opened(opened);
      return;
    }
    const handle = new StreamHandle(number, device, tag, this, limits);
    this.#handles.set(number, handle);
    this.#record?.grow(limits.handleRequests);
    const { sizeBytes, blockBytes, readOnly } = device;
    this.#outbox.opened({ handle: number, code: CODES.OK, message: '', sizeBytes, blockBytes, readOnly });
    this.#outbox.creditDue(handle);
  }

  #request(request: IoRequest__Output): void {
    const { id, op, length, attempt } = request;
    const handle = this.#handles.get(request.handle);
    if (handle === undefined) {
      const message = `request.handle must be open on this stream, got ${String(request.handle)}`;
      this.#outbox.reply(new Reply(id, attempt, 'NOT_FOUND', message, null, 0));
      return;
    }
    const bytes = handle.creditBytes(op, length);
    const hasCredit = handle.use(bytes);
    const refusal = checkRequest(request, this.#parts.limits.maxIoBytes);
    if (refusal !== null) this.#refuse(request, handle, bytes, refusal.code, refusal.message);
    else if (this.#outstanding.has(id)) {
      const message = `request.id must not be outstanding on this stream, got ${String(id)}`;
      this.#refuse(request, handle, bytes, 'INVALID_ARGUMENT', message);
    } else if (!hasCredit) this.#refuse(request, handle, bytes, 'CREDIT_EXCEEDED', handle.creditMessage());
    else if (this.#state === 'leaving') {
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
    this.#outstanding.set(id, io);
    handle.device.submit(io, tag);
  }

  /** Whether an earlier try of the write answers it: done already, or still at the device. */
  #resume(request: IoRequest__Output, handle: StreamHandle, bytes: number): boolean {
    const record = this.#record;
    if (record === null || !changesDevice(request.op as Op)) return false;
    const orphan = record.adopt(request.id, handle, request.attempt);
    if (orphan !== undefined) {
      this.#outstanding.set(request.id, orphan);
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

  #refuseAll(requests: readonly IoRequest__Output[], frameBytes: number): void {
    const max = String(this.#parts.limits.maxFrameBytes);
    const message = `a frame must be at most max_frame_bytes (${max}), got ${String(frameBytes)} bytes`;
    for (const request of requests) {
      const handle = this.#handles.get(request.handle) ?? null;
      const bytes = handle?.creditBytes(request.op, request.length) ?? 0;
      handle?.use(bytes);
      this.#outbox.reply(new Reply(request.id, request.attempt, 'TOO_LARGE', message, handle, bytes));
    }
  }

  #refuseLease(id: number, field: string): void {
    const message = `${field} is for requests of lease devices, which this version does not serve, got id ${String(id)}`;
    this.#outbox.reply(new Reply(id, 0, 'UNSUPPORTED', message, null, 0));
  }

  /** True where it was queued. */
  #cancel(io: PendingIo): boolean {
    return io.sink instanceof StreamHandle && io.sink.device.cancel(io);
  }

  #close(numbers: readonly number[]): void {
    for (const number of numbers) {
      const handle = this.#handles.get(number);
      if (handle === undefined) continue;
      this.#handles.delete(number);
      handle.closed = true;
    }
    for (const io of [...this.#outstanding.values()]) {
      if (io.sink instanceof StreamHandle && io.sink.closed) this.#cancel(io);
    }
  }

  #halfClosed(): void {
    if (this.#state === 'ended') return;
    this.#state = 'finishing';
    this.#endIfDone();
  }

  readonly #drained = (): void => {
    if (this.#paused && !this.#isFull(0.5)) {
      this.#paused = false;
      this.#call.resume();
    }
    if (this.#state === 'leaving' || this.#state === 'finishing') this.#endIfDone();
  };

  #isFull(part: number): boolean {
    return this.#outbox.replies > UNSENT_REPLIES_MAX * part || this.#outbox.bytes > UNSENT_BYTES_MAX * part;
  }

  #pauseIfFull(): void {
    if (this.#paused || !this.#isFull(1)) return;
    this.#paused = true;
    this.#call.pause();
  }

  #endIfDone(): void {
    this.#linger?.cancel();
    this.#linger = null;
    if (this.#outstanding.size > 0 || !this.#outbox.isEmpty) return;
    if (this.#state === 'finishing') this.#endWell();
    else this.#linger = this.#parts.clock.after(LINGER_MS * NS_PER_MS, () => this.#endWell());
  }

  #endWell(): void {
    if (this.#state === 'ended') return;
    this.#end();
    this.#call.end();
  }

  /** Lets go of the stream, whoever ended it. */
  #end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#linger?.cancel();
    this.#outbox.close();
    const record = this.#record;
    for (const io of this.#outstanding.values()) {
      if (!this.#cancel(io) && changesDevice(io.op)) record?.orphan(io);
    }
    this.#outstanding.clear();
    this.#handles.clear();
    if (record !== null) this.#parts.memory.detach(record);
    this.#parts.ended(this);
  }
}
