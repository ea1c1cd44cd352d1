/**
 * A regular file or block device: positioned reads and writes, any number at once, in any order. Who moves
 * the bytes (transfers.ts) is io_uring for direct I/O, where the system has it, else libuv's threads.
 *
 * With `direct` the descriptor is O_DIRECT and every transfer goes by way of a buffer of an AlignedPool:
 *
 *   READ:  buffer ◀─ read, then copied to the place of the request, or to one made for it
 *   WRITE: copied into the buffer ─▶ write
 *
 * One copy each way, and the buffer is free again before the request is told: a reply may wait long
 * for a slow client, and a slab that replies hold on to would be a disk that stands still for them all.
 * What is longer than a buffer goes in parts through the one it has.
 *
 * A FLUSH is one fdatasync, shared by all that wait for one. FUA is a write and then such a FLUSH, not
 * a descriptor with O_DSYNC: for that Linux flushes after every single write, these share one, and an
 * error of writing back reaches whoever waits. TRIM is UNSUPPORTED: node:fs has no fallocate.
 */
import type { FileHandle } from 'node:fs/promises';
import type { ErrorCode } from '../../core/model/errors.js';
import { OPS, type DeviceDone, type DeviceIo } from '../../core/model/request.js';
import type { BlockDevice, Clock } from '../../core/ports.js';
import { BUFFER_BYTES_MAX, alignedBytes, type AlignedPool, type BufferTaker } from './aligned-pool.js';
import { codeOf, messageOf } from './errors.js';
import type { FileLock } from './lock.js';
import { SharedSync } from './shared-sync.js';
import type { Transfers } from './transfers.js';

/** Written by WRITE_ZEROES, never written to. Aligned, as O_DIRECT wants it. */
const ZEROS = alignedBytes(BUFFER_BYTES_MAX);
/** No buffer. */
const NONE = -1;

/** One request under way; reused, with its callbacks, so that a request allocates neither. */
class Transfer implements BufferTaker {
  io!: DeviceIo;
  done!: DeviceDone;
  moved = 0;
  /** Where its buffer begins in the pool; NONE without one. */
  bufferAt = NONE;
  bufferBytes = 0;
  nextInLine: BufferTaker | null = null;
  readonly #device: FileDevice;
  /** Some bytes have moved, maybe not all. */
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

  granted(at: number): void {
    this.bufferAt = at;
    this.#device.move(this);
  }
}

/** What a file device is made of. */
export interface FileParts {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  /** Where the handle is O_DIRECT; null where it is not. */
  readonly pool: AlignedPool | null;
  /** Of the handle; closed with the device. */
  readonly transfers: Transfers;
}

export class FileDevice implements BlockDevice {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly #handle: FileHandle;
  readonly #transfers: Transfers;
  readonly #lock: FileLock | null;
  readonly #clock: Clock;
  readonly #pool: AlignedPool | null;
  readonly #sync: SharedSync;
  readonly #idle: Transfer[] = [];
  #outstanding = 0;
  #closed: (() => void) | null = null;

  /** Takes the handle and the lock over: close lets go of both. */
  constructor(handle: FileHandle, lock: FileLock | null, clock: Clock, parts: FileParts) {
    this.sizeBytes = parts.sizeBytes;
    this.blockBytes = parts.blockBytes;
    this.readOnly = parts.readOnly;
    this.#pool = parts.pool;
    this.#handle = handle;
    this.#transfers = parts.transfers;
    this.#lock = lock;
    this.#clock = clock;
    this.#sync = new SharedSync((done) => parts.transfers.sync(done));
  }

