/** Who moves the bytes of a file device: the way to the disk as the device sees it, and the one through node:fs. */
import * as fs from 'node:fs';

/** How many bytes have moved, maybe not all that were asked for; or the system's error. */
export type Moved = (error: NodeJS.ErrnoException | null, bytes: number) => void;

/** Positioned transfers of one open file, any number at once, ended in any order, none within its call. */
export interface Transfers {
  /** Reads from `position` into `memory` at `at`. */
  read(memory: Uint8Array, at: number, lengthBytes: number, position: number, done: Moved): void;
  /** Writes what lies in `memory` at `at` to `position`. */
  write(memory: Uint8Array, at: number, lengthBytes: number, position: number, done: Moved): void;
  /** fdatasync. */
  sync(done: (error: NodeJS.ErrnoException | null) => void): void;
  /** Called once, when nothing is under way. The file stays open. */
  close(): void;
}

/** On the threads of libuv. */
export class ThreadTransfers implements Transfers {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  read(memory: Uint8Array, at: number, lengthBytes: number, position: number, done: Moved): void {
    fs.read(this.#fd, memory, at, lengthBytes, position, done);
  }

  write(memory: Uint8Array, at: number, lengthBytes: number, position: number, done: Moved): void {
    fs.write(this.#fd, memory, at, lengthBytes, position, done);
  }

  sync(done: (error: NodeJS.ErrnoException | null) => void): void {
    fs.fdatasync(this.#fd, done);
  }

  close(): void {
    // The threads are the process's.
  }
}
