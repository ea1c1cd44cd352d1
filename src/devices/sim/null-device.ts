/** A device that takes no time and keeps nothing: reads give zeros. What the rest of the service costs shows on it. */
import { OPS, type DeviceDone, type DeviceIo } from '../../core/model/request.js';
import type { BlockDevice } from '../../core/ports.js';
import { zeros } from './zeros.js';

export class NullDevice implements BlockDevice {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly = false;
  readonly #ios: DeviceIo[] = [];
  readonly #dones: DeviceDone[] = [];
  #delivering = false;

  constructor(sizeBytes: number, blockBytes: number) {
    this.sizeBytes = sizeBytes;
    this.blockBytes = blockBytes;
  }

  /** Ends inside the call, except where it is made from within `done`: then right after that returns, lest a long queue nest as deep. */
  submit(io: DeviceIo, done: DeviceDone): void {
    if (this.#delivering) {
      this.#ios.push(io);
      this.#dones.push(done);
      return;
    }
    this.#delivering = true;
    try {
      this.#end(io, done);
      for (let i = 0; i < this.#ios.length; i++) this.#end(this.#ios[i]!, this.#dones[i]!);
    } finally {
      // Setting a length costs as much as all else here, also where it is that already.
      if (this.#ios.length > 0) {
        this.#ios.length = 0;
        this.#dones.length = 0;
      }
      this.#delivering = false;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #end(io: DeviceIo, done: DeviceDone): void {
    if (io.op === OPS.READ) {
      if (io.data === null) io.data = zeros(io.lengthBytes);
      else io.data.fill(0);
    }
    io.finishedNs = io.submittedNs;
    done(io, 'OK', '');
  }
}
