/** Answers reads that the cache has served: at once, charged nothing, counted as hits. */
import type { Clock } from './ports.js';
import type { Flow } from './flow.js';
import type { PendingIo } from './pending-io.js';

export class CacheHits {
  readonly #clock: Clock;
  readonly #waiting: PendingIo[] = [];
  #answering = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The sink is told within the call, unless it is called from within another sink's: whoever asks for the
   * next when told of the last would else nest as deep as there are hits in a row.
   */
  answer(io: PendingIo, flow: Flow): void {
    const nowNs = this.#clock.nowNs();
    io.arrivedNs = nowNs;
    io.submittedNs = nowNs;
    io.finishedNs = nowNs;
    io.state = 'completed';
    flow.account.record(io.op, io.lengthBytes, 0, false, true, 0, 0, nowNs);
    this.#waiting.push(io);
    if (this.#answering) return;
    this.#answering = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        next.sink.completed(next);
      }
    } finally {
      this.#answering = false;
    }
  }
}
