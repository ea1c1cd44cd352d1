/** A reply on its way out, with the credit that comes back once it has drained. */
import { CODES, type Code } from '../../core/model/errors.js';
import { OPS } from '../../core/model/request.js';
import { NS_PER_US } from '../../core/model/units.js';
import type { PendingIo } from '../../core/pending-io.js';
import type { IoReplyMessage } from '../../wire/server-frame.js';
import { EMPTY_BYTES } from '../../wire/protobuf.js';
import type { StreamHandle } from './handle.js';

const UINT32_MAX = 2 ** 32 - 1;

/** Whole microseconds, saturating. */
function toUs(ns: number): number {
  if (ns < NS_PER_US) return 0;
  const us = Math.floor(ns / NS_PER_US);
  return us < UINT32_MAX ? us : UINT32_MAX;
}

export class Reply implements IoReplyMessage {
  readonly id: number;
  readonly code: number;
  readonly message: string;
  readonly attempt: number;
  data: Uint8Array = EMPTY_BYTES;
  behindOwnUs = 0;
  limitUs = 0;
  shareUs = 0;
  slotsUs = 0;
  coordinationUs = 0;
  serviceUs = 0;
  cost = 0;
  /** Whose credit the request used; null where it named no open handle, or came by a call of its own. */
  readonly handle: StreamHandle | null;
  readonly creditBytes: number;

  constructor(
    id: number,
    attempt: number,
    code: Code,
    message: string,
    handle: StreamHandle | null,
    creditBytes: number,
  ) {
    this.id = id;
    this.attempt = attempt;
    this.code = CODES[code];
    this.message = message;
    this.handle = handle;
    this.creditBytes = creditBytes;
  }

  /** The reply to a request that a dispatcher has answered. */
  static of(io: PendingIo, attempt: number, handle: StreamHandle | null, creditBytes: number): Reply {
    const reply = new Reply(io.id, attempt, io.code, io.message, handle, creditBytes);
    if (io.op === OPS.READ && io.code === 'OK' && io.data !== null) reply.data = io.data;
    reply.behindOwnUs = toUs(io.behindOwnNs);
    reply.limitUs = toUs(io.limitNs);
    reply.shareUs = toUs(io.shareNs);
    reply.slotsUs = toUs(io.slotsNs);
    reply.coordinationUs = toUs(io.coordinationNs);
    reply.serviceUs = toUs(io.serviceNs);
    reply.cost = io.charged;
    return reply;
  }
}
