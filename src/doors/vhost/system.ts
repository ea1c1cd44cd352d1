/** What this door needs of the system and node:* does not have. native.ts makes it; nothing else calls native code. */

export interface NativeSystem {
  /** Binds and listens at a path that is free. @throws SluiceError INVALID_ARGUMENT */
  listen(path: string): number;
  /** A client of a listening socket, not blocking; null where none waits. */
  accept(socket: number): number | null;
  /** Whether somebody listens at the path. */
  isServed(path: string): boolean;
  /** A connection to a listening socket, blocking. @throws SluiceError NOT_FOUND */
  connect(path: string): number;
  /**
   * Bytes and descriptors of a message. null: nothing is there now; 0: the other side has hung up.
   * What came is added to `descriptors` and is the caller's to close.
   * @throws SluiceError DEVICE_IO: the connection is broken
   */
  receive(socket: number, into: Buffer, descriptors: number[]): number | null;
  /** Sends all of it. @throws SluiceError DEVICE_IO */
  send(socket: number, bytes: Buffer, descriptors: readonly number[]): void;
  /** Shares `sizeBytes` of the file from `offset`, a multiple of the page. @throws SluiceError INVALID_ARGUMENT */
  map(file: number, offset: number, sizeBytes: number): Mapping;
  /** A file in memory. `sealed`: it can neither grow nor shrink. */
  memoryFile(name: string, sizeBytes: number, sealed: boolean): number;
  /** Whether the file is one that can be sealed and is sealed against shrinking. */
  cannotShrink(file: number): boolean;
  /** A counter that wakes whoever waits for it. */
  eventCounter(blocking: boolean): number;
  /** Adds one to a counter. */
  signal(counter: number): void;
  /** Waits for a blocking counter to be above zero and sets it to zero. */
  waitFor(counter: number): void;
  waiter(): Waiter;
  close(descriptor: number): void;
}

/** Memory shared with another process. Nobody may look at a view of it once it is unmapped: that ends the process. */
export interface Mapping {
  view(offset: number, sizeBytes: number): ArrayBuffer;
  unmap(): void;
}

/** Waits for descriptors without a thread of ours and without polling. */
export interface Waiter {
  /** `edge`: told once for each time it becomes readable; `level`: told as long as it is. */
  add(descriptor: number, id: number, how: 'edge' | 'level'): void;
  remove(descriptor: number): void;
  /** Calls once, later, with the ids of those that are ready. One wait at a time. */
  wait(ready: (ids: readonly number[]) => void): void;
  /** Makes the present wait end. */
  wake(): void;
  /** Not during a wait. */
  close(): void;
}
