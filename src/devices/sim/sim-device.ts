/**
 * A block device made of a medium's timing and a store of pages, on a clock.
 *
 * Model time decides. Each request is submitted to the medium at its submittedNs and ends at the
 * medium's time for it; the clock is only asked to wake the device when something has become due.
 * Where it wakes late (a timer of the real clock does), everything due by then is carried out in
 * order of model time, and a request that a caller submits from within `done` at the model time of
 * that completion takes its place in that order, possibly being due itself. So a backlogged caller
 * loses nothing by late timers.
 *
 *   submit --(nothing overdue)--> medium --step due--> complete: move data, finishedNs, done
 *     \--(overdue steps first)--> inbox --in its turn--^
 *
 * A write is visible from its completion on; a read sees what is visible at its own.
 */
import { OPS, type DeviceDone, type DeviceIo } from '../../core/model/request.js';
import { EventHeap } from '../../core/media/event-heap.js';
import type { MediaModel } from '../../core/media/media-model.js';
import { NONE } from '../../core/media/media-model.js';
import type { BlockDevice, Clock, Timer } from '../../core/ports.js';
import { PageStore } from './page-store.js';
import { zeros } from './zeros.js';

export interface SimGeometry {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  /** Most bytes of pages kept; past it a write ends NO_SPACE. */
  readonly memoryBytesMax: number;
}

export class SimDevice implements BlockDevice {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly = false;
  readonly #clock: Clock;
  readonly #medium: MediaModel;
  readonly #store: PageStore;
  readonly #memoryBytesMax: number;

  readonly #ios: (DeviceIo | null)[] = [];
  readonly #dones: (DeviceDone | null)[] = [];
  readonly #slotsFree: number[] = [];
  /** Slots that were submitted while steps of an earlier model time were overdue, by time of submission. */
  readonly #inbox = new EventHeap();
  #outstanding = 0;

  #timer: Timer | null = null;
  #timerDueNs = Infinity;
  #delivering = false;
  readonly #wake = (): void => {
    this.#timer = null;
    this.#timerDueNs = Infinity;
    this.#deliver(this.#clock.nowNs());
  };
  #closed: (() => void) | null = null;

  constructor(clock: Clock, medium: MediaModel, geometry: SimGeometry) {
    this.#clock = clock;
    this.#medium = medium;
    this.sizeBytes = geometry.sizeBytes;
    this.blockBytes = geometry.blockBytes;
    this.#memoryBytesMax = geometry.memoryBytesMax;
    this.#store = new PageStore(geometry.memoryBytesMax);
  }

  submit(io: DeviceIo, done: DeviceDone): void {
    const slot = this.#slotsFree.pop() ?? this.#ios.length;
    this.#ios[slot] = io;
    this.#dones[slot] = done;
    this.#outstanding += 1;
    // Where the timer is late, what is due goes first: when it fires, or in the delivery that this is called from.
    if (this.#inbox.size > 0 || this.#medium.nextNs < io.submittedNs) this.#inbox.push(io.submittedNs, slot);
    else this.#enter(slot, io);
    if (!this.#delivering) this.#arm();
  }

  close(): Promise<void> {
    if (this.#outstanding === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#closed = resolve;
    });
  }

  #enter(slot: number, io: DeviceIo): void {
    this.#medium.submit(slot, io.op, io.offset, io.lengthBytes, io.fua, io.submittedNs);
  }

  /** Carries out all that is due by nowNs. `done` may submit more, which is carried out too where it is due. */
  #deliver(nowNs: number): void {
    this.#delivering = true;
    try {
      for (;;) {
        const nextNs = this.#medium.nextNs;
        if (this.#inbox.nextNs <= nextNs && this.#inbox.size > 0) {
          const slot = this.#inbox.pop();
          this.#enter(slot, this.#ios[slot]!);
          continue;
        }
        if (nextNs > nowNs) break;
        const slot = this.#medium.advance();
        if (slot !== NONE) this.#complete(slot, nextNs);
      }
    } finally {
      this.#delivering = false;
      this.#arm();
    }
  }

  /** One timer of the clock's at most, for the medium's next step. What is in the inbox comes after a step that is overdue. */
  #arm(): void {
    const nextNs = this.#medium.nextNs;
    if (nextNs >= this.#timerDueNs) return;
    if (this.#timer !== null) this.#timer.cancel();
    this.#timerDueNs = nextNs;
    this.#timer = this.#clock.after(nextNs - this.#clock.nowNs(), this.#wake);
  }

  #complete(slot: number, atNs: number): void {
    const io = this.#ios[slot]!;
    const done = this.#dones[slot]!;
    this.#ios[slot] = null;
    this.#dones[slot] = null;
    this.#slotsFree.push(slot);
    this.#outstanding -= 1;
    io.finishedNs = atNs;
    const kept = this.#moveData(io);
    if (kept) done(io, 'OK', '');
    else done(io, 'NO_SPACE', `the simulation keeps at most ${String(this.#memoryBytesMax)} bytes (memory_bytes_max)`);
    if (this.#closed !== null && this.#outstanding === 0) this.#closed();
  }

  /** False where there is no room. */
  #moveData(io: DeviceIo): boolean {
    switch (io.op) {
      case OPS.READ:
        if (io.data === null && this.#store.isEmpty(io.offset, io.lengthBytes)) {
          io.data = zeros(io.lengthBytes);
        } else {
          io.data ??= Buffer.allocUnsafe(io.lengthBytes);
          this.#store.read(io.offset, io.data);
        }
        return true;
      case OPS.WRITE:
        return this.#store.write(io.offset, io.data!);
      case OPS.TRIM:
      case OPS.WRITE_ZEROES:
        this.#store.clear(io.offset, io.lengthBytes);
        return true;
      case OPS.FLUSH:
        return true;
    }
  }
}
