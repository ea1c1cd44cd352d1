/** What one thread of an application does, operation by operation. */

/**
 * `read`: through the page cache. `stream`: the same, from a sequential stream that the guest reads ahead.
 * `append`: into memory, written back later. `sync-append`: on the disk, with its journal, before it ends.
 */
export type OperationKind = 'read' | 'stream' | 'append' | 'sync-append';

/** One operation as the application counts and times it. Reused from one to the next. */
export class Operation {
  kind: OperationKind = 'read';
  /** On the virtual disk, in whole pages; an append has no place before it is written back. */
  offset = 0;
  lengthBytes = 0;
  /** On the guest's processor. */
  cpuNs = 0;
}

export interface Program {
  /** Sets what is done next; there always is something. */
  next(operation: Operation): void;
}