  submit(io: DeviceIo, done: DeviceDone): void {
    const transfer = this.#idle.pop() ?? new Transfer(this);
    transfer.io = io;
    transfer.done = done;
    transfer.moved = 0;
    this.#outstanding += 1;
    switch (io.op) {
      case OPS.READ:
        this.#begin(transfer);
        return;
      case OPS.WRITE:
      case OPS.WRITE_ZEROES:
        if (this.readOnly) this.#refuse(transfer, 'READ_ONLY', 'the device was opened read-only');
        else this.#begin(transfer);
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
    this.#transfers.close();
    await this.#handle.close();
    await this.#lock?.release();
  }

  /** Called by a transfer. */
  moved(transfer: Transfer, bytes: number): void {
    const { io } = transfer;
    // A part of a block is not progress: what is left of it could not be asked for with O_DIRECT.
    const whole = this.#pool === null ? bytes : bytes - (bytes % this.blockBytes);
    if (whole === 0) {
      const at = String(io.offset + transfer.moved + bytes);
      this.end(transfer, 'DEVICE_IO', `the file has come to its end at ${at}: it was cut while in use`);
      return;
    }
    if (io.op === OPS.READ && transfer.bufferAt !== NONE) {
      io.data ??= Buffer.allocUnsafe(io.lengthBytes);
      this.#pool!.bytes.copy(io.data, transfer.moved, transfer.bufferAt, transfer.bufferAt + whole);
    }
    transfer.moved += whole;
    if (transfer.moved < io.lengthBytes) this.move(transfer);
    else if (io.fua && io.op !== OPS.READ) {
      this.#giveBack(transfer);
      this.#sync.request(transfer.onSynced);
    } else this.end(transfer, 'OK', '');
  }

  /** Called by a transfer. */
  fail(transfer: Transfer, error: NodeJS.ErrnoException): void {
    this.end(transfer, codeOf(error), messageOf(error));
  }

  /** Called by a transfer. */
  end(transfer: Transfer, code: ErrorCode | 'OK', message: string): void {
    const { io, done } = transfer;
    this.#giveBack(transfer);
    this.#idle.push(transfer);
    this.#outstanding -= 1;
    io.finishedNs = Math.max(io.submittedNs, this.#clock.nowNs());
    done(io, code, message);
    if (this.#outstanding === 0) this.#closed?.();
  }

  /** Called by a transfer that has its buffer, where it needs one: sends what has not been moved yet. */
  move(transfer: Transfer): void {
    const { io, moved, bufferAt } = transfer;
    const left = io.lengthBytes - moved;
    const position = io.offset + moved;
    const transfers = this.#transfers;
    if (io.op === OPS.WRITE_ZEROES) {
      transfers.write(ZEROS, 0, Math.min(left, ZEROS.length), position, transfer.onMoved);
    } else if (bufferAt !== NONE) {
      const { bytes } = this.#pool!;
      const part = Math.min(left, transfer.bufferBytes);
      if (io.op === OPS.READ) transfers.read(bytes, bufferAt, part, position, transfer.onMoved);
      else {
        const data = io.data!;
        bytes.set(part === data.length ? data : data.subarray(moved, moved + part), bufferAt);
        transfers.write(bytes, bufferAt, part, position, transfer.onMoved);
      }
    } else if (io.op === OPS.READ) transfers.read(io.data!, moved, left, position, transfer.onMoved);
    else transfers.write(io.data!, moved, left, position, transfer.onMoved);
  }

  #begin(transfer: Transfer): void {
    const { io } = transfer;
    if (this.#pool !== null && io.op !== OPS.WRITE_ZEROES) {
      transfer.bufferBytes = Math.min(io.lengthBytes, BUFFER_BYTES_MAX);
      this.#pool.take(transfer);
      return;
    }
    if (io.op === OPS.READ) io.data ??= Buffer.allocUnsafe(io.lengthBytes);
    this.move(transfer);
  }

  #giveBack(transfer: Transfer): void {
    if (transfer.bufferAt === NONE) return;
    const at = transfer.bufferAt;
    transfer.bufferAt = NONE;
    this.#pool!.give(at);
  }

  /** Not within submit: a long queue of such requests would nest as deep. */
  #refuse(transfer: Transfer, code: ErrorCode, message: string): void {
    process.nextTick(() => this.end(transfer, code, message));
  }
}
