/**
 * A virtual machine: one processor, a page cache, a virtual disk, and threads of applications.
 */
import { OPS } from '../../core/model/request.js';
import type { Hypervisor, IoWaiter } from './hypervisor.js';
import { PageCache } from './page-cache.js';
import { MACHINE } from './parameters.js';
import { ReadAhead } from './read-ahead.js';
import type { Application, Thread } from './thread.js';

/** Requests of the guest's own, not of a thread, are windows read ahead. */
class Stream implements IoWaiter {
  readonly ahead: ReadAhead;
  readonly waiting: Thread[] = [];

  constructor(fetch: (stream: Stream, offset: number, lengthBytes: number, window: number) => void) {
    this.ahead = new ReadAhead((offset, lengthBytes, window) => fetch(this, offset, lengthBytes, window));
  }

  ioDone(window: number): void {
    this.ahead.arrived(window);
    for (let i = 0; i < this.waiting.length; i++) {
      const thread = this.waiting[i]!;
      const { offset, lengthBytes } = thread.operation;
      if (!this.ahead.ready(offset, lengthBytes)) continue;
      this.waiting.splice(i--, 1);
      thread.ended();
    }
  }
}

/** Which name a request goes by below the guest. */
export type NameOf = (application: Application, write: boolean) => string;

export class Guest {
  readonly #hypervisor: Hypervisor;
  readonly #cache: PageCache;
  readonly #diskOffset: number;
  readonly #nameOf: NameOf;
  readonly #streams = new Map<Application, Stream>();
  #processorFreeNs = 0;

  /** @param diskOffset where its virtual disk begins on the physical one */
  constructor(hypervisor: Hypervisor, diskOffset: number, cachePageBytes: number, nameOf: NameOf) {
    this.#hypervisor = hypervisor;
    this.#cache = new PageCache(MACHINE.guestCacheBytes, cachePageBytes);
    this.#diskOffset = diskOffset;
    this.#nameOf = nameOf;
  }

  /** Books the processor from `fromNs` on; when it is done. */
  compute(fromNs: number, forNs: number): number {
    this.#processorFreeNs = Math.max(this.#processorFreeNs, fromNs) + forNs;
    return this.#processorFreeNs;
  }

  /** Whether the thread's operation touches nothing but memory. */
  endsInMemory({ operation, application }: Thread): boolean {
    const { offset, lengthBytes } = operation;
    switch (operation.kind) {
      case 'read':
        return this.#cache.has(offset, lengthBytes);
      case 'stream': {
        const { ahead } = this.#stream(application);
        return ahead.ready(offset, lengthBytes) && !ahead.asksForMore(offset, lengthBytes);
      }
    }
  }

  /** Processor time of the requests that the operation will send. */
  exitNs({ operation, application }: Thread): number {
    switch (operation.kind) {
      case 'read':
        return MACHINE.exitNs;
      case 'stream':
        return this.#stream(application).ahead.asksForMore(operation.offset, operation.lengthBytes)
          ? MACHINE.exitNs
          : 0;
    }
  }

  /** The thread's operation has had its time on the processor. */
  perform(thread: Thread): void {
    const { operation, application } = thread;
    const { offset, lengthBytes } = operation;
    switch (operation.kind) {
      case 'read':
        // Another thread may have brought it in meanwhile.
        if (this.#cache.has(offset, lengthBytes)) thread.ended();
        else this.#read(application, offset, lengthBytes, true, thread, 0);
        return;
      case 'stream': {
        const stream = this.#stream(application);
        stream.ahead.touch(offset, lengthBytes);
        if (stream.ahead.ready(offset, lengthBytes)) thread.ended();
        else stream.waiting.push(thread);
        return;
      }
    }
  }

  threadIoDone(thread: Thread): void {
    const { offset, lengthBytes } = thread.operation;
    this.#cache.insert(offset, lengthBytes);
    thread.ended();
  }

  #read(
    application: Application,
    offset: number,
    lengthBytes: number,
    keep: boolean,
    waiter: IoWaiter,
    token: number,
  ): void {
    const name = this.#nameOf(application, false);
    const physical = this.#diskOffset + offset;
    this.#hypervisor.submit(OPS.READ, physical, lengthBytes, name, keep, application.disk, waiter, token);
  }

  #stream(application: Application): Stream {
    let stream = this.#streams.get(application);
    if (stream === undefined) {
      stream = new Stream((self, offset, lengthBytes, window) =>
        // A stream of 31 GiB does not come by again within a run: it takes no place in the caches.
        this.#read(application, offset, lengthBytes, false, self, window),
      );
      this.#streams.set(application, stream);
    }
    return stream;
  }
}
