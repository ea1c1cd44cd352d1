/**
 * Pieces of a ring's requests at the device: sent with the tag that their priority names, sent again
 * where the queue of that tag was full, taken back.
 */
import { OPS, type Op } from '../../core/model/request.js';
import { NS_PER_MS } from '../../core/model/units.js';
import type { IoSink, PendingIo } from '../../core/pending-io.js';
import type { Clock, ServedDevice, Timer } from '../../core/ports.js';
import { DiskIo } from './disk-io.js';
import type { PriorityMap } from './priority-map.js';
import type { Slot } from './slot.js';

/** How soon a piece that found its queue full is tried again. */
const RETRY_NS = NS_PER_MS;

export interface PieceOwner {
  /** Once for each piece, when its memory is no longer lent. `takenBack`: it was not served, and is not to be answered. */
  settled(piece: DiskIo, takenBack: boolean): void;
}

interface PiecesParts {
  readonly clock: Clock;
  readonly device: ServedDevice;
  readonly priorities: PriorityMap;
}

export class Pieces implements IoSink {
  readonly #parts: PiecesParts;
  readonly #owner: PieceOwner;
  /** Those that found a queue full. */
  #waiting: DiskIo[] = [];
  #retry: Timer | null = null;
  /** What comes back unserved from now on was taken back. */
  #takingBack = false;

  constructor(parts: PiecesParts, owner: PieceOwner) {
    this.#parts = parts;
    this.#owner = owner;
  }

  submit(
    slot: Slot,
    op: Op,
    offset: number,
    bytes: number,
    data: Uint8Array | null,
    index: number,
    ioprio: number,
  ): void {
    const io = new DiskIo(op, offset, bytes, data, slot, index, this, ioprio);
    slot.pieces[index] = io;
    this.#parts.device.submit(io, this.#parts.priorities.tagOf(ioprio));
  }

  /** What is queued comes back now, what is at the device when it does; nothing is tried again. */
  takeBack(slots: readonly Slot[]): void {
    this.#takingBack = true;
    this.#retry?.cancel();
    this.#retry = null;
    for (const piece of this.#waiting.splice(0)) this.#owner.settled(piece, true);
    for (const slot of slots) {
      if (slot.memory === null) continue;
      for (const piece of [...slot.pieces]) this.#parts.device.cancel(piece);
    }
  }

  completed(io: PendingIo): void {
    if (!(io instanceof DiskIo)) throw new Error('a device answered what this door did not send');
    if (io.code === 'QUEUE_FULL' && !this.#takingBack) this.#wait(io);
    // The device still has the guest's memory: an answer now would let the guest use it for something else.
    else if (!io.abandoned || io.data === null) this.#settle(io);
  }

  returned(io: PendingIo): void {
    if (io instanceof DiskIo && io.data !== null) this.#settle(io);
  }

  #settle(io: DiskIo): void {
    // Where it takes no place that is brought, a device makes one.
    if (io.op === OPS.READ && io.code === 'OK' && io.data !== io.place) io.place!.set(io.data!);
    const unserved = io.code === 'CANCELLED' || io.code === 'DRAINING' || io.code === 'QUEUE_FULL';
    this.#owner.settled(io, unserved && this.#takingBack);
  }

  #wait(io: DiskIo): void {
    this.#waiting.push(io);
    this.#retry ??= this.#parts.clock.after(RETRY_NS, () => {
      this.#retry = null;
      for (const piece of this.#waiting.splice(0)) {
        const { slot, op, offset, lengthBytes, place, attempt, ioprio } = piece;
        this.submit(slot, op, offset, lengthBytes, place, attempt, ioprio);
      }
    });
  }
}
