/**
 * Requests at the device in the order they were sent. With one I/O timeout for all, the first is
 * the first to time out, so one timer serves and a request costs no timer of its own.
 */
import type { Clock, Timer } from './ports.js';
import type { PendingIo } from './pending-io.js';

export class IoTimeouts {
  readonly #clock: Clock;
  readonly #timedOut: (io: PendingIo, nowNs: number) => void;
  #timeoutNs: number;
  #first: PendingIo | null = null;
  #last: PendingIo | null = null;
  #timer: Timer | null = null;
  /** Requests at the device. */
  size = 0;

  /** @param timedOut told of each request that has been at the device for the timeout; it removes it */
  constructor(clock: Clock, timeoutNs: number, timedOut: (io: PendingIo, nowNs: number) => void) {
    this.#clock = clock;
    this.#timeoutNs = timeoutNs;
    this.#timedOut = timedOut;
  }

  /** io.submittedNs is set. */
  add(io: PendingIo): void {
    io.prev = this.#last;
    io.next = null;
    if (this.#last === null) this.#first = io;
    else this.#last.next = io;
    this.#last = io;
    this.size += 1;
    if (this.#timer === null) this.#arm();
  }

  /** Acts on what is outstanding, too. */
  setTimeoutNs(timeoutNs: number): void {
    this.#timeoutNs = timeoutNs;
    this.close();
    this.#arm();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** The timer stays for the first it was armed for, though that may be long gone: then it is armed anew. */
  #arm(): void {
    if (this.#first === null || this.#timer !== null) return;
    const dueNs = this.#first.submittedNs + this.#timeoutNs;
    this.#timer = this.#clock.after(Math.max(0, dueNs - this.#clock.nowNs()), this.#check);
  }

  readonly #check = (): void => {
    this.#timer = null;
    const nowNs = this.#clock.nowNs();
    for (let io = this.#first; io !== null && io.submittedNs + this.#timeoutNs <= nowNs; io = this.#first) {
      this.#timedOut(io, nowNs);
    }
    this.#arm();
  };

  /** Those at the device, the first sent first. */
  *all(): Iterable<PendingIo> {
    for (let io = this.#first; io !== null; io = io.next) yield io;
  }

  remove(io: PendingIo): void {
    if (io.prev === null) this.#first = io.next;
    else io.prev.next = io.next;
    if (io.next === null) this.#last = io.prev;
    else io.next.prev = io.prev;
    io.prev = null;
    io.next = null;
    this.size -= 1;
  }
}
