/**
 * Reads a request out of a ring: the chain of descriptors that begins at a head, with its indirect
 * table where it has one, as pieces of windows: what the driver filled, then what the device is to fill.
 *
 * The driver can change memory while it is read. So every number is read once, checked, and used as
 * it was read; what the data itself says is nobody's concern here.
 */
import type { GuestMemory, Window } from './memory.js';
import {
  DESCRIPTOR_BYTES,
  DESCRIPTOR_INDIRECT,
  DESCRIPTOR_NEXT,
  DESCRIPTOR_WRITE,
  SEGMENTS_MAX,
} from '../../wire/vhost/virtqueue.js';

/** The driver has broken the rules of the ring: it is not served any further. */
export class RingViolation extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RingViolation';
  }
}

/** A number that lies across pieces, gathered. */
const four = new Uint8Array(4);
const fourAsOne = new Uint32Array(four.buffer);

/** Pieces of windows one after the other; reused, so that a request allocates none. */
export class Segments {
  readonly windows: Window[] = [];
  readonly offsets: number[] = [];
  readonly lengths: number[] = [];
  /** The pieces are those from `first` up to `end`. */
  first = 0;
  end = 0;
  bytes = 0;

  clear(): void {
    this.first = 0;
    this.end = 0;
    this.bytes = 0;
  }

  /** Joins what lies next to what is there already. */
  add(window: Window, offset: number, length: number): void {
    const last = this.end - 1;
    this.bytes += length;
    if (last >= 0 && this.windows[last] === window && this.offsets[last]! + this.lengths[last]! === offset) {
      this.lengths[last]! += length;
      return;
    }
    this.windows[this.end] = window;
    this.offsets[this.end] = offset;
    this.lengths[this.end] = length;
    this.end += 1;
  }

  /** Lets go of the first bytes; there must be as many. */
  skip(bytes: number): void {
    this.bytes -= bytes;
    let left = bytes;
    while (left > 0) {
      const length = this.lengths[this.first]!;
      if (length > left) {
        this.offsets[this.first]! += left;
        this.lengths[this.first]! -= left;
        return;
      }
      left -= length;
      this.first += 1;
    }
  }

  /** Lets go of the last byte and says where it is; there must be one. */
  dropLast(): { window: Window; offset: number } {
    let last = this.end - 1;
    while (this.lengths[last] === 0) last -= 1;
    this.lengths[last]! -= 1;
    this.bytes -= 1;
    const offset = this.offsets[last]! + this.lengths[last]!;
    this.end = this.lengths[last] === 0 ? last : last + 1;
    return { window: this.windows[last]!, offset };
  }

  /** All of it as one piece of the guest's memory; null where it is in several. */
  whole(): Uint8Array | null {
    if (this.end - this.first !== 1) return null;
    const from = this.offsets[this.first]!;
    // A third of what subarray costs, which asks for the species first.
    return new Uint8Array(this.windows[this.first]!.buffer, from, this.bytes);
  }

  /** Takes the first 32 bits off; there must be as many. */
  takeU32(): number {
    const offset = this.offsets[this.first]!;
    const window = this.windows[this.first]!;
    if ((offset & 3) === 0 && this.lengths[this.first]! >= 4) {
      this.skip(4);
      return window.u32[offset >>> 2]!;
    }
    this.copyTo(four);
    this.skip(4);
    return fourAsOne[0]!;
  }

  /** Copies from the beginning, as much as `into` takes. */
  copyTo(into: Uint8Array): void {
    this.#each(into.length, (place, at) => into.set(place, at));
  }

  /** Copies from `from`, as much as there is room for. */
  copyFrom(from: Uint8Array): void {
    this.#each(from.length, (place, at) => place.set(from.subarray(at, at + place.length)));
  }

  /** What it says now, for later. */
  copy(): Segments {
    const copy = new Segments();
    for (let i = this.first; i < this.end; i++) copy.add(this.windows[i]!, this.offsets[i]!, this.lengths[i]!);
    return copy;
  }

