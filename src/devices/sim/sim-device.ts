/**
 * A block device made of a medium's timing and a store of pages, on a clock: requests end at the
 * medium's model time (PacedMedium), and there their data moves. A write is visible from its
 * completion on; a read sees what is visible at its own.
 */
import { OPS, type DeviceDone, type DeviceIo } from '../../core/model/request.js';
import type { MediaModel } from '../../core/media/media-model.js';
import { PacedMedium } from '../../core/media/paced-medium.js';
import type { BlockDevice, Clock } from '../../core/ports.js';
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
  readonly #medium: PacedMedium;
  readonly #store: PageStore;
  readonly #memoryBytesMax: number;

  readonly #ios: (DeviceIo | null)[] = [];
  readonly #dones: (DeviceDone | null)[] = [];
  readonly #slotsFree: number[] = [];
  #outstanding = 0;

  #closed: (() => void) | null = null;

  readonly #complete = (slot: number, atNs: number): void => {
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
  };

  constructor(clock: Clock, medium: MediaModel, geometry: SimGeometry) {
    this.#medium = new PacedMedium(clock, medium, this.#complete);
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
    this.#medium.submit(slot, io);
  }

  close(): Promise<void> {
    if (this.#outstanding === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#closed = resolve;
    });
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
