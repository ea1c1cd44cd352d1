/**
 * A regular file or block device through node:fs: positioned reads and writes on libuv's threads, any
 * number at once, in any order. A FLUSH is one fdatasync, shared by all that wait for one; FUA is a
 * write and then a FLUSH. TRIM is UNSUPPORTED: node:fs has no fallocate.
 */
import * as fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { ErrorCode } from '../../core/model/errors.js';
import { OPS, type DeviceDone, type DeviceIo } from '../../core/model/request.js';
import { MIB } from '../../core/model/units.js';
import type { BlockDevice, Clock } from '../../core/ports.js';
import { codeOf, messageOf } from './errors.js';
import type { FileLock } from './lock.js';
import { SharedSync } from './shared-sync.js';

const ZEROS = Buffer.alloc(MIB);

/** One request under way; reused, with its callbacks, so that a request allocates neither. */
class Transfer {
  io!: DeviceIo;
  done!: DeviceDone;
  moved = 0;
  readonly #device: FileDevice;
  /** Of fs.read and fs.write: some bytes have moved, maybe not all. */
  readonly onMoved = (error: NodeJS.ErrnoException | null, bytes: number): void => {
    if (error !== null) this.#device.fail(this, error);
    else this.#device.moved(this, bytes);
  };
  readonly onSynced = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null) this.#device.fail(this, error);
    else this.#device.end(this, 'OK', '');
  };

  constructor(device: FileDevice) {
    this.#device = device;
  }
}

export class FileDevice implements BlockDevice {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly #handle: FileHandle;
  /** The handle's getter costs as much as a small part of a request. */
  readonly #fd: number;
  readonly #lock: FileLock | null;
  readonly #clock: Clock;
  readonly #sync: SharedSync;
  readonly #idle: Transfer[] = [];
  #outstanding = 0;
  #closed: (() => void) | null = null;

  /** Takes the handle and the lock over: close lets go of both. */
  constructor(
    handle: FileHandle,
    lock: FileLock | null,
    clock: Clock,
    found: { readonly sizeBytes: number; readonly blockBytes: number; readonly readOnly: boolean },
  ) {
    this.sizeBytes = found.sizeBytes;
    this.blockBytes = found.blockBytes;
    this.readOnly = found.readOnly;
    this.#handle = handle;
    this.#fd = handle.fd;
    this.#lock = lock;
    this.#clock = clock;
    this.#sync = new SharedSync((done) => fs.fdatasync(this.#fd, done));
  }

  submit(io: DeviceIo, done: DeviceDone): void {
    const transfer = this.#idle.pop() ?? new Transfer(this);
    transfer.io = io;
    transfer.done = done;
    transfer.moved = 0;
    this.#outstanding += 1;
    switch (io.op) {
      case OPS.READ:
        io.data ??= Buffer.allocUnsafe(io.lengthBytes);
        this.#move(transfer);
        return;
      case OPS.WRITE:
      case OPS.WRITE_ZEROES:
        if (this.readOnly) this.#refuse(transfer, 'READ_ONLY', 'the device was opened read-only');
        else this.#move(transfer);
        return;
      case OPS.FLUSH:
        this.#sync.request(transfer.onSynced);
        return;
      case OPS.TRIM:
        this.#refuse(transfer, 'UNSUPPORTED', 'TRIM is not to be had on a file: node:fs cannot deallocate');
        return;
    }
  }

  async close(): Promise<void> {
    if (this.#outstanding > 0) await new Promise<void>((resolve) => (this.#closed = resolve));
    await this.#handle.close();
    await this.#lock?.release();
  }

  /** Called by a transfer. */
  moved(transfer: Transfer, bytes: number): void {
    const { io } = transfer;
    if (bytes === 0) {
      const at = String(io.offset + transfer.moved);
      this.end(transfer, 'DEVICE_IO', `the file has come to its end at ${at}: it was cut while in use`);
      return;
    }
    transfer.moved += bytes;
    if (transfer.moved < io.lengthBytes) this.#move(transfer);
    else if (io.fua && io.op !== OPS.READ) this.#sync.request(transfer.onSynced);
    else this.end(transfer, 'OK', '');
  }

  /** Called by a transfer. */
  fail(transfer: Transfer, error: NodeJS.ErrnoException): void {
    this.end(transfer, codeOf(error), messageOf(error));
  }

  /** Called by a transfer. */
  end(transfer: Transfer, code: ErrorCode | 'OK', message: string): void {
    const { io, done } = transfer;
    this.#idle.push(transfer);
    this.#outstanding -= 1;
    io.finishedNs = Math.max(io.submittedNs, this.#clock.nowNs());
    done(io, code, message);
    if (this.#outstanding === 0) this.#closed?.();
  }

  /** Not within submit: a long queue of such requests would nest as deep. */
  #refuse(transfer: Transfer, code: ErrorCode, message: string): void {
    process.nextTick(() => this.end(transfer, code, message));
  }

  /** Sends what has not been moved yet. */
  #move(transfer: Transfer): void {
    const { io, moved } = transfer;
    const left = io.lengthBytes - moved;
    const position = io.offset + moved;
    const fd = this.#fd;
    if (io.op === OPS.READ) fs.read(fd, io.data!, moved, left, position, transfer.onMoved);
    else if (io.op === OPS.WRITE) fs.write(fd, io.data!, moved, left, position, transfer.onMoved);
    else fs.write(fd, ZEROS, 0, Math.min(left, ZEROS.length), position, transfer.onMoved);
  }
}
