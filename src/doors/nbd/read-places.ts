/**
 * Memory for what small reads bring, used again as soon as an answer has been copied out of it: a read costs
 * no buffer. Sizes are powers of two; for others a device makes its own.
 */
import { COPIED_BYTES_MAX } from './reply-writer.js';

/** Kept of each size. */
const KEPT_MAX = 256;
const BYTES_MIN = 512;

export class ReadPlaces {
  /** By log2 of the size. */
  readonly #kept: Buffer[][] = Array.from({ length: 1 + Math.log2(COPIED_BYTES_MAX) }, () => []);

  /** null where the size is not one of these. */
  take(bytes: number): Buffer | null {
    if (bytes < BYTES_MIN || bytes > COPIED_BYTES_MAX || (bytes & (bytes - 1)) !== 0) return null;
    return this.#kept[31 - Math.clz32(bytes)]!.pop() ?? Buffer.allocUnsafeSlow(bytes);
  }

  /** One that was taken, and that nobody writes into any more. */
  give(place: Buffer): void {
    const kept = this.#kept[31 - Math.clz32(place.length)]!;
    if (kept.length < KEPT_MAX) kept.push(place);
  }
}
