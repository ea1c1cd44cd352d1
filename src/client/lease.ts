/** The I/O of one request, done by the caller itself, when the host says so and for as long as it says. */
import { SluiceError, type ErrorCode } from '../core/model/errors.js';
import { NS_PER_MS } from '../core/model/units.js';
import { replyError, resultOf, type IoResult } from './io.js';
import type { IoReply, ReplySink } from './request.js';
import type { Clock, Timer } from './world.js';

/** Renewals in the time of a lease: one may be lost on its way, or late. */
const RENEWALS = 3;

/** What a lease asks of the session. */
export interface LeaseSession {
  readonly clock: Clock;
  leaseDone(id: number, code: ErrorCode | 'OK', message: string): void;
  leaseRenew(id: number): void;
}

/** Held from its grant until `done`, or until it is lost. Renewed by itself meanwhile. */
export class Lease {
  /** Aborted when the lease is lost (not renewed in time, the host gone): the I/O has to stop, others may have their turn. */
  readonly signal: AbortSignal;
  readonly #waiter: LeaseWaiter;

  /** Made by Handle.lease. */
  constructor(waiter: LeaseWaiter, signal: AbortSignal) {
    this.#waiter = waiter;
    this.signal = signal;
  }

  /**
   * The I/O is over: gives the slot back and says how it went, which is what usage counts.
   * @throws (rejects) SluiceError OUTCOME_UNKNOWN or NOT_FOUND where the lease was lost before
   */
  async done(outcome: 'OK' | ErrorCode = 'OK', message = ''): Promise<IoResult> {
    const reply = await this.#waiter.done(outcome, message);
    // What the caller itself has said failed is no failure of saying so.
    const error = replyError(reply);
    if (error !== null && (outcome === 'OK' || error.code !== outcome)) throw error;
    return resultOf(reply);
  }
}

/** One request on its way to a lease and back. */
export class LeaseWaiter implements ReplySink {
  /** Of the request; set once it is issued. */
  id = 0;
  /** Resolves when it has been granted or answered. */
  readonly settled: Promise<void>;
  readonly #session: LeaseSession;
  readonly #resolve: (lease: Lease) => void;
  readonly #reject: (error: SluiceError) => void;
  readonly #lost = new AbortController();
  readonly #answered: Promise<IoReply>;
  #answer!: (reply: IoReply) => void;
  #settle!: () => void;
  #granted = false;
  #done = false;
  #timer: Timer | null = null;

  constructor(session: LeaseSession, resolve: (lease: Lease) => void, reject: (error: SluiceError) => void) {
    this.#session = session;
    this.#resolve = resolve;
    this.#reject = reject;
    this.settled = new Promise((settle) => (this.#settle = settle));
    this.#answered = new Promise((answer) => (this.#answer = answer));
  }

  granted(_token: number, leaseMs: number): void {
    this.#renewIn((leaseMs * NS_PER_MS) / RENEWALS);
    if (this.#granted) return;
    this.#settle();
    this.#granted = true;
    this.#resolve(new Lease(this, this.#lost.signal));
  }

  replied(_token: number, reply: IoReply): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#answer(reply);
    this.#settle();
    if (!this.#granted) {
      const plain = new SluiceError('INTERNAL', 'the host answered without a lease');
      this.#reject(replyError(reply) ?? plain);
    } else if (!this.#done) this.#lost.abort(replyError(reply));
  }

  done(outcome: 'OK' | ErrorCode, message: string): Promise<IoReply> {
    if (!this.#done) {
      this.#done = true;
      this.#timer?.cancel();
      this.#timer = null;
      this.#session.leaseDone(this.id, outcome, message);
    }
    return this.#answered;
  }

  #renewIn(ns: number): void {
    this.#timer?.cancel();
    this.#timer = this.#session.clock.after(ns, () => {
      this.#session.leaseRenew(this.id);
      this.#renewIn(ns);
    });
  }
}
