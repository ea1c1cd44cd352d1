/** A filebench file set: sizes by its distribution, places on the virtual disk in random order. */
import type { Rng } from '../../../core/ports.js';
import { FILEBENCH } from '../parameters.js';
import { shuffled } from '../shuffle.js';
import { FILE_BYTES_MAX, fileBytes } from './file-sizes.js';

export class FileSet {
  /** By index: where it begins, and how long it is, in whole pages. 0 pages: it does not exist. */
  readonly offsets: Float64Array;
  readonly bytes: Uint32Array;
  /** From the beginning of the first to the end of the last, with the room kept behind each. */
  readonly areaBytes: number;
  /** Where the rotations go on. */
  #toRead = 0;
  #toCreate = 0;
  #toDelete = 0;

  /** @param part of the files that exist at the start, 0..1 */
  constructor(files: number, part: number, rng: Rng) {
    this.offsets = new Float64Array(files);
    this.bytes = new Uint32Array(files);
    this.areaBytes = this.#place(shuffled(files, rng), part, rng);
  }

  get size(): number {
    return this.bytes.length;
  }

  /** The next existing file in rotation: filebench opens so, not at random. */
  nextToRead(): number {
    const file = this.#next(this.#toRead, true);
    this.#toRead = file + 1;
    return file;
  }

  /** The next existing file in a rotation of its own. */
  nextToDelete(): number {
    const file = this.#next(this.#toDelete, true);
    this.#toDelete = file + 1;
    return file;
  }

  nextToCreate(): number {
    const file = this.#next(this.#toCreate, false);
    this.#toCreate = file + 1;
    return file;
  }

  /** Lengthens a file; what was added begins at the returned place, in whole pages. */
  append(file: number, lengthBytes: number): number {
    const before = this.bytes[file]!;
    const added = Math.min(wholePages(lengthBytes), FILE_BYTES_MAX);
    const from = Math.min(before, FILE_BYTES_MAX - added);
    this.bytes[file] = from + added;
    return this.offsets[file]! + from;
  }

  /** Places the files side by side; where the last of them ends. */
  #place(order: Uint32Array, part: number, rng: Rng): number {
    let offset = 0;
    for (let i = 0; i < order.length; i++) {
      const file = order[i]!;
      const size = fileBytes(rng);
      this.offsets[file] = offset;
      this.bytes[file] = part === 1 || rng.next() < part ? size : 0;
      // A set that grows by appends keeps room for it behind each file.
      offset += part < 1 ? FILE_BYTES_MAX : size;
    }
    return offset;
  }

  /** The first from `from` on, around the end, that exists or does not. */
  #next(from: number, exists: boolean): number {
    const { bytes } = this;
    for (let i = from; i < bytes.length; i++) if (bytes[i]! > 0 === exists) return i;
    for (let i = 0; i < from; i++) if (bytes[i]! > 0 === exists) return i;
    throw new Error(exists ? 'no file exists' : 'all files exist');
  }
}

export function wholePages(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / FILEBENCH.pageBytes)) * FILEBENCH.pageBytes;
}
