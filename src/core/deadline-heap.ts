/** Queued requests by deadline: a binary heap that each request knows its place in, so that leaving is O(log n). */
import type { PendingIo } from './pending-io.js';

export class DeadlineHeap {
  readonly #heap: PendingIo[] = [];

  get first(): PendingIo | undefined {
    return this.#heap[0];
  }

  /** io.deadlineNs is set and does not change until it is removed. */
  add(io: PendingIo): void {
    this.#heap.push(io);
    this.#up(io, this.#heap.length - 1);
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
