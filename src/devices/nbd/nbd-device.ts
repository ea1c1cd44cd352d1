/**
 * An export of another NBD server as a device.
 *
 *              lost                 reached                 all repeated
 *   serving ─────────▶ away ──────────────────▶ restoring ────────────────▶ serving
 *      ▲                │ ▲ not reached             │ lost: away; refused: wrong
 *      └────────────────┘ │                         ▼
 *        nothing to       └──── not reached ────  wrong   (what answers is not the device that was opened)
 *        repeat
 *
 * While it is away requests wait; who waits too long is answered by the dispatcher (io_timeout_ms) and
 * taken back (abandon). While it is wrong they are refused.
 *
 * Invariants, which make sending again safe:
 * - Of two changes that overlap the later is not sent before the earlier is answered. So nothing that was
 *   out when a connection was lost has an order to it, and all of it may be sent again in any order.
 * - Nor is it sent while a ghost of the earlier one may still be at the server (Ghosts).
 * - FLUSH answered OK means: all that was answered before it was sent is durable, whatever became of the
 *   server meanwhile. What was answered and not flushed is kept (Unflushed) and repeated, in order,
 *   before anything else is sent on a new connection: a server that died may have lost it.
 */
import type { Code } from '../../core/model/errors.js';
import { SluiceError } from '../../core/model/errors.js';
import { OPS, type DeviceDone, type DeviceIo } from '../../core/model/request.js';
import type { BlockDevice, Clock, Timer } from '../../core/ports.js';
import { TRANSMISSION_FLAGS } from '../../wire/nbd/protocol.js';
import { Dialer } from './dialer.js';
import { Ghosts } from './ghosts.js';
import { Job, overlap } from './job.js';
import { Link, type LinkOwner } from './link.js';
import type { Session } from './session.js';
import { Unflushed } from './unflushed.js';

/** `serving`, `away`, `restoring`, `wrong`: above. `closed`: no connection, none is made. */
type Phase = 'serving' | 'away' | 'restoring' | 'wrong' | 'closed';

/** Changes repeated at a time. */
const REPEATS_OUT_MAX = 32;

export interface NbdParts {
  readonly uri: string;
  readonly clock: Clock;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  /** How long a server is believed to work on what came over a connection that is gone. */
  readonly fenceNs: number;
  /** Longest wait between two tries to reach the server. */
  readonly reconnectNsMax: number;
  /**
   * Connections to the same export as before, at least one.
   * @throws SluiceError INVALID_ARGUMENT, NOT_FOUND, UNSUPPORTED: what answers is another export; else nobody answers
   */
  readonly reach: (signal: AbortSignal) => Promise<Session[]>;
}

export class NbdDevice implements BlockDevice, LinkOwner {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly #parts: NbdParts;
  readonly #dialer: Dialer;
  #phase: Phase = 'away';
  /** Why it is away or wrong. */
  #trouble = '';
  #links: Link[] = [];
  /** Not sent: the server is away, or something that has to come first is out. In order of arrival. */
  #waiting: Job[] = [];
  /** Changes that are out. */
  readonly #changes = new Set<Job>();
  readonly #unflushed = new Unflushed();
  readonly #ghosts = new Ghosts();
  /** What is still to be repeated, in order. */
  #repeats: Job[] = [];
  /** The device's own flush is out. */
  #flushing = false;
  #ghostTimer: Timer | null = null;
  #order = 0;
  #outstanding = 0;
  #closed: (() => void) | null = null;

  /** @param sessions connections that stand */
  constructor(parts: NbdParts, sessions: Session[]) {
    this.sizeBytes = parts.sizeBytes;
    this.blockBytes = parts.blockBytes;
    this.readOnly = parts.readOnly;
    this.#parts = parts;
    this.#dialer = new Dialer(parts.clock, parts.reconnectNsMax, (signal) => this.#reach(signal));
    this.#reached(sessions);
  }

  get trouble(): string {
    return this.#trouble;
  }

