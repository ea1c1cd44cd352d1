/**
 * Requests at the device in the order they were sent. With one I/O timeout for all, the first is
 * the first to time out, so one timer serves and a request costs no timer of its own.
 */
import type { PendingIo } from './pending-io.js';

export class OutstandingList {
  first: PendingIo | null = null;
  #last: PendingIo | null = null;
  size = 0;

  add(io: PendingIo): void {
    io.prev = this.#last;
    io.next = null;
    if (this.#last === null) this.first = io;
    else this.#last.next = io;
    this.#last = io;
    this.size += 1;
  }

  remove(io: PendingIo): void {
    if (io.prev === null) this.first = io.next;
    else io.prev.next = io.next;
    if (io.next === null) this.#last = io.prev;
    else io.next.prev = io.prev;
    io.prev = null;
    io.next = null;
    this.size -= 1;
  }
}
