/**
 * A virtual machine: one processor, a page cache, a virtual disk, and threads of applications.
 *
 * While all of its threads have turns on the processor, none waits for the disk, and nothing but the
 * write-back's look at old pages comes to the guest from outside: it runs ahead of the clock through the
 * turns that touch nothing but memory, until one needs the disk. What it does meanwhile nobody else can see.
 */
import type { Lane } from '../../clock/lane.js';
import type { VirtualClock } from '../../clock/virtual.js';
import { OPS } from '../../core/model/request.js';
import type { Application } from './application.js';
import type { IoWaiter } from './hypervisor.js';
import { Journal } from './journal.js';
import type { PageCache } from './page-cache.js';
import { MACHINE } from './parameters.js';
import { OPERATIONS } from './program.js';
import { ReadAhead } from './read-ahead.js';
import type { Thread } from './thread.js';
import type { VirtualDisk } from './virtual-disk.js';
import { Writeback } from './writeback.js';

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

export class Guest {
  readonly #clock: VirtualClock;
  readonly #disk: VirtualDisk;
  readonly #cache: PageCache;
  /** By the applications' numbers. */
  readonly #streams: (Stream | undefined)[] = [];
  readonly #writebacks: (Writeback | undefined)[] = [];
  readonly #journal = new Journal((thread, offset, lengthBytes, waiter) =>
    this.#write(thread.application, offset, lengthBytes, waiter, 0),
  );
  /** Operations, when their turns on the processor are over. */
  readonly #turns: Lane<Thread>;
  readonly #threads: number;
  #processorFreeNs = 0;
  /** How far it has run ahead of the clock, or had when it last did. */
  #aheadNs = 0;

  /**
   * @param cache of its virtual disk
   * @param threads that it is to have, of all applications
   */
  constructor(clock: VirtualClock, disk: VirtualDisk, cache: PageCache, threads: number) {
    this.#clock = clock;
    this.#turns = clock.lane((thread) => this.#turn(thread));
    this.#threads = threads;
    this.#disk = disk;
    this.#cache = cache;
  }

  /** Its own time: the clock's, or ahead of it. */
  get nowNs(): number {
    return Math.max(this.#clock.nowNs(), this.#aheadNs);
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
      case OPERATIONS.READ:
        return this.#cache.has(offset, lengthBytes);
      case OPERATIONS.STREAM: {
        const { ahead } = this.#stream(application);
        return ahead.ready(offset, lengthBytes) && !ahead.asksForMore(offset, lengthBytes);
      }
      case OPERATIONS.APPEND:
      case OPERATIONS.SYNC_APPEND:
        return false;
    }
  }

  /** Processor time of the requests that the operation will send. */
  exitNs({ operation, application }: Thread): number {
    switch (operation.kind) {
      case OPERATIONS.READ:
      case OPERATIONS.SYNC_APPEND:
        return MACHINE.exitNs;
      case OPERATIONS.APPEND:
        return 0;
      case OPERATIONS.STREAM:
        return this.#stream(application).ahead.asksForMore(operation.offset, operation.lengthBytes)
          ? MACHINE.exitNs
          : 0;
    }
  }

  /** The thread's operation has its time on the processor until then, as `compute` has booked it last. */
  performAt(untilNs: number, thread: Thread): void {
    this.#turns.at(untilNs, thread);
  }

  #turn(thread: Thread): void {
    this.#perform(thread);
    if (this.#turns.count === this.#threads) this.#runAhead();
  }

  #runAhead(): void {
    const turns = this.#turns;
    let untilNs = Infinity;
    for (const writeback of this.#writebacks)
      if (writeback !== undefined) untilNs = Math.min(untilNs, writeback.lookNs);
    // What needs nothing but memory begins the thread's next turn, so all of them have one throughout.
    for (let atNs = turns.nextDueNs; atNs < untilNs && this.#staysInMemory(turns.next); atNs = turns.nextDueNs) {
      this.#aheadNs = atNs;
      const thread = turns.take();
      if (thread.operation.kind === OPERATIONS.READ) thread.endedAt(atNs);
      else this.#writeback(thread.application).appended(thread, atNs);
    }
  }

  /** Whether what the thread does at its turn needs neither the disk nor a wait. */
  #staysInMemory({ operation, inMemory, application }: Thread): boolean {
    switch (operation.kind) {
      case OPERATIONS.READ:
        return inMemory;
      case OPERATIONS.APPEND:
        return this.#writebacks[application.index]?.hasRoom(operation.lengthBytes) === true;
      case OPERATIONS.STREAM:
      case OPERATIONS.SYNC_APPEND:
        return false;
    }
  }

  #perform(thread: Thread): void {
    const { operation, application } = thread;
    const { offset, lengthBytes } = operation;
    switch (operation.kind) {
      case OPERATIONS.READ:
        if (thread.inMemory) {
          thread.ended();
          return;
        }
        // Another thread may have brought it in meanwhile.
        if (this.#cache.has(offset, lengthBytes)) thread.ended();
        else this.#read(application, offset, lengthBytes, true, thread, 0);
        return;
      case OPERATIONS.STREAM: {
        const stream = this.#stream(application);
        stream.ahead.touch(offset, lengthBytes);
        if (stream.ahead.ready(offset, lengthBytes)) thread.ended();
        else stream.waiting.push(thread);
        return;
      }
      case OPERATIONS.APPEND:
        this.#writeback(application).appended(thread, this.nowNs);
        return;
      case OPERATIONS.SYNC_APPEND:
        this.#write(application, offset, lengthBytes, thread, 0);
        return;
    }
  }

  threadIoDone(thread: Thread): void {
    const { kind, offset, lengthBytes } = thread.operation;
    this.#cache.insert(offset, lengthBytes);
    if (kind === OPERATIONS.SYNC_APPEND) this.#journal.join(thread);
    else thread.ended();
  }

  #read(
    application: Application,
    offset: number,
    lengthBytes: number,
    keep: boolean,
    waiter: IoWaiter,
    token: number,
  ): void {
    this.#disk.submit(application, OPS.READ, offset, lengthBytes, keep, waiter, token);
  }

  #write(application: Application, offset: number, lengthBytes: number, waiter: IoWaiter, token: number): void {
    this.#disk.submit(application, OPS.WRITE, offset, lengthBytes, false, waiter, token);
  }

  #writeback(application: Application): Writeback {
    return (this.#writebacks[application.index] ??= new Writeback(this.#clock, (offset, lengthBytes, waiter, token) =>
      this.#write(application, offset, lengthBytes, waiter, token),
    ));
  }

  #stream(application: Application): Stream {
    return (this.#streams[application.index] ??= new Stream((self, offset, lengthBytes, window) =>
      // A stream of 31 GiB does not come by again within a run: it takes no place in the caches.
      this.#read(application, offset, lengthBytes, false, self, window),
    ));
  }
}