  submit(io: DeviceIo, done: DeviceDone): void {
    const { op, offset, lengthBytes, fua, data } = io;
    const job = new Job(op, offset, lengthBytes, fua, op === OPS.WRITE ? data : null, this.#order++, io, done);
    this.#outstanding += 1;
    if (job.changes && this.readOnly) this.#endSoon(job, 'READ_ONLY', 'the export is read-only');
    else if (this.#phase === 'wrong') this.#endSoon(job, 'DEVICE_IO', this.#trouble);
    else this.#sendOrWait(job);
  }

  /** The request has been answered to its caller: it need not be served any more. */
  abandon(io: DeviceIo): void {
    const at = this.#waiting.findIndex((job) => job.io === io);
    if (at >= 0) {
      const [job] = this.#waiting.splice(at, 1);
      this.#end(job!, 'DEVICE_IO', 'given up while it waited for the NBD server');
      return;
    }
    for (const link of this.#links) {
      for (const job of link.jobs) {
        if (job.io !== io) continue;
        job.abandoned = true;
        // A connection that does not answer is not waited for: a new one may, and what hung is fenced.
        this.#loseAll('a request was not answered within io_timeout_ms');
        return;
      }
    }
  }

  async close(): Promise<void> {
    if (this.#outstanding > 0) await new Promise<void>((resolve) => (this.#closed = resolve));
    this.#phase = 'closed';
    this.#dialer.close();
    this.#ghostTimer?.cancel();
    for (const link of this.#links.splice(0)) link.end();
  }

  /** Called by a link. */
  lost(_link: Link, why: string): void {
    this.#loseAll(why);
  }

  /** Called by a link. */
  answered(link: Link, job: Job): void {
    if (job.op === OPS.READ) this.#end(job, job.code, job.message);
    else if (job.op === OPS.FLUSH) this.#flushed(job);
    else if (job.io === null) this.#repeated(job);
    else this.#changed(link, job);
  }

  #sendOrWait(job: Job): void {
    if (this.#phase !== 'serving') this.#waiting.push(job);
    else if (job.changes) {
      if (this.#mustWait(job, this.#waiting)) this.#waiting.push(job);
      else this.#send(job);
    } else this.#send(job);
  }

  #send(job: Job): void {
    if (job.op === OPS.TRIM && !this.#can(TRANSMISSION_FLAGS.SEND_TRIM)) {
      this.#endSoon(job, 'UNSUPPORTED', 'the NBD server does not know TRIM');
      return;
    }
    if (job.op === OPS.FLUSH) {
      // Without FLUSH a server has no cache of its own to speak of, by the specification.
      if (!this.#can(TRANSMISSION_FLAGS.SEND_FLUSH)) {
        this.#endSoon(job, 'OK', '');
        return;
      }
      job.covers = this.#unflushed.end;
    }
    if (job.changes) this.#changes.add(job);
    let link = this.#links[0]!;
    for (const other of this.#links) if (other.jobs.size < link.jobs.size) link = other;
    link.send(job);
  }

  #can(flag: number): boolean {
    return this.#links[0]!.can(flag);
  }

  /** Whether something that has to come before the change is not over. @param ahead what waits before it */
  #mustWait(job: Job, ahead: readonly Job[]): boolean {
    if (this.#unflushed.full) {
      this.#flushOwn();
      return true;
    }
    for (const change of this.#changes) if (overlap(change, job)) return true;
    for (const other of ahead) if (other.changes && overlap(other, job)) return true;
    return this.#heldByGhost(job);
  }

  #heldByGhost(job: Job): boolean {
    if (!this.#ghosts.hold(job)) return false;
    this.#ghostTimer ??= this.#parts.clock.after(this.#ghosts.nextNs()! - this.#parts.clock.nowNs(), this.#ghostsOver);
    return true;
  }

  readonly #ghostsOver = (): void => {
    this.#ghostTimer = null;
    this.#ghosts.prune(this.#parts.clock.nowNs());
    if (this.#phase === 'restoring') this.#repeatMore();
    else this.#release();
  };

  /** Sends what need not wait any longer. */
  #release(): void {
    if (this.#phase !== 'serving' || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const job of waiting) this.#sendOrWait(job);
  }

  #changed(link: Link, job: Job): void {
    this.#changes.delete(job);
    const flushes = link.can(TRANSMISSION_FLAGS.SEND_FLUSH);
    if (job.code === 'OK' && flushes) {
      this.#unflushed.add(job);
      if (this.#unflushed.halfFull) this.#flushOwn();
    }
    if (job.code === 'OK' && flushes && job.fua && !link.can(TRANSMISSION_FLAGS.SEND_FUA)) {
      // Durable once a flush says so; should the connection be lost, the flush is sent again.
      this.#sendOrWait(new Job(OPS.FLUSH, 0, 0, false, null, job.order, job.io, job.done));
    } else this.#end(job, job.code, job.message);
    this.#release();
  }

  #flushOwn(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#send(new Job(OPS.FLUSH, 0, 0, false, null, this.#order++));
  }

  #flushed(job: Job): void {
    if (job.io === null) this.#flushing = false;
    if (job.code === 'OK') this.#unflushed.dropBefore(job.covers);
    if (job.io !== null) this.#end(job, job.code, job.message);
    // A kernel reports a failed flush once and forgets what it could not write: it is written again first.
    if (job.code !== 'OK') this.#loseAll(`a FLUSH failed: ${job.message}`);
    else this.#release();
  }

  #end(job: Job, code: Code, message: string): void {
    const { io, done } = job;
    this.#outstanding -= 1;
    io!.finishedNs = Math.max(io!.submittedNs, this.#parts.clock.nowNs());
    done!(io!, code, message);
    if (this.#outstanding === 0) this.#closed?.();
  }

  /** Not within submit: a long queue of such requests would nest as deep. */
  #endSoon(job: Job, code: Code, message: string): void {
    process.nextTick(() => this.#end(job, code, message));
  }

  /** All connections go when one does: whether the server has died cannot be told from one that was cut. */
  #loseAll(why: string): void {
    if (this.#phase !== 'serving' && this.#phase !== 'restoring') return;
    this.#phase = 'away';
    this.#trouble = `${this.#parts.uri}: ${why}`;
    const links = this.#links;
    this.#links = [];
    this.#changes.clear();
    this.#flushing = false;
    this.#repeats = [];
    const given: Job[] = [];
    for (const link of links) {
      link.cut();
      for (const job of link.jobs) {
        if (job.changes) this.#ghosts.add(job);
        if (job.io === null) continue;
        if (job.abandoned) given.push(job);
        else this.#waiting.push(job);
      }
    }
    this.#waiting.sort((a, b) => a.order - b.order);
    this.#dialer.dial();
    for (const job of given) this.#end(job, 'DEVICE_IO', 'the NBD server did not answer');
  }

  async #reach(signal: AbortSignal): Promise<void> {
    let sessions: Session[];
    try {
      sessions = await this.#parts.reach(signal);
    } catch (error) {
      const { code, message } = SluiceError.from(error);
      // DEVICE_IO: nobody there. Anything else: somebody is, and it is not what was opened.
      if (code === 'DEVICE_IO') this.#notReached(message);
      else this.#refuseAll(message);
      throw error;
    }
    this.#reached(sessions);
  }

  #notReached(message: string): void {
    if (this.#phase === 'wrong') this.#phase = 'away';
    this.#trouble = message;
  }

  /** What answers cannot serve what was asked: better an error than other data. */
  #refuseAll(message: string): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'wrong';
    this.#trouble = message;
    for (const job of this.#waiting.splice(0)) this.#end(job, 'DEVICE_IO', message);
  }

  #reached(sessions: Session[]): void {
    this.#links = sessions.map((session) => new Link(session, this.blockBytes, this));
    if (this.#phase === 'closed') {
      for (const link of this.#links.splice(0)) link.end();
      return;
    }
    this.#ghosts.seen(this.#parts.clock.nowNs() + this.#parts.fenceNs);
    this.#repeats = this.#unflushed.all();
    this.#phase = 'restoring';
    this.#repeatMore();
  }

  /** In order; one that has to wait holds up those behind it. */
  #repeatMore(): void {
    while (this.#repeats.length > 0 && this.#changes.size < REPEATS_OUT_MAX) {
      const next = this.#repeats[0]!;
      if ([...this.#changes].some((change) => overlap(change, next)) || this.#heldByGhost(next)) return;
      this.#repeats.shift();
      this.#send(next);
    }
    if (this.#repeats.length > 0 || this.#changes.size > 0) return;
    this.#phase = 'serving';
    this.#trouble = '';
    this.#release();
  }

  #repeated(job: Job): void {
    this.#changes.delete(job);
    if (job.code === 'OK') {
      this.#repeatMore();
      return;
    }
    const message = `what was answered before the connection was lost cannot be written again: ${job.message}`;
    this.#loseAll(message);
    this.#refuseAll(`${this.#parts.uri}: ${message}`);
  }
}
