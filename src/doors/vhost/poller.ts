/**
 * Looks after the rings that are at work. A ring joins when its guest kicks or an answer is due, is
 * looked at in every turn of the event loop while something comes or goes, and leaves, asking for the
 * next kick, once nothing has for a bounded time. So an idle guest costs nothing, and a busy one spares
 * itself the kick, which is dear for a guest, and us the wake-up.
 */
import type { Clock } from '../../core/ports.js';
import type { Ring } from './ring.js';

export class Poller {
  readonly #clock: Clock;
  readonly #pollNs: number;
  readonly #rings = new Set<Ring>();
  #immediate: NodeJS.Immediate | null = null;

  /** @param pollNs how long a ring is looked at after something last came or went; 0 = not at all */
  constructor(clock: Clock, pollNs: number) {
    this.#clock = clock;
    this.#pollNs = pollNs;
  }

  /** The guest has kicked: there is something to take. */
  kicked(ring: Ring): void {
    this.#join(ring);
    if (ring.serve() > 0) ring.lastWorkNs = this.#clock.nowNs();
  }

  /** Something has been answered: it is shown with all else that this turn of the event loop answers. */
  answered(ring: Ring): void {
    this.#join(ring);
  }

  /** The ring has ended. */
  forget(ring: Ring): void {
    this.#rings.delete(ring);
  }

  #join(ring: Ring): void {
    if (!this.#rings.has(ring)) {
      this.#rings.add(ring);
      ring.awake();
    }
    this.#immediate ??= setImmediate(this.#look);
  }

  readonly #look = (): void => {
    this.#immediate = null;
    const nowNs = this.#clock.nowNs();
    for (const ring of this.#rings) {
      const shown = ring.flush();
      const taken = ring.serve();
      if (shown || taken > 0) ring.lastWorkNs = nowNs;
      else if (nowNs - ring.lastWorkNs >= this.#pollNs && ring.sleep()) this.#rings.delete(ring);
    }
    if (this.#rings.size > 0) this.#immediate = setImmediate(this.#look);
  };
}
