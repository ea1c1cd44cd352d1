/**
 * What is kept of a session beyond its stream, so that a client that comes back with the same session
 * id learns what became of its writes: the outcomes of the last ones, and those still at a device.
 *
 * Only writes (and TRIM, WRITE_ZEROES): a READ or FLUSH is done again at no harm. How many: a client
 * is told of new credit after the replies that it came back with, in the same order, so replies that
 * it has not seen are among the last `window` of each handle.
 */
import type { ErrorCode, Code } from '../../core/model/errors.js';
import { NS_PER_MS } from '../../core/model/units.js';
import type { PendingIo } from '../../core/pending-io.js';
import type { Clock, Timer } from '../../core/ports.js';
import type { StreamHandle } from './handle.js';

/** Outcomes kept a session, at most. */
const OUTCOMES_MAX = 65_536;
/** How long a session is known after its stream ended. */
const KEPT_MS = 120_000;
/** Sessions without a stream that are kept; the one longest without is forgotten first. */
const SESSIONS_MAX = 4_096;

export interface Outcome {
  readonly code: Code;
  readonly message: string;
}

const OK: Outcome = { code: 'OK', message: '' };

/** Not the request itself: that would keep its data. */
function outcomeOf(io: PendingIo): Outcome {
  return io.code === 'OK' ? OK : { code: io.code, message: io.message };
}

/** Codes of requests that never reached the device: a resend may be executed. */
const NOT_EXECUTED: ReadonlySet<Code> = new Set<ErrorCode>([
  'INVALID_ARGUMENT',
  'UNSUPPORTED',
  'NOT_FOUND',
  'PERMISSION_DENIED',
  'OUT_OF_RANGE',
  'READ_ONLY',
  'QUEUE_FULL',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
  'DRAINING',
]);

interface Adoption {
  readonly handle: StreamHandle;
  readonly attempt: number;
}

/** A session's memory; it outlives its streams. */
export class SessionRecord {
  readonly id: string;
  /** Ends the stream that has the session now; null where none has. */
  endStream: (() => void) | null = null;
  expiry: Timer | null = null;
  /** A ring of the last outcomes: the newest at `#next` - 1. */
  #ids: number[] = [];
  #outcomes: Outcome[] = [];
  #next = 0;
  #capacity = 0;
  /** The ring by id, made when a client first asks. */
  #recallable: Map<number, Outcome> | null = null;
  /** Writes at a device whose stream has ended. */
  readonly #orphans = new Map<number, PendingIo>();
  readonly #adopted = new Map<number, Adoption>();
  /** Leases that the client holds while it has no stream. */
  readonly #leases = new Map<number, PendingIo>();
  /** Of the stream that has the session now: told of leases that began on one before. */
  leaseEnded: ((io: PendingIo) => void) | null = null;

  constructor(id: string) {
    this.id = id;
  }

  /** A handle with this window was opened. */
  grow(requests: number): void {
    const capacity = Math.min(OUTCOMES_MAX, this.#capacity + requests);
    if (capacity === this.#capacity) return;
    this.#capacity = capacity;
    // Oldest first again, so that the ring goes on at its end.
    this.#ids = [...this.#ids.slice(this.#next), ...this.#ids.slice(0, this.#next)];
    this.#outcomes = [...this.#outcomes.slice(this.#next), ...this.#outcomes.slice(0, this.#next)];
    this.#next = this.#ids.length;
  }

  /** A write was answered. */
  remember(io: PendingIo): void {
    if (io.code !== 'OK' && NOT_EXECUTED.has(io.code)) return;
    if (this.#next === this.#capacity) this.#next = 0;
    this.#ids[this.#next] = io.id;
    this.#outcomes[this.#next] = outcomeOf(io);
    this.#next += 1;
  }

  /** What became of a write that a client sends again. Kept: that this reply arrives is not sure either. */
  recall(id: number): Outcome | undefined {
    if (this.#recallable === null) {
      this.#recallable = new Map();
      for (const [index, known] of this.#ids.entries()) this.#recallable.set(known, this.#outcomes[index]!);
    }
    return this.#recallable.get(id);
  }

  /** Its stream has ended while it was at the device. */
  orphan(io: PendingIo): void {
    this.#orphans.set(io.id, io);
    this.#adopted.delete(io.id);
  }

  /** The write with this id that is still at the device: its answer now goes to `handle`. */
  adopt(id: number, handle: StreamHandle, attempt: number): PendingIo | undefined {
    const io = this.#orphans.get(id);
    if (io !== undefined) this.#adopted.set(id, { handle, attempt });
    return io;
  }

  /** Its stream has ended while its client worked. */
  keepLease(io: PendingIo): void {
    this.#leases.set(io.id, io);
  }

  /** The leases that a new stream takes over. */
  takeLeases(): PendingIo[] {
    const leases = [...this.#leases.values()];
    this.#leases.clear();
    return leases;
  }

  /** A request whose stream has ended was answered. */
  orphanDone(io: PendingIo): void {
    if (io.lease !== null) {
      this.remember(io);
      if (this.#leases.get(io.id) === io) this.#leases.delete(io.id);
      else this.leaseEnded?.(io);
      return;
    }
    if (this.#orphans.get(io.id) !== io) return;
    this.#orphans.delete(io.id);
    const adoption = this.#adopted.get(io.id);
    this.#adopted.delete(io.id);
    this.remember(io);
    // Its client may ask for it only now.
    this.#recallable?.set(io.id, outcomeOf(io));
    adoption?.handle.owner.adoptedDone(io, adoption.handle, adoption.attempt);
  }

  /** A new stream: what its client asks for is what stands in the ring now. */
  restart(): void {
    this.#recallable = null;
  }
}

export class SessionMemory {
  readonly #clock: Clock;
  readonly #sessions = new Map<string, SessionRecord>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The session for a stream that has just begun; a stream that had it is ended first. */
  attach(id: string, endStream: () => void): { record: SessionRecord; resumed: boolean } {
    let record = this.#sessions.get(id);
    const resumed = record !== undefined;
    record?.endStream?.();
    record ??= new SessionRecord(id);
    record.expiry?.cancel();
    record.expiry = null;
    record.endStream = endStream;
    record.restart();
    this.#sessions.set(id, record);
    return { record, resumed };
  }

  /** Its stream has ended. */
  detach(record: SessionRecord): void {
    record.endStream = null;
    this.#sessions.delete(record.id);
    this.#sessions.set(record.id, record);
    record.expiry = this.#clock.after(KEPT_MS * NS_PER_MS, () => this.#sessions.delete(record.id));
    if (this.#sessions.size > SESSIONS_MAX) this.#forgetOldest();
  }

  close(): void {
    for (const record of this.#sessions.values()) record.expiry?.cancel();
    this.#sessions.clear();
  }

  #forgetOldest(): void {
    for (const record of this.#sessions.values()) {
      if (record.endStream !== null) continue;
      record.expiry?.cancel();
      this.#sessions.delete(record.id);
      return;
    }
  }
}
