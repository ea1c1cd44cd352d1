/**
 * The journal of a guest's file system: one commit is written at a time, and all who come to it meanwhile
 * share the next one (group commit, as in jbd2).
 */
import type { IoWaiter } from './hypervisor.js';
import { JOURNAL } from './parameters.js';
import type { Thread } from './thread.js';

/** Writes a range of the virtual disk in the name of one thread's application. */
type WriteFor = (thread: Thread, offset: number, lengthBytes: number, waiter: IoWaiter) => void;

export class Journal implements IoWaiter {
  readonly #write: WriteFor;
  #committing: Thread[] = [];
  #joined: Thread[] = [];
  #cursor = 0;

  constructor(write: WriteFor) {
    this.#write = write;
  }

  /** The thread's operation ends with the next commit. */
  join(thread: Thread): void {
    this.#joined.push(thread);
    if (this.#committing.length === 0) this.#commit();
  }

  ioDone(): void {
    const done = this.#committing;
    this.#committing = [];
    if (this.#joined.length > 0) this.#commit();
    for (const thread of done) thread.ended();
  }

  #commit(): void {
    this.#committing = this.#joined;
    this.#joined = [];
    const { commitBytesMin, commitBytesMax, bytesAJoiner } = JOURNAL;
    const bytes = Math.min(commitBytesMax, commitBytesMin + (this.#committing.length - 1) * bytesAJoiner);
    if (this.#cursor + bytes > JOURNAL.bytes) this.#cursor = 0;
    this.#write(this.#committing[0]!, JOURNAL.offset + this.#cursor, bytes, this);
    this.#cursor += bytes;
  }
}
