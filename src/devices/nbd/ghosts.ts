/**
 * Changes that were out on a connection when it was lost. The server may have read them and execute
 * them later still, on a thread that outlives the connection: until their time is over nothing that
 * was to come after them may be sent to the same place, or it would be overwritten by what is older.
 * Their time begins when the server is next seen alive: one that stood still has executed nothing.
 */
import { overlap, type Job } from './job.js';

interface Ghost {
  readonly job: Job;
  /** Infinity until a server has been seen. */
  untilNs: number;
}

export class Ghosts {
  #ghosts: Ghost[] = [];

  add(job: Job): void {
    this.#ghosts.push({ job, untilNs: Infinity });
  }

  /** A server has answered: those of lost connections end at the time. */
  seen(untilNs: number): void {
    for (const ghost of this.#ghosts) ghost.untilNs = Math.min(ghost.untilNs, untilNs);
  }

  /** When the first of them is over; null where there are none. */
  nextNs(): number | null {
    return this.#ghosts.length === 0 ? null : Math.min(...this.#ghosts.map(({ untilNs }) => untilNs));
  }

  prune(nowNs: number): void {
    this.#ghosts = this.#ghosts.filter(({ untilNs }) => untilNs > nowNs);
  }

  /** The same change sent again does no harm, whichever comes last: it is the same data. */
  hold(job: Job): boolean {
    return this.#ghosts.some((ghost) => ghost.job !== job && ghost.job.order < job.order && overlap(ghost.job, job));
  }
}
