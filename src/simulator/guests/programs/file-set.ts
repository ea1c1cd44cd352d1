/** A filebench file set: sizes by its gamma distribution, places on the virtual disk in random order. */
import type { Rng } from '../../../core/ports.js';
import { FILEBENCH } from '../parameters.js';

/** Most that one file takes up on the disk: appends that would pass it are cut. */
const PLACE_BYTES_MAX = 128 * 1_024;

export class FileSet {
  /** By index: where it begins, and how long it is, in whole pages. 0 pages: it does not exist. */
  readonly offsets: Float64Array;
  readonly bytes: Float64Array;
  /** From the beginning of the first to the end of the last, with the room kept behind each. */
  readonly areaBytes: number;
  readonly #rotor = { read: 0, create: 0, delete: 0 };

  /** @param part of the files that exist at the start, 0..1 */
  constructor(files: number, part: number, rng: Rng) {
    this.offsets = new Float64Array(files);
    this.bytes = new Float64Array(files);
    const order = new Uint32Array(files).map((_, i) => i);
    for (let i = files - 1; i > 0; i--) {
      const j = rng.below(i + 1);
      const file = order[i]!;
      order[i] = order[j]!;
      order[j] = file;
    }
    let offset = 0;
    for (const file of order) {
      const size = Math.min(PLACE_BYTES_MAX, wholePages(gamma(rng)));
      this.offsets[file] = offset;
      this.bytes[file] = rng.next() < part ? size : 0;
      // A set that grows by appends keeps room for it behind each file.
      offset += part < 1 ? PLACE_BYTES_MAX : size;
    }
    this.areaBytes = offset;
  }

  get size(): number {
    return this.bytes.length;
  }

  /** The next existing file in rotation: filebench opens so, not at random. */
  nextExisting(rotor: 'read' | 'delete'): number {
    return this.#turn(rotor, (bytes) => bytes > 0);
  }

  nextMissing(): number {
    return this.#turn('create', (bytes) => bytes === 0);
  }

  /** Lengthens a file; what was added begins at the returned place, in whole pages. */
  append(file: number, lengthBytes: number): number {
    const before = this.bytes[file]!;
    const added = Math.min(wholePages(lengthBytes), PLACE_BYTES_MAX);
    const from = Math.min(before, PLACE_BYTES_MAX - added);
    this.bytes[file] = from + added;
    return this.offsets[file]! + from;
  }

  #turn(rotor: 'read' | 'create' | 'delete', fits: (bytes: number) => boolean): number {
    for (let i = 0; i < this.size; i++) {
      const file = this.#rotor[rotor];
      this.#rotor[rotor] = (file + 1) % this.size;
      if (fits(this.bytes[file]!)) return file;
    }
    throw new Error(`no file to ${rotor}`);
  }
}

export function wholePages(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / FILEBENCH.pageBytes)) * FILEBENCH.pageBytes;
}

/** A gamma variate of filebench's mean and shape: Marsaglia and Tsang, ACM Transactions on Mathematical Software 26(3), 2000. */
function gamma(rng: Rng): number {
  const { fileBytesMean, gammaShape } = FILEBENCH;
  const d = gammaShape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root * root * root;
    const u = 1 - rng.next();
    // Their squeeze: what lies below it lies below the second line too, which takes two logarithms.
    if (u < 1 - 0.0331 * x * x * x * x || Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v))
      return (d * v * fileBytesMean) / gammaShape;
  }
}
