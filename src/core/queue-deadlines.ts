/**
 * Queued requests with a queue timeout, by deadline: a binary heap that each request knows its place
 * in, so that leaving is O(log n), and one timer, armed for the first.
 */
import type { Clock, Timer } from './ports.js';
import type { PendingIo } from './pending-io.js';

export class QueueDeadlines {
  readonly #clock: Clock;
  readonly #expired: (io: PendingIo) => void;
  readonly #heap: PendingIo[] = [];
  #timer: Timer | null = null;
  #armedNs = 0;

  /** @param expired told of each request whose deadline has passed; it removes it */
  constructor(clock: Clock, expired: (io: PendingIo) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** The request's time in queue is bounded from now on by its queueTimeoutNs. */
  add(io: PendingIo, nowNs: number): void {
    io.deadlineNs = nowNs + io.queueTimeoutNs;
    this.#heap.push(io);
    this.#up(io, this.#heap.length - 1);
    if (this.#timer !== null && this.#armedNs <= io.deadlineNs) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#arm(nowNs);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  readonly #expire = (): void => {
    this.#timer = null;
    const nowNs = this.#clock.nowNs();
    for (let io = this.#heap[0]; io !== undefined && io.deadlineNs <= nowNs; io = this.#heap[0]) this.#expired(io);
    this.#arm(nowNs);
  };

  #arm(nowNs: number): void {
    const first = this.#heap[0];
    // Armed already where an answer to an expired request brought one with a deadline of its own.
    if (first === undefined || this.#timer !== null) return;
    this.#armedNs = first.deadlineNs;
    this.#timer = this.#clock.after(first.deadlineNs - nowNs, this.#expire);
  }

  /** No effect on a request that is not in the heap. */
  remove(io: PendingIo): void {
    const index = io.deadlineIndex;
    if (index < 0) return;
    io.deadlineIndex = -1;
    const last = this.#heap.pop()!;
    if (last === io) return;
    this.#down(last, index);
    if (last.deadlineIndex === index) this.#up(last, index);
  }

  #up(io: PendingIo, from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above]!;
      if (parent.deadlineNs <= io.deadlineNs) break;
      heap[index] = parent;
      parent.deadlineIndex = index;
      index = above;
    }
    heap[index] = io;
    io.deadlineIndex = index;
  }

  #down(io: PendingIo, from: number): void {
    const heap = this.#heap;
    const size = heap.length;
    let index = from;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= size) break;
      if (below + 1 < size && heap[below + 1]!.deadlineNs < heap[below]!.deadlineNs) below += 1;
      const child = heap[below]!;
      if (child.deadlineNs >= io.deadlineNs) break;
      heap[index] = child;
      child.deadlineIndex = index;
      index = below;
    }
    heap[index] = io;
    io.deadlineIndex = index;
  }
}
