/**
 * A guest's dirty pages of its log: written back in long sequential writes once they are old or many; a
 * writer waits where they are too many.
 */
import type { Clock } from '../../core/ports.js';
import type { IoWaiter } from './hypervisor.js';
import { FILEBENCH, LOG, MACHINE } from './parameters.js';
import type { Thread } from './thread.js';

type Write = (offset: number, lengthBytes: number, waiter: IoWaiter, token: number) => void;

export class Writeback implements IoWaiter {
  readonly #clock: Clock;
  readonly #write: Write;
  /** What became dirty between two looks, oldest first. */
  readonly #young: { sinceNs: number; bytes: number }[] = [];
  #youngBytes = 0;
  /** To be written now, and on its way. */
  #dueBytes = 0;
  #outBytes = 0;
  #out = 0;
  #cursor = 0;
  readonly #waiting: Thread[] = [];
  /** When it looks next at what is old. */
  lookNs = 0;
  readonly #look = (): void => {
    this.#age();
    this.#lookAgain();
  };

  constructor(clock: Clock, write: Write) {
    this.#clock = clock;
    this.#write = write;
    this.#lookAgain();
  }

  /** Whether so much can be appended now without a wait. */
  hasRoom(lengthBytes: number): boolean {
    return this.#dirtyBytes + lengthBytes <= MACHINE.dirtyBytesMax;
  }

  /** The thread has appended to memory, at nowNs; its operation ends then, or when enough has been written back. */
  appended(thread: Thread, nowNs: number): void {
    const { lengthBytes } = thread.operation;
    const open = this.#young.at(-1);
    if (open !== undefined && nowNs - open.sinceNs < MACHINE.writebackEveryNs) open.bytes += lengthBytes;
    else this.#young.push({ sinceNs: nowNs, bytes: lengthBytes });
    this.#youngBytes += lengthBytes;
    if (this.#dirtyBytes <= MACHINE.dirtyBytesMax) {
      thread.endedAt(nowNs);
      return;
    }
    this.#waiting.push(thread);
    this.#age();
  }

  ioDone(lengthBytes: number): void {
    this.#out--;
    this.#outBytes -= lengthBytes;
    this.#pump();
    while (this.#waiting.length > 0 && this.#dirtyBytes <= MACHINE.dirtyBytesMax) this.#waiting.shift()!.ended();
  }

  #lookAgain(): void {
    this.lookNs = this.#clock.nowNs() + MACHINE.writebackEveryNs;
    this.#clock.after(MACHINE.writebackEveryNs, this.#look);
  }

  get #dirtyBytes(): number {
    return this.#youngBytes + this.#dueBytes + this.#outBytes;
  }

  #age(): void {
    const many = this.#dirtyBytes > MACHINE.dirtyBytesBackground;
    const nowNs = this.#clock.nowNs();
    while (this.#young.length > 0 && (many || nowNs - this.#young[0]!.sinceNs >= MACHINE.dirtyExpiresNs)) {
      const { bytes } = this.#young.shift()!;
      this.#youngBytes -= bytes;
      this.#dueBytes += bytes;
    }
    this.#pump();
  }

  #pump(): void {
    while (this.#out < MACHINE.writebackOut && this.#dueBytes > 0) {
      const bytes = Math.min(this.#dueBytes, MACHINE.writebackBytesMax);
      const pages = Math.ceil(bytes / FILEBENCH.pageBytes) * FILEBENCH.pageBytes;
      if (this.#cursor + pages > LOG.bytes) this.#cursor = 0;
      this.#dueBytes -= bytes;
      this.#outBytes += bytes;
      this.#out++;
      this.#write(LOG.offset + this.#cursor, pages, this, bytes);
      this.#cursor += pages;
    }
  }
}
