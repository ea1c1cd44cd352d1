/**
 * Stands around every device and holds both sides to the contract of BlockDevice: the caller submits
 * only what is in range, aligned and whole, and not after close; the device ends each request once,
 * with its data, not before it began. A breach is a defect of the program and throws INTERNAL.
 *
 * What is outstanding is noted on the requests themselves. A Map of them would hold on to the dead: each
 * time that it makes room it leaves its old table behind with all that was in it and a way to the new one,
 * and once one such table is in V8's old space, all later ones and their requests outlive every scavenge.
 */
import { SluiceError } from '../../core/model/errors.js';
import { OP_NAMES, OPS, isOp, type DeviceDone, type DeviceIo } from '../../core/model/request.js';
import type { DeviceSettings } from '../../core/model/device.js';
import type { BlockDevice } from '../../core/ports.js';

/** `open`: takes requests; `closed`: close has been called, what is outstanding still ends. */
type State = 'open' | 'closed';

export class CheckedDevice implements BlockDevice {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly leased: boolean;
  readonly #inner: BlockDevice;
  readonly #ended: DeviceDone = (io, code, message) => {
    const done = io.toTell;
    if (io.heldBy !== this || done == null) throw breach('the device ended a request that is not outstanding', io);
    io.heldBy = null;
    io.toTell = null;
    if (!(io.finishedNs >= io.submittedNs)) {
      throw breach(`the device ended it at ${String(io.finishedNs)}, before ${String(io.submittedNs)}`, io);
    }
    if (code === 'OK') {
      if (!this.leased && io.op === OPS.READ && io.data?.length !== io.lengthBytes) {
        throw breach(`the device read ${String(io.data?.length)} bytes`, io);
      }
    } else if (message === '') throw breach(`the device ended it ${code} without a message`, io);
    done(io, code, message);
  };
  #state: State = 'open';

  constructor(inner: BlockDevice) {
    const { sizeBytes, blockBytes } = inner;
    if (!Number.isInteger(Math.log2(blockBytes)) || blockBytes < 512) {
      throw new SluiceError('INTERNAL', `a device has blocks of ${String(blockBytes)} bytes`);
    }
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < blockBytes || sizeBytes % blockBytes !== 0) {
      throw new SluiceError('INTERNAL', `a device has ${String(sizeBytes)} bytes in blocks of ${String(blockBytes)}`);
    }
    this.sizeBytes = sizeBytes;
    this.blockBytes = blockBytes;
    this.readOnly = inner.readOnly;
    this.leased = inner.leased === true;
    this.#inner = inner;
  }

  /** @throws SluiceError INTERNAL */
  submit(io: DeviceIo, done: DeviceDone): void {
    if (this.#state !== 'open') throw breach('it was submitted after close', io);
    if (io.heldBy != null) throw breach('it is outstanding already', io);
    this.#checkRequest(io);
    io.heldBy = this;
    io.toTell = done;
    this.#inner.submit(io, this.#ended);
  }

  configure(settings: DeviceSettings): void {
    this.#inner.configure?.(settings);
  }

  abandon(io: DeviceIo): void {
    if (io.heldBy === this) this.#inner.abandon?.(io);
  }

  get trouble(): string {
    return this.#inner.trouble ?? '';
  }

  close(): Promise<void> {
    if (this.#state !== 'open') throw new SluiceError('INTERNAL', 'a device was closed twice');
    this.#state = 'closed';
    return this.#inner.close();
  }

  #checkRequest(io: DeviceIo): void {
    const { op, offset, lengthBytes, data } = io;
    if (!isOp(op)) throw breach('there is no such operation', io);
    if (!(io.submittedNs >= 0)) throw breach(`it was submitted at ${String(io.submittedNs)}`, io);
    if (op === OPS.FLUSH) return;
    // An offset or a length that is not a whole number, or NaN, fails the test of its remainder.
    if (!(offset >= 0 && lengthBytes > 0 && offset + lengthBytes <= this.sizeBytes)) {
      throw breach(`it is out of range 0..${String(this.sizeBytes)}`, io);
    }
    if (offset % this.blockBytes !== 0 || lengthBytes % this.blockBytes !== 0) {
      throw breach(`it is not aligned to ${String(this.blockBytes)} bytes`, io);
    }
    if (this.leased) {
      if (data !== null) throw breach('a lease device takes no data', io);
      return;
    }
    const place = op === OPS.WRITE || (op === OPS.READ && data !== null);
    if (place && data?.length !== lengthBytes) throw breach(`it has ${String(data?.length)} bytes of data`, io);
  }
}

function breach(what: string, io: DeviceIo): SluiceError {
  const name = isOp(io.op) ? OP_NAMES[io.op] : `operation ${String(io.op)}`;
  return new SluiceError(
    'INTERNAL',
    `device contract: ${name} of ${String(io.lengthBytes)} bytes at ${String(io.offset)}: ${what}`,
  );
}
