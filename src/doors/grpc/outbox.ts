/**
 * What a stream has to send: gathered during one turn of the event loop, or until there is enough
 * for a frame to be worth its cost, then written as one frame. Few frames are on their way at a time,
 * so the slower the peer takes them, the more a frame carries.
 *
 *   reply() ─▶ waiting ── flush ──▶ in flight ── written and not blocked ──▶ credit comes back
 */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { ClientFrame__Output } from '../../wire/gen/sluice/v1/ClientFrame.js';
import type { CreditMessage, ServerFrameMessage } from '../../wire/server-frame.js';
import type { StreamHandle } from './handle.js';
import type { IoLimits } from './limits.js';
import type { Reply } from './reply.js';

/** A frame as it came: `malformed` says what is wrong where it is none. */
export interface IncomingFrame {
  readonly frame: ClientFrame__Output | null;
  readonly bytes: number;
  readonly malformed: string;
}

export type StreamCall = ServerDuplexStream<IncomingFrame, ServerFrameMessage>;

/**
 * So many replies spread the cost of a frame well enough: they leave at once, and the peer works on
 * them while this side works on the next (a longer wait makes the two take turns).
 */
const FRAME_REPLIES_ENOUGH = 16;
/** Frames on their way at once. */
const FRAMES_IN_FLIGHT_MAX = 4;
/** More replies than this leave in the next frame: a long frame holds up the cancels behind it. */
const FRAME_REPLIES_MAX = 1_024;
/** More than any reply takes besides its data and message. */
const REPLY_OVERHEAD_BYTES = 128;
/** UTF-8 bytes of a UTF-16 unit, at most. */
const TEXT_FACTOR = 3;

export class Outbox {
  readonly #call: StreamCall;
  readonly #limits: IoLimits;
  readonly #drained: () => void;
  #welcome: ServerFrameMessage['welcome'] = null;
  #goAway: ServerFrameMessage['goAway'] = null;
  #opened: ServerFrameMessage['opened'][number][] = [];
  #replies: Reply[] = [];
  #granted: ServerFrameMessage['granted'][number][] = [];
  #revoked: ServerFrameMessage['revoked'][number][] = [];
  #creditsDue: StreamHandle[] = [];
  /** The replies of each frame on its way, the first written first. */
  #inFlight: (readonly Reply[])[] = [];
  #repliesInFlight = 0;
  #bytes = 0;
  #scheduled = false;
  #closed = false;

  /** @param drained called when a frame has left */
  constructor(call: StreamCall, limits: IoLimits, drained: () => void) {
    this.#call = call;
    this.#limits = limits;
    this.#drained = drained;
  }

  /** Nothing waits and nothing is on its way. */
  get isEmpty(): boolean {
    return this.#inFlight.length === 0 && !this.#hasWaiting;
  }

  /** Replies that have not left. */
  get replies(): number {
    return this.#replies.length + this.#repliesInFlight;
  }

  /** Data in them, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  welcome(welcome: NonNullable<ServerFrameMessage['welcome']>): void {
    this.#welcome = welcome;
    this.#schedule();
  }

  goAway(reason: string, graceMs: number): void {
    this.#goAway = { reason, graceMs };
    this.#schedule();
  }

  opened(opened: ServerFrameMessage['opened'][number]): void {
    this.#opened.push(opened);
    this.#schedule();
  }

  granted(id: number, handle: number, leaseMs: number): void {
    this.#granted.push({ id, handle, leaseMs });
    this.#schedule();
  }

  revoked(id: number, reason: string): void {
    this.#revoked.push({ id, reason });
    this.#schedule();
  }

  reply(reply: Reply): void {
    this.#replies.push(reply);
    this.#bytes += reply.data.length;
    if (!this.#scheduled) this.#schedule();
  }

  /** Nothing more comes of the present frame: what there is leaves, if it is enough. */
  settle(): void {
    if (this.#replies.length >= FRAME_REPLIES_ENOUGH) this.#flush();
  }

  creditDue(handle: StreamHandle): void {
    if (handle.creditDue) return;
    handle.creditDue = true;
    this.#creditsDue.push(handle);
    this.#schedule();
  }

  /** Sends nothing more and forgets what waits. */
  close(): void {
    this.#closed = true;
    this.#replies = [];
    this.#opened = [];
    this.#granted = [];
    this.#revoked = [];
    this.#creditsDue = [];
    this.#inFlight = [];
    this.#bytes = 0;
  }

  get #hasWaiting(): boolean {
    return (
      this.#replies.length > 0 ||
      this.#creditsDue.length > 0 ||
      this.#opened.length > 0 ||
      this.#granted.length > 0 ||
      this.#revoked.length > 0 ||
      this.#welcome !== null ||
      this.#goAway !== null
    );
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed || this.#isBlocked) return;
    this.#scheduled = true;
    setImmediate(this.#flushScheduled);
  }

  get #isBlocked(): boolean {
    return this.#inFlight.length >= FRAMES_IN_FLIGHT_MAX;
  }

  readonly #flushScheduled = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#closed || this.#isBlocked || !this.#hasWaiting) return;
    const replies = this.#takeReplies();
    this.#inFlight.push(replies);
    this.#repliesInFlight += replies.length;
    const frame: ServerFrameMessage = {
      welcome: this.#welcome,
      opened: this.#opened,
      replies,
      granted: this.#granted,
      revoked: this.#revoked,
      credits: this.#takeCredits(replies),
      goAway: this.#goAway,
    };
    this.#welcome = null;
    this.#goAway = null;
    if (this.#opened.length > 0) this.#opened = [];
    if (this.#granted.length > 0) this.#granted = [];
    if (this.#revoked.length > 0) this.#revoked = [];
    this.#call.write(frame, this.#written);
  }

  /** As many as a frame takes; all of them, as a rule. */
  #takeReplies(): readonly Reply[] {
    const replies = this.#replies;
    const room = this.#limits.maxFrameBytes;
    let bytes = 0;
    let count = 0;
    for (const reply of replies) {
      bytes += REPLY_OVERHEAD_BYTES + reply.data.length + TEXT_FACTOR * reply.message.length;
      if ((bytes > room && count > 0) || count === FRAME_REPLIES_MAX) {
        this.#replies = replies.slice(count);
        return replies.slice(0, count);
      }
      count += 1;
    }
    this.#replies = [];
    return replies;
  }

  /** The credits that are due, and those that ride along with replies of their handles. */
  #takeCredits(replies: readonly Reply[]): CreditMessage[] {
    for (const { handle } of replies) {
      if (handle === null || handle.creditDue || handle.closed || !handle.hasNews) continue;
      handle.creditDue = true;
      this.#creditsDue.push(handle);
    }
    const credits: CreditMessage[] = [];
    for (const handle of this.#creditsDue) {
      handle.creditDue = false;
      if (!handle.closed) credits.push(handle.credit());
    }
    if (this.#creditsDue.length > 0) this.#creditsDue = [];
    return credits;
  }

  readonly #written = (): void => {
    if (this.#closed) return;
    const replies = this.#inFlight.shift()!;
    this.#repliesInFlight -= replies.length;
    for (const reply of replies) {
      this.#bytes -= reply.data.length;
      const { handle } = reply;
      if (handle === null || handle.closed) continue;
      handle.drained(reply.creditBytes);
      if (!handle.creditDue && handle.isCreditDue) this.creditDue(handle);
    }
    if (this.#hasWaiting) this.#flush();
    this.#drained();
  };
}
