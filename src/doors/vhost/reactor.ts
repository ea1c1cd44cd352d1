/** One wait for all descriptors of the door: sockets, and the counters by which guests say that there is work. */
import type { NativeSystem, Waiter } from './system.js';

export class Reactor {
  readonly #waiter: Waiter;
  readonly #handlers = new Map<number, () => void>();
  #nextId = 1;
  #waiting = false;
  #closed = false;

  constructor(system: NativeSystem) {
    this.#waiter = system.waiter();
  }

  /** Calls fn whenever the descriptor is ready, from now on. Returns how to stop, ahead of closing the descriptor. */
  watch(descriptor: number, how: 'edge' | 'level', fn: () => void): () => void {
    const id = this.#nextId++;
    this.#waiter.add(descriptor, id, how);
    this.#handlers.set(id, fn);
    this.#wait();
    return () => {
      if (!this.#handlers.delete(id)) return;
      this.#waiter.remove(descriptor);
      // With nothing left to wait for, nothing must keep the process alive.
      if (this.#handlers.size === 0) this.#waiter.wake();
    };
  }

  close(): void {
    this.#closed = true;
    this.#handlers.clear();
    if (this.#waiting) this.#waiter.wake();
    else this.#waiter.close();
  }

  #wait(): void {
    if (this.#waiting || this.#closed || this.#handlers.size === 0) return;
    this.#waiting = true;
    this.#waiter.wait(this.#ready);
  }

  readonly #ready = (ids: readonly number[]): void => {
    this.#waiting = false;
    if (this.#closed) {
      this.#waiter.close();
      return;
    }
    try {
      // One that a handler before it has stopped is not called any more.
      for (const id of ids) this.#handlers.get(id)?.();
    } finally {
      this.#wait();
    }
  };
}
