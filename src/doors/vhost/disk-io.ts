/** A piece of a guest's request, on its way to the device. */
import type { Op } from '../../core/model/request.js';
import { PendingIo, type IoSink } from '../../core/pending-io.js';
import type { Slot } from './slot.js';

/** `id` is the head of its request, `attempt` which piece of that it is. */
export class DiskIo extends PendingIo {
  /** What was brought for its data. */
  readonly place: Uint8Array | null;
  readonly ioprio: number;
  readonly slot: Slot;

  constructor(
    op: Op,
    offset: number,
    bytes: number,
    data: Uint8Array | null,
    slot: Slot,
    index: number,
    sink: IoSink,
    ioprio: number,
  ) {
    super(op, offset, bytes, data, false, 0, slot.head, index, sink);
    this.place = data;
    this.ioprio = ioprio;
    this.slot = slot;
  }
}
