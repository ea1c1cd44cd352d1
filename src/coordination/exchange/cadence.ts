/**
 * When the next call is made. One is in flight at a time: what happens meanwhile goes with the next,
 * so that calls grow with load and not in number.
 *
 *   soon   somebody waits for what the call brings: with the next turn of the event loop, or when
 *          the call in flight comes back
 *   later  nobody does: with whatever comes first, at the latest after the report time
 *
 * After a call without an answer the next one waits, twice as long each time.
 */
import { NS_PER_MS } from '../../core/model/units.js';
import type { Clock, Timer } from '../../core/ports.js';

const RETRY_FIRST_NS = 5 * NS_PER_MS;

export class Cadence {
  readonly #clock: Clock;
  readonly #call: () => void;
  readonly #reportNs: number;
  readonly #retryMaxNs: number;
  #timer: Timer | null = null;
  /** When the timer is due, on the clock. */
  #dueNs = 0;
  #closed = false;
  #soon = false;
  #later = false;
  #inFlight = false;
  #notBeforeNs = -Infinity;
  #retryNs = RETRY_FIRST_NS;
  /** The last call was made then. */
  sentNs = -Infinity;

  /** @param call makes the call; never from within soon or later, but possibly from within answered */
  constructor(clock: Clock, reportNs: number, retryMaxNs: number, call: () => void) {
    this.#clock = clock;
    this.#reportNs = reportNs;
    this.#retryMaxNs = retryMaxNs;
    this.#call = call;
  }

  get inFlight(): boolean {
    return this.#inFlight;
  }

  soon(): void {
    if (this.#inFlight) {
      this.#soon = true;
      return;
    }
    this.#by(0);
  }

  later(): void {
    if (this.#inFlight) this.#later = true;
    else this.#by(this.#reportNs);
  }

  /** One in this time at the latest, whatever happens here. */
  again(ns: number): void {
    if (!this.#inFlight) this.#by(ns);
  }

  /** The call came back: makes the next one at once where somebody waits for it. */
  answered(): void {
    this.#inFlight = false;
    this.#retryNs = RETRY_FIRST_NS;
    this.#notBeforeNs = -Infinity;
    if (this.#soon) this.#fire();
    else if (this.#later) this.later();
  }

  /** Whether it was taken in is not known: another one comes by itself. */
  unanswered(): void {
    this.#inFlight = false;
    this.#notBeforeNs = this.#clock.nowNs() + this.#retryNs;
    this.#retryNs = Math.min(this.#retryNs * 2, this.#retryMaxNs);
    this.soon();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Sees to it that a call is made within this time, or when the wait after an unanswered one is over. */
  #by(ns: number): void {
    if (this.#closed) return;
    // A timer of this instant stands already: no need to look at the clock, once for each request.
    if (this.#timer !== null && this.#dueNs === 0) return;
    const nowNs = this.#clock.nowNs();
    const dueNs = Math.max(nowNs + ns, this.#notBeforeNs);
    if (this.#timer !== null && this.#dueNs <= dueNs) return;
    this.#timer?.cancel();
    this.#dueNs = dueNs === nowNs ? 0 : dueNs;
    this.#timer = this.#clock.after(dueNs - nowNs, this.#fire);
  }

  readonly #fire = (): void => {
    this.#timer?.cancel();
    this.#timer = null;
    this.#soon = false;
    this.#later = false;
    this.#inFlight = true;
    this.sentNs = this.#clock.nowNs();
    this.#call();
  };
}
