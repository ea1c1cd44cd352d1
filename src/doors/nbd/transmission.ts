/**
 * Requests of one connection: checked, cut into pieces, given to the device, answered in the order
 * in which they end.
 *
 * Memory is bounded by taking nothing in: `full` says when, counting what is at work here, and the
 * connection adds what its socket has not sent. A queue of the device that is full is no error for a
 * guest either: the piece waits here and is tried again.
 */
import type { ErrorCode } from '../../core/model/errors.js';
import { OPS, type Op } from '../../core/model/request.js';
import { MIB, NS_PER_MS } from '../../core/model/units.js';
import { PendingIo } from '../../core/pending-io.js';
import type { Clock, Timer } from '../../core/ports.js';
import { COMMANDS, COMMAND_FLAGS, PAYLOAD_BYTES_MAX } from '../../wire/nbd/protocol.js';
import * as replies from '../../wire/nbd/replies.js';
import type { NbdRequest } from '../../wire/nbd/requests.js';
import { TO_NBD } from './errno.js';
import type { Export } from './exports.js';
import { GuestRequest, type GuestRequests } from './guest-request.js';
import { ALLOCATION_ID } from './negotiation.js';
import type { ReadPlaces } from './read-places.js';
import type { ReplyWriter } from './reply-writer.js';

/** Past either nothing more is taken in; one request of 32 MiB may come on top. */
const HELD_REQUESTS_MAX = 256;
const HELD_BYTES_MAX = 16 * MIB;
/** How soon a piece that found its queue full is tried again, and how long before its guest is told. */
const RETRY_NS = NS_PER_MS;
const RETRY_FOR_NS = 30_000 * NS_PER_MS;

/** A piece that found a queue full, and whose it is. */
interface Waiting {
  readonly piece: PendingIo;
  readonly guest: GuestRequest;
}

export interface TransmissionParts {
  readonly clock: Clock;
  readonly export: Export;
  /** Longest piece of a READ or WRITE, a multiple of the device's block. */
  readonly pieceBytes: number;
  readonly structured: boolean;
  readonly blockStatus: boolean;
  readonly out: ReplyWriter;
  readonly places: ReadPlaces;
  /** Something has been answered: there may be room again. */
  readonly answered: () => void;
}

/** What a command may carry, and what it is to the device. */
const ALLOWED_FLAGS: Record<number, number> = {
  [COMMANDS.READ]: COMMAND_FLAGS.FUA | COMMAND_FLAGS.DF,
  [COMMANDS.WRITE]: COMMAND_FLAGS.FUA,
  [COMMANDS.FLUSH]: COMMAND_FLAGS.FUA,
  [COMMANDS.TRIM]: COMMAND_FLAGS.FUA,
  [COMMANDS.CACHE]: COMMAND_FLAGS.FUA,
  [COMMANDS.WRITE_ZEROES]: COMMAND_FLAGS.FUA | COMMAND_FLAGS.NO_HOLE,
  [COMMANDS.BLOCK_STATUS]: COMMAND_FLAGS.FUA | COMMAND_FLAGS.REQ_ONE,
};

export class Transmission implements GuestRequests {
  readonly #parts: TransmissionParts;
  #held = 0;
  #heldBytes = 0;
  /** The one taken in last: from it a list of all that are not answered, to be taken back when the client is gone. */
  #newest: GuestRequest | null = null;
  /** Pieces that found a queue full, oldest first. */
  #waiting: Waiting[] = [];
  #waitingSinceNs = 0;
  #retry: Timer | null = null;
  #gone = false;

  constructor(parts: TransmissionParts) {
    this.#parts = parts;
  }

  get full(): boolean {
    return this.#held >= HELD_REQUESTS_MAX || this.#heldBytes >= HELD_BYTES_MAX || this.#waiting.length > 0;
  }

  /** Requests taken in and not answered. */
  get held(): number {
    return this.#held;
  }