  #each(bytes: number, fn: (place: Uint8Array, at: number) => void): void {
    let at = 0;
    for (let i = this.first; i < this.end && at < bytes; i++) {
      const length = Math.min(this.lengths[i]!, bytes - at);
      const from = this.offsets[i]!;
      fn(this.windows[i]!.u8.subarray(from, from + length), at);
      at += length;
    }
  }
}

/** Where a table of descriptors is: numbers of 32 and 16 bits, and where in those it begins. */
interface Table {
  u32: Uint32Array;
  u16: Uint16Array;
  at32: number;
  size: number;
}

export class ChainReader {
  /** Filled by the driver. */
  readonly out = new Segments();
  /** To be filled by the device. */
  readonly into = new Segments();
  readonly #memory: GuestMemory;
  readonly #ring: Table;
  readonly #indirect: Table;

  /** The descriptors of the ring: `size` of them in `window` from `offset`, a multiple of 4. */
  constructor(memory: GuestMemory, window: Window, offset: number, size: number) {
    this.#memory = memory;
    this.#ring = { u32: window.u32, u16: window.u16, at32: offset >>> 2, size };
    this.#indirect = { ...this.#ring };
  }

  /** @throws RingViolation */
  read(head: number): void {
    const { out, into } = this;
    out.clear();
    into.clear();
    let table = this.#ring;
    if (head >= table.size) throw new RingViolation(`there is no descriptor ${String(head)}`);
    let index = head;
    for (let seen = 1; ; seen++) {
      const at = table.at32 + index * (DESCRIPTOR_BYTES / 4);
      const address = table.u32[at]! + table.u32[at + 1]! * 2 ** 32;
      const length = table.u32[at + 2]!;
      const flags = table.u16[2 * at + 6]!;
      const next = table.u16[2 * at + 7]!;
      if ((flags & DESCRIPTOR_INDIRECT) !== 0) {
        if (table !== this.#ring) throw new RingViolation('an indirect table must not name another');
        if ((flags & DESCRIPTOR_NEXT) !== 0) throw new RingViolation('nothing may follow an indirect table');
        table = this.#findTable(address, length);
        index = 0;
        continue;
      }
      this.#take(address, length, (flags & DESCRIPTOR_WRITE) !== 0);
      if ((flags & DESCRIPTOR_NEXT) === 0) return;
      // A chain that is longer than its table comes back to where it was.
      if (seen > table.size || seen > SEGMENTS_MAX) throw new RingViolation('a chain of descriptors has no end');
      if (next >= table.size) throw new RingViolation(`there is no descriptor ${String(next)}`);
      index = next;
    }
  }

  #take(address: number, length: number, writable: boolean): void {
    if (!writable && this.into.bytes > 0) throw new RingViolation('what the driver fills must come first');
    const segments = writable ? this.into : this.out;
    let from = address;
    let left = length;
    // Once per window: what crosses from one into the next is cut there.
    while (left > 0) {
      const window = this.#memory.find(from);
      if (window === null) throw new RingViolation(`address 0x${from.toString(16)} is outside of the memory`);
      const offset = from - window.guestAddress;
      const bytes = Math.min(left, window.ownBytes - offset);
      segments.add(window, offset, bytes);
      from += bytes;
      left -= bytes;
    }
  }

  #findTable(address: number, length: number): Table {
    const size = length / DESCRIPTOR_BYTES;
    if (!Number.isInteger(size) || size === 0 || size > SEGMENTS_MAX) {
      throw new RingViolation(
        `an indirect table must have 1 to ${String(SEGMENTS_MAX)} descriptors, got ${String(length)} bytes`,
      );
    }
    const window = this.#memory.find(address);
    const offset = window === null ? 0 : address - window.guestAddress;
    if (window === null || offset + length > window.sizeBytes) {
      throw new RingViolation(`an indirect table at 0x${address.toString(16)} is outside of the memory`);
    }
    if (offset % 4 !== 0) throw new RingViolation(`an indirect table must begin at a multiple of 4`);
    const table = this.#indirect;
    table.u32 = window.u32;
    table.u16 = window.u16;
    table.at32 = offset >>> 2;
    table.size = size;
    return table;
  }
}
