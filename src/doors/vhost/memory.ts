/**
 * The memory of a guest, as far as it was shared: regions of files that are mapped here.
 *
 * Three things could end the service, and each is shut out where it would begin:
 * - A file that shrinks under a mapping raises SIGBUS on access. Only files that are sealed against it
 *   are taken, and a region must lie within its file, which then holds for ever.
 * - A view that outlives its mapping. The mapping ends when the last user has let go (`retain`,
 *   `release`): a request holds it until the device has given its buffer back.
 * - An address outside. Everything that a guest names is looked up here, with its length.
 *
 * A region is seen through windows of 1 GiB, since an ArrayBuffer has a largest size. They overlap by
 * more than any ring or table of descriptors is long, so that each of these lies within one window.
 */
import { fstatSync } from 'node:fs';
import { SluiceError } from '../../core/model/errors.js';
import { GIB, KIB } from '../../core/model/units.js';
import type { MemoryRegion } from '../../wire/vhost/messages.js';
import type { Mapping, NativeSystem } from './system.js';

const WINDOW_BYTES = GIB;
const OVERLAP_BYTES = 64 * KIB;
const PAGE_BYTES = 4 * KIB;

/** A piece of a region, seen as bytes and as the numbers that rings are made of. */
export class Window {
  readonly guestAddress: number;
  readonly userAddress: number;
  /** Without what overlaps the next one. */
  readonly ownBytes: number;
  readonly sizeBytes: number;
  readonly buffer: ArrayBuffer;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;

  constructor(region: MemoryRegion, offset: number, buffer: ArrayBuffer, ownBytes: number) {
    this.guestAddress = region.guestAddress + offset;
    this.userAddress = region.userAddress + offset;
    this.ownBytes = ownBytes;
    this.sizeBytes = buffer.byteLength;
    this.buffer = buffer;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
  }
}

export class GuestMemory {
  readonly #windows: readonly Window[];
  readonly #mappings: readonly Mapping[];
  #users = 1;
  /** Requests come in runs from the same window. */
  #last: Window | null = null;

  private constructor(windows: readonly Window[], mappings: readonly Mapping[]) {
    this.#windows = windows;
    this.#mappings = mappings;
  }

  /**
   * Maps the regions, each from the file in the same place of `files`; the files stay the caller's.
   * @throws SluiceError INVALID_ARGUMENT with what is wrong; nothing is mapped then
   */
  static map(system: NativeSystem, regions: readonly MemoryRegion[], files: readonly number[]): GuestMemory {
    if (regions.length !== files.length) {
      throw refusal(`${String(regions.length)} regions came with ${String(files.length)} files`);
    }
    for (const [i, region] of regions.entries()) check(system, region, files[i]!, regions.slice(0, i));
    const mappings: Mapping[] = [];
    const windows: Window[] = [];
    try {
      for (const [i, region] of regions.entries()) {
        const mapping = system.map(files[i]!, region.fileOffset, region.sizeBytes);
        mappings.push(mapping);
        for (let at = 0; at < region.sizeBytes; at += WINDOW_BYTES) {
          const left = region.sizeBytes - at;
          const view = mapping.view(at, Math.min(left, WINDOW_BYTES + OVERLAP_BYTES));
          windows.push(new Window(region, at, view, Math.min(left, WINDOW_BYTES)));
        }
      }
    } catch (error) {
      for (const mapping of mappings) mapping.unmap();
      throw error;
    }
    return new GuestMemory(windows, mappings);
  }

  /** The window that the address of the guest lies in, with bytes that are its own; null where there is none. */
  find(guestAddress: number): Window | null {
    const last = this.#last;
    if (last !== null && guestAddress >= last.guestAddress && guestAddress - last.guestAddress < last.ownBytes) {
      return last;
    }
    for (const window of this.#windows) {
      if (guestAddress >= window.guestAddress && guestAddress - window.guestAddress < window.ownBytes) {
        this.#last = window;
        return window;
      }
    }
    return null;
  }

  /** The same by an address of the front end, for a range that is a ring's. */
  findRing(userAddress: number, sizeBytes: number): Window | null {
    for (const window of this.#windows) {
      const offset = userAddress - window.userAddress;
      if (offset >= 0 && offset < window.ownBytes && offset + sizeBytes <= window.sizeBytes) return window;
    }
    return null;
  }

  retain(): void {
    this.#users += 1;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) for (const mapping of this.#mappings) mapping.unmap();
  }

  /** Nobody looks at it any more. */
  get unmapped(): boolean {
    return this.#users === 0;
  }
}

function check(system: NativeSystem, region: MemoryRegion, file: number, before: readonly MemoryRegion[]): void {
  const { guestAddress, userAddress, sizeBytes, fileOffset } = region;
  if ([guestAddress, userAddress, sizeBytes, fileOffset].some((value) => value % PAGE_BYTES !== 0) || sizeBytes === 0) {
    throw refusal(`a region must begin and end at a page, got ${String(sizeBytes)} bytes at ${String(fileOffset)}`);
  }
  if ([guestAddress, userAddress, fileOffset].some((value) => value + sizeBytes > Number.MAX_SAFE_INTEGER)) {
    throw refusal('a region must end below 2^53');
  }
  const overlaps = (from: number, other: number, otherBytes: number): boolean =>
    from < other + otherBytes && other < from + sizeBytes;
  for (const other of before) {
    if (
      overlaps(guestAddress, other.guestAddress, other.sizeBytes) ||
      overlaps(userAddress, other.userAddress, other.sizeBytes)
    ) {
      throw refusal('regions must not overlap');
    }
  }
  if (!system.cannotShrink(file)) {
    throw refusal('it must be a memfd of ordinary pages that is sealed against shrinking (memory-backend-memfd)');
  }
  const fileBytes = fstatSync(file).size;
  if (fileOffset + sizeBytes > fileBytes) {
    throw refusal(`a region ends at ${String(fileOffset + sizeBytes)} of a file of ${String(fileBytes)} bytes`);
  }
}

function refusal(why: string): SluiceError {
  return new SluiceError('INVALID_ARGUMENT', `the guest's memory cannot be taken: ${why}`);
}
