/**
 * One stream of IoService.Stream: frames in, requests to dispatchers, replies out.
 *
 *   greeting ──hello──▶ serving ──GoAway──▶ leaving ──┐
 *                          │ half-close               │ nothing outstanding, nothing to send
 *                          └────────▶ finishing ──────┴─────▶ ended
 *
 * Invariants: only a frame that cannot be understood, or a first one without hello, ends the stream:
 * nothing already taken is lost by a bad request. After the end nothing is sent: what is queued is
 * cancelled, what is at a device completes, and the session's memory keeps what became of writes.
 */
import { SluiceError, invalid } from '../../core/model/errors.js';
import { NS_PER_MS } from '../../core/model/units.js';
import type { Clock, ServedDevices, Timer } from '../../core/ports.js';
import type { ClientFrame__Output } from '../../wire/gen/sluice/v1/ClientFrame.js';
import type { IoLimits } from './limits.js';
import { Outbox, type IncomingFrame, type StreamCall } from './outbox.js';
import type { SessionMemory } from './session-memory.js';
import { toServiceError } from './status.js';
import { StreamRequests } from './stream-requests.js';

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

export class StreamSession {
  readonly #parts: SessionParts;
  readonly #call: StreamCall;
  readonly #outbox: Outbox;
  readonly #requests: StreamRequests;
  #state: SessionState = 'greeting';
  #sessionId = '';
  #paused = false;
  #linger: Timer | null = null;

  constructor(call: StreamCall, parts: SessionParts) {
    this.#call = call;
    this.#parts = parts;
    this.#outbox = new Outbox(call, parts.limits, this.#drained);
    this.#requests = new StreamRequests(parts.devices, parts.limits, this.#outbox);
    call.on('data', (incoming: IncomingFrame) => this.#received(incoming));
    call.on('end', () => this.#halfClosed());
    call.on('cancelled', () => this.#end());
    call.on('error', () => this.#end());
  }

  /** Says GoAway; the stream ends when what is out has been answered. */
  leave(reason: string, graceMs: number): void {
    if (this.#state === 'ended' || this.#state === 'leaving') return;
    if (this.#state === 'greeting') {
      this.fail(new SluiceError('DRAINING', reason));
      return;
    }
    this.#outbox.goAway(reason, graceMs);
    this.#requests.leave();
    if (this.#state === 'serving') this.#state = 'leaving';
    this.#endIfDone();
  }

  /** Takes back what is queued; it is answered CANCELLED. */
  cancelQueued(): void {
    this.#requests.cancelQueued();
  }

  /** Ends the stream with the error. */
  fail(error: SluiceError): void {
    if (this.#state === 'ended') return;
    this.#end();
    this.#call.emit('error', toServiceError(error));
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
    this.#act(frame, bytes);
    this.#outbox.settle();
    this.#pauseIfFull();
    if (this.#state === 'leaving') this.#endIfDone();
  }

  /** In the order of the frame's fields. */
  #act(frame: ClientFrame__Output, bytes: number): void {
    const requests = this.#requests;
    for (const open of frame.open) requests.open(open);
    if (bytes > this.#parts.limits.maxFrameBytes) requests.refuseAll(frame.requests, bytes);
    else for (const request of frame.requests) requests.request(request);
    for (const cancel of frame.cancels) requests.cancel(cancel.id);
    for (const done of frame.done) requests.done(done.id, done.code, done.message);
    for (const renew of frame.renew) requests.renew(renew.id);
    if (frame.close.length > 0) requests.close(frame.close);
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
      this.#requests.attach(attached.record);
      resumed = attached.resumed;
    }
    const { fenceMs, maxIoBytes, maxFrameBytes, maxHandles } = limits;
    this.#outbox.welcome({ hostId, resumed, fenceMs, maxIoBytes, maxFrameBytes, maxHandles });
    return null;
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
    if (this.#requests.outstanding > 0 || !this.#outbox.isEmpty) return;
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
    this.#requests.abandon();
    const { record } = this.#requests;
    if (record !== null) this.#parts.memory.detach(record);
    this.#parts.ended(this);
  }
}