  /** Bytes that they move. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes a request (not DISC) over; it is answered once. */
  take(request: NbdRequest, draining: boolean): void {
    const refusal: [ErrorCode, string] | null = draining
      ? ['DRAINING', 'this host is draining']
      : this.#refusal(request);
    if (refusal !== null) {
      this.#answerError(request, ...refusal);
      return;
    }
    switch (request.command) {
      case COMMANDS.READ:
        this.#serve(request, OPS.READ);
        return;
      case COMMANDS.WRITE:
        this.#serve(request, OPS.WRITE);
        return;
      case COMMANDS.FLUSH:
        this.#serve(request, OPS.FLUSH);
        return;
      case COMMANDS.TRIM:
        this.#serve(request, OPS.TRIM);
        return;
      case COMMANDS.WRITE_ZEROES:
        this.#serve(request, OPS.WRITE_ZEROES);
        return;
      case COMMANDS.BLOCK_STATUS:
        // Devices do not tell what they have allocated: all of it may hold data.
        this.#write(
          replies.encodeBlockStatus(request, ALLOCATION_ID, [{ lengthBytes: request.lengthBytes, flags: 0 }]),
        );
        return;
      default:
        // CACHE is advice, and there is nothing that it could warm.
        this.#answerOk(request);
    }
  }

  /** Takes back what is queued: answered ESHUTDOWN. */
  cancelQueued(): void {
    for (const waiting of this.#waiting.splice(0)) giveUp(waiting);
    const pieces: PendingIo[] = [];
    for (let guest = this.#newest; guest !== null; guest = guest.previous) pieces.push(...guest.pieces);
    // Those that wait behind others first: none of them has its turn in between.
    for (const piece of pieces) this.#parts.export.device.cancel(piece);
  }

  /** The client is gone: what is queued is taken back, what is at the device ends unheard. */
  end(): void {
    this.#gone = true;
    this.#retry?.cancel();
    this.#retry = null;
    this.cancelQueued();
  }

  finished(guest: GuestRequest): void {
    this.#leave(guest);
    const { request, code } = guest;
    if (code !== 'OK') this.#answerError(request, code, guest.message);
    else if (request.command === COMMANDS.READ) this.#answerRead(guest);
    else this.#answerOk(request);
    this.#giveBack(guest);
    this.#parts.answered();
  }

  queueFull(piece: PendingIo, guest: GuestRequest): void {
    const nowNs = this.#parts.clock.nowNs();
    if (this.#waiting.length === 0) this.#waitingSinceNs = nowNs;
    const most = this.#parts.export.device.record.settings.maxQueuedBytes;
    // A piece that fits no empty queue would wait for ever.
    if (this.#gone || piece.lengthBytes > most || nowNs - this.#waitingSinceNs > RETRY_FOR_NS) {
      guest.settle(piece);
      return;
    }
    this.#waiting.push({ piece, guest });
    this.#retry ??= this.#parts.clock.after(RETRY_NS, this.#tryAgain);
  }

  readonly #tryAgain = (): void => {
    this.#retry = null;
    const waiting = this.#waiting;
    const sinceNs = this.#waitingSinceNs;
    this.#waiting = [];
    for (const [i, { piece, guest }] of waiting.entries()) {
      const { op, offset, lengthBytes, data, fua, id } = piece;
      this.#submit(
        new PendingIo(op, offset, lengthBytes, op === OPS.WRITE ? data : guest.place, fua, 0, id, 0, guest),
        guest,
      );
      if (this.#waiting.length === 0) continue;
      // Still full: those behind keep their order; whoever got in has shown that the queue moves.
      this.#waiting.push(...waiting.slice(i + 1));
      if (i === 0) this.#waitingSinceNs = sinceNs;
      return;
    }
    this.#parts.answered();
  };

  #serve(request: NbdRequest, op: Op): void {
    const { lengthBytes, payload, command } = request;
    const moves = command === COMMANDS.READ || command === COMMANDS.WRITE;
    const fua = (request.flags & COMMAND_FLAGS.FUA) !== 0;
    const piece = moves ? Math.min(this.#parts.pieceBytes, lengthBytes) : lengthBytes;
    const pieces = moves ? Math.ceil(lengthBytes / piece) : 1;
    const place = command === COMMANDS.READ ? this.#parts.places.take(lengthBytes) : null;
    const guest = new GuestRequest(request, pieces, moves ? lengthBytes : 0, place, this);
    this.#join(guest);
    for (let i = 0; i < pieces; i++) {
      const from = i * piece;
      const length = Math.min(piece, lengthBytes - from);
      const data = command === COMMANDS.WRITE ? payload![i]! : guest.place;
      const io = new PendingIo(op, op === OPS.FLUSH ? 0 : request.offset + from, length, data, fua, 0, i, 0, guest);
      if (this.#waiting.length > 0) this.#waiting.push({ piece: io, guest });
      else this.#submit(io, guest);
    }
  }

  #submit(piece: PendingIo, guest: GuestRequest): void {
    const { device, tag } = this.#parts.export;
    guest.pieces[piece.id] = piece;
    device.submit(piece, tag);
  }

  /** The place of a read that timed out is the device's: it may write into it still. */
  #giveBack({ place, pieces }: GuestRequest): void {
    if (place !== null && pieces.every(({ abandoned }) => !abandoned)) this.#parts.places.give(place);
  }

  #join(guest: GuestRequest): void {
    guest.previous = this.#newest;
    if (this.#newest !== null) this.#newest.next = guest;
    this.#newest = guest;
    this.#held += 1;
    this.#heldBytes += guest.heldBytes;
  }

  #leave(guest: GuestRequest): void {
    const { previous, next } = guest;
    if (next === null) this.#newest = previous;
    else next.previous = previous;
    if (previous !== null) previous.next = next;
    guest.previous = null;
    guest.next = null;
    this.#held -= 1;
    this.#heldBytes -= guest.heldBytes;
  }

  /** What is wrong with the request before the device is asked. */
  #refusal(request: NbdRequest): [ErrorCode, string] | null {
    const { command, flags, lengthBytes, offset } = request;
    const allowed = ALLOWED_FLAGS[command];
    if (allowed === undefined) return ['INVALID_ARGUMENT', `command ${String(command)} is not served`];
    if ((flags & ~allowed) !== 0) {
      return [
        'INVALID_ARGUMENT',
        `flags of command ${String(command)} must be within ${String(allowed)}, got ${String(flags)}`,
      ];
    }
    if (command === COMMANDS.FLUSH) {
      if (lengthBytes === 0 && offset === 0) return null;
      return [
        'INVALID_ARGUMENT',
        `offset and length of a flush must be 0, got ${String(offset)} and ${String(lengthBytes)}`,
      ];
    }
    const { blockStatus, structured, export: target } = this.#parts;
    if (command === COMMANDS.BLOCK_STATUS && !blockStatus) {
      return ['INVALID_ARGUMENT', 'base:allocation has not been agreed on'];
    }
    if ((flags & COMMAND_FLAGS.DF) !== 0 && !structured) {
      return ['INVALID_ARGUMENT', 'flag DF needs structured replies'];
    }
    if ((command === COMMANDS.READ || command === COMMANDS.WRITE) && lengthBytes > PAYLOAD_BYTES_MAX) {
      return ['TOO_LARGE', `length must be at most ${String(PAYLOAD_BYTES_MAX)}, got ${String(lengthBytes)}`];
    }
    return checkRange(request, target);
  }

  #answerRead(guest: GuestRequest): void {
    if (this.#gone) return;
    const { request, pieces } = guest;
    const { structured, out } = this.#parts;
    const at = out.room(structured ? replies.DATA_HEAD_BYTES : replies.SIMPLE_REPLY_BYTES);
    if (structured) replies.putDataHead(out.buffer, at, request, request.offset, request.lengthBytes);
    else replies.putSimpleReply(out.buffer, at, request, 0);
    for (const { data } of pieces) out.write(data!);
  }

  #answerOk(request: NbdRequest): void {
    if (this.#gone) return;
    const { structured, out } = this.#parts;
    const at = out.room(structured ? replies.DONE_BYTES : replies.SIMPLE_REPLY_BYTES);
    if (structured) replies.putDone(out.buffer, at, request);
    else replies.putSimpleReply(out.buffer, at, request, 0);
  }

  #answerError(request: NbdRequest, code: ErrorCode, message: string): void {
    const errno = TO_NBD[code];
    this.#write(
      this.#parts.structured ? replies.encodeError(request, errno, message) : replies.encodeSimpleReply(request, errno),
    );
  }

  #write(bytes: Uint8Array): void {
    if (!this.#gone) this.#parts.out.write(bytes);
  }
}

function giveUp({ piece, guest }: Waiting): void {
  piece.state = 'completed';
  piece.code = 'DRAINING';
  piece.message = 'this host is draining';
  guest.settle(piece);
}

/** Alignment first, as in admission. Writing past the end is ENOSPC by the specification, all else EINVAL. */
function checkRange(request: NbdRequest, target: Export): [ErrorCode, string] | null {
  const { command, offset, lengthBytes } = request;
  const { blockBytes, sizeBytes } = target;
  if (lengthBytes === 0 || lengthBytes % blockBytes !== 0 || offset % blockBytes !== 0) {
    const allowed = `offset and length must be multiples of ${String(blockBytes)} and length above 0`;
    return ['INVALID_ARGUMENT', `${allowed}, got ${String(lengthBytes)} at ${String(offset)}`];
  }
  if (offset + lengthBytes <= sizeBytes) return null;
  const writing = command === COMMANDS.WRITE || command === COMMANDS.WRITE_ZEROES;
  return [
    writing ? 'NO_SPACE' : 'OUT_OF_RANGE',
    `offset + length must be at most ${String(sizeBytes)}, got ${String(offset)} + ${String(lengthBytes)}`,
  ];
}
