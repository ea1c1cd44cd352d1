/** Keeps trying to reach the server, with growing waits; one attempt at a time. */
import { NS_PER_MS } from '../../core/model/units.js';
import type { Clock, Timer } from '../../core/ports.js';

const WAIT_FIRST_NS = 50 * NS_PER_MS;

export class Dialer {
  readonly #clock: Clock;
  readonly #waitMaxNs: number;
  readonly #attempt: (signal: AbortSignal) => Promise<void>;
  readonly #abort = new AbortController();
  #waitNs = 0;
  #reachedNs = -Infinity;
  #timer: Timer | null = null;
  #dialling = false;
  #closed = false;

  /** @param attempt rejects where it came to nothing, and has noted why */
  constructor(clock: Clock, waitMaxNs: number, attempt: (signal: AbortSignal) => Promise<void>) {
    this.#clock = clock;
    this.#waitMaxNs = waitMaxNs;
    this.#attempt = attempt;
  }

  /** At once after a connection that stood for long; after one that did not, the wait grows on. */
  dial(): void {
    if (this.#closed || this.#dialling || this.#timer !== null) return;
    if (this.#clock.nowNs() - this.#reachedNs > this.#waitMaxNs) this.#waitNs = 0;
    const waitNs = this.#waitNs;
    this.#waitNs = Math.min(this.#waitMaxNs, Math.max(WAIT_FIRST_NS, 2 * waitNs));
    this.#timer = this.#clock.after(waitNs, () => {
      this.#timer = null;
      this.#dialling = true;
      this.#attempt(this.#abort.signal).then(
        () => {
          this.#dialling = false;
          this.#reachedNs = this.#clock.nowNs();
        },
        () => {
          this.#dialling = false;
          this.#reachedNs = this.#clock.nowNs();
          this.dial();
        },
      );
    });
  }

  close(): void {
    this.#closed = true;
    this.#abort.abort();
    this.#timer?.cancel();
    this.#timer = null;
  }
}
