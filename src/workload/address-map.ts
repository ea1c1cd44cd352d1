/** Fits a trace's addresses to a device: traces come from disks of any size. */
import { invalid } from '../core/model/errors.js';

export const ADDRESS_MAPS = ['fold', 'scale'] as const;
/**
 * `fold`: offset modulo the device's size, so that runs stay sequential. `scale`: the trace's span is
 * stretched or shrunk to the device, so that far stays far; runs are not kept.
 */
export type AddressMapName = (typeof ADDRESS_MAPS)[number];

/** What databases and file systems align to; kept where the trace has it. */
const ALIGNMENT_MAX = 4_096;

/** @throws SluiceError INVALID_ARGUMENT */
export function checkAddressMap(text: string, field = '--map'): AddressMapName {
  const found = ADDRESS_MAPS.find((name) => name === text);
  if (found === undefined) throw invalid(field, `one of ${ADDRESS_MAPS.join(', ')}`, text);
  return found;
}

/**
 * Places ranges on a device. What comes out is a multiple of blockBytes in offset and length: the
 * start is rounded down and the end up, so that every byte asked for is covered.
 */
export class AddressMap {
  /** The range that place() made. */
  offset = 0;
  lengthBytes = 0;

  readonly #name: AddressMapName;
  readonly #scale: number;
  readonly #foldBytes: number;
  readonly #sizeBytes: number;
  readonly #blockBytes: number;

  /** @param spanBytes one past the last byte that the trace touches */
  constructor(name: AddressMapName, spanBytes: number, sizeBytes: number, blockBytes: number) {
    this.#name = name;
    this.#scale = spanBytes > 0 ? sizeBytes / spanBytes : 1;
    // Folding at an odd size would shift all that lies behind it off its 4 KiB grid.
    const aligned = sizeBytes - (sizeBytes % ALIGNMENT_MAX);
    this.#foldBytes = aligned > 0 ? aligned : sizeBytes;
    this.#sizeBytes = sizeBytes;
    this.#blockBytes = blockBytes;
  }

  place(offset: number, lengthBytes: number): void {
    const block = this.#blockBytes;
    const first = offset - (offset % block);
    const over = (offset + lengthBytes) % block;
    const length = offset + lengthBytes - first + (over === 0 ? 0 : block - over);
    this.lengthBytes = Math.min(length, this.#sizeBytes);
    const start = this.#start(first);
    // A range that would run over the end is moved back as a whole.
    this.offset = Math.min(start, this.#sizeBytes - this.lengthBytes);
  }

  #start(first: number): number {
    switch (this.#name) {
      case 'fold':
        return first + this.lengthBytes <= this.#sizeBytes ? first : first % this.#foldBytes;
      case 'scale': {
        const grain = alignment(first, this.#blockBytes);
        return Math.floor((first * this.#scale) / grain) * grain;
      }
    }
  }
}

/** The largest power of two up to 4096 that divides the offset, and at least a block. */
function alignment(offset: number, blockBytes: number): number {
  let grain = Math.max(ALIGNMENT_MAX, blockBytes);
  while (grain > blockBytes && offset % grain !== 0) grain /= 2;
  return grain;
}
