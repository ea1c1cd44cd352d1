/** What one thread of an application does, operation by operation. */

/** Kinds of operation; numbers, since each is asked for its kind several times. */
export const OPERATIONS = {
  /** Through the page cache. */
  READ: 0,
  /** The same, from a sequential stream that the guest reads ahead. */
  STREAM: 1,
  /** Into memory, written back later. */
  APPEND: 2,
  /** On the disk, with its journal, before it ends. */
  SYNC_APPEND: 3,
} as const;

export type OperationKind = (typeof OPERATIONS)[keyof typeof OPERATIONS];

/** One operation as the application counts and times it. Reused from one to the next. */
export class Operation {
  kind: OperationKind = OPERATIONS.READ;
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
