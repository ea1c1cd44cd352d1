/** One request of a guest, from its being taken to its being answered; reused by the next with the same head. */
import type { Code } from '../../core/model/errors.js';
import type { PendingIo } from '../../core/pending-io.js';
import type { Segments } from './chain.js';
import type { GuestMemory, Window } from './memory.js';

export class Slot {
  readonly head: number;
  /** What it points into; null while it is free. */
  memory: GuestMemory | null = null;
  statusWindow!: Window;
  statusOffset = 0;
  /** Bytes that the device writes where all goes well, the status among them. */
  writtenBytes = 0;
  /** Pieces that have not come back. */
  left = 0;
  /** The first failure among the pieces. */
  code: Code = 'OK';
  /** A piece was taken back: it is not answered, but left to whoever serves the queue next. */
  takenBack = false;
  /** Its pieces, so that they can be taken back. */
  readonly pieces: PendingIo[] = [];
  /** Where the memory is in several pieces: what stands for it, and for a read where that goes. */
  gathered: Uint8Array | null = null;
  scatter: Segments | null = null;

  constructor(head: number) {
    this.head = head;
  }

  begin(memory: GuestMemory, statusWindow: Window, statusOffset: number): void {
    memory.retain();
    this.memory = memory;
    this.statusWindow = statusWindow;
    this.statusOffset = statusOffset;
    this.writtenBytes = 1;
    this.left = 0;
    this.code = 'OK';
    this.takenBack = false;
  }

  /** Lets go of the guest's memory. */
  end(): void {
    this.memory!.release();
    this.memory = null;
    while (this.pieces.length > 0) this.pieces.pop();
    this.gathered = null;
    this.scatter = null;
  }
}
