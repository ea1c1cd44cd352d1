/**
 * Flows with nothing waiting or outstanding, the longest idle first: a list through the flows themselves,
 * since a closed loop of one request joins and leaves it once a request, which costs a Set a new table every few times.
 */
import type { Flow } from './flow.js';

export class IdleFlows {
  #first: Flow | null = null;
  #last: Flow | null = null;
  size = 0;

  /** One that is in it already stays where it is. */
  add(flow: Flow): void {
    if (flow.idle) return;
    flow.idle = true;
    flow.idleBefore = this.#last;
    if (this.#last === null) this.#first = flow;
    else this.#last.idleAfter = flow;
    this.#last = flow;
    this.size += 1;
  }

  /** One that is not in it is left alone. */
  remove(flow: Flow): void {
    if (!flow.idle) return;
    const { idleBefore, idleAfter } = flow;
    if (idleBefore === null) this.#first = idleAfter;
    else idleBefore.idleAfter = idleAfter;
    if (idleAfter === null) this.#last = idleBefore;
    else idleAfter.idleBefore = idleBefore;
    flow.idle = false;
    flow.idleBefore = null;
    flow.idleAfter = null;
    this.size -= 1;
  }

  /** Takes out the longest idle; null where there is none. */
  takeOldest(): Flow | null {
    const oldest = this.#first;
    if (oldest !== null) this.remove(oldest);
    return oldest;
  }
}
