/**
 * The driver's side of one queue: fills rings in memory of its own, as a guest's kernel would.
 *
 *   descriptors │ available │ used │ areas, one a slot: header, status, ranges, indirect table, data
 *
 * A slot is a request that is described once and can be sent again and again.
 */
import { BLK_HEADER_BYTES, encodeBlkHeader, type BlkHeader } from '../../src/wire/vhost/blk.js';
import {
  DESCRIPTOR_BYTES,
  DESCRIPTOR_INDIRECT,
  DESCRIPTOR_NEXT,
  DESCRIPTOR_WRITE,
  INDEX_MASK,
  NO_NOTIFY,
  availableBytes,
  descriptorsBytes,
  passesEvent,
  usedBytes,
} from '../../src/wire/vhost/virtqueue.js';

const STATUS_AT = BLK_HEADER_BYTES;
const TABLE_AT = 64;
const TABLE_ENTRIES = 32;
const DATA_AT = TABLE_AT + TABLE_ENTRIES * DESCRIPTOR_BYTES;
/** What the status byte holds until the device writes it. */
export const STATUS_UNTOUCHED = 0xaa;

export interface QueueShape {
  readonly size: number;
  /** Segments of data that a slot can have. */
  readonly segments: number;
  readonly areaBytes: number;
  readonly indirect: boolean;
  readonly eventIndex: boolean;
}

/** A piece of data of a request: where in its slot's area, and how long. */
export interface DataSegment {
  readonly at: number;
  readonly bytes: number;
}

export interface Described extends BlkHeader {
  /** Whether the device writes the data. */
  readonly reads: boolean;
  readonly data: readonly DataSegment[];
}

export function queueBytes({ size, segments, areaBytes, indirect }: QueueShape): number {
  const slots = indirect ? size : Math.floor(size / (segments + 2));
  return areasAt(size) + slots * areaBytes;
}

function areasAt(size: number): number {
  const end = descriptorsBytes(size) + align(availableBytes(size), 4) + usedBytes(size);
  return align(end, 4_096);
}

export class DriverQueue {
  readonly slots: number;
  readonly bytes: Buffer;
  /** Offsets of the three parts within the memory. */
  readonly descriptorsAt: number;
  readonly availableAt: number;
  readonly usedAt: number;
  readonly #shape: QueueShape;
  /** Guest address of the memory's first byte. */
  readonly #guestAddress: number;
  readonly #areasAt: number;
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;
  readonly #u8: Uint8Array;
  #available = 0;
  #shown = 0;
  #used = 0;

  /** @param at where in the memory this queue begins, a multiple of the page */
  constructor(memory: ArrayBuffer, at: number, guestAddress: number, shape: QueueShape) {
    this.#shape = shape;
    this.#guestAddress = guestAddress;
    this.#u8 = new Uint8Array(memory);
    this.#u16 = new Uint16Array(memory);
    this.#u32 = new Uint32Array(memory);
    this.bytes = Buffer.from(memory);
    this.descriptorsAt = at;
    this.availableAt = at + descriptorsBytes(shape.size);
    this.usedAt = this.availableAt + align(availableBytes(shape.size), 4);
    this.#areasAt = at + areasAt(shape.size);
    this.slots = shape.indirect ? shape.size : Math.floor(shape.size / (shape.segments + 2));
  }

  get inFlight(): number {
    return (this.#available - this.#used) & INDEX_MASK;
  }

  /** Places in the available ring that have been filled. */
  get availableIndex(): number {
    return this.#available;
  }

  /** Where in the memory a slot's data begins. */
  dataAt(slot: number): number {
    return this.#areaAt(slot) + DATA_AT;
  }

  head(slot: number): number {
    return this.#shape.indirect ? slot : slot * (this.#shape.segments + 2);
  }

  slotOf(head: number): number {
    return this.#shape.indirect ? head : Math.floor(head / (this.#shape.segments + 2));
  }

  status(slot: number): number {
    return this.#u8[this.#areaAt(slot) + STATUS_AT]!;
  }

  /** Writes header and descriptors of a slot's request. */
  describe(slot: number, request: Described): void {
    const area = this.#areaAt(slot);
    this.bytes.set(encodeBlkHeader(request), area);
    const write = request.reads ? DESCRIPTOR_WRITE : 0;
    const parts = [
      { at: area, bytes: BLK_HEADER_BYTES, flags: 0 },
      ...request.data.map(({ at, bytes }) => ({ at: area + DATA_AT + at, bytes, flags: write })),
      { at: area + STATUS_AT, bytes: 1, flags: DESCRIPTOR_WRITE },
    ];
    const first = this.head(slot);
    if (this.#shape.indirect) {
      const table = area + TABLE_AT;
      for (const [i, part] of parts.entries()) {
        const more = i + 1 < parts.length;
        this.descriptor(table, i, part.at, part.bytes, part.flags | (more ? DESCRIPTOR_NEXT : 0), more ? i + 1 : 0);
      }
      this.descriptor(this.descriptorsAt, first, table, parts.length * DESCRIPTOR_BYTES, DESCRIPTOR_INDIRECT, 0);
      return;
    }
    for (const [i, part] of parts.entries()) {
      const more = i + 1 < parts.length;
      const flags = part.flags | (more ? DESCRIPTOR_NEXT : 0);
      this.descriptor(this.descriptorsAt, first + i, part.at, part.bytes, flags, more ? first + i + 1 : 0);
    }
  }

  /** One descriptor of a table; `target` is a place in the memory. */
  descriptor(table: number, index: number, target: number, bytes: number, flags: number, next: number): void {
    const at = table + index * DESCRIPTOR_BYTES;
    this.bytes.writeBigUInt64LE(BigInt(this.#guestAddress + target), at);
    this.bytes.writeUInt32LE(bytes, at + 8);
    this.bytes.writeUInt16LE(flags, at + 12);
    this.bytes.writeUInt16LE(next, at + 14);
  }

  /** Another place for a slot's request. */
  aim(slot: number, sector: number): void {
    const at = this.#areaAt(slot) >> 2;
    this.#u32[at + 2] = sector >>> 0;
    this.#u32[at + 3] = Math.floor(sector / 2 ** 32);
  }

  /** Puts a slot's request into the ring; seen by the device once it is shown. */
  push(slot: number): void {
    this.#u8[this.#areaAt(slot) + STATUS_AT] = STATUS_UNTOUCHED;
    const { size } = this.#shape;
    this.#u16[(this.availableAt >> 1) + 2 + (this.#available & (size - 1))] = this.head(slot);
    this.#available = (this.#available + 1) & INDEX_MASK;
  }

  /** Shows the device what was pushed. True where it wants a kick for it. */
  show(): boolean {
    const before = this.#shown;
    this.#shown = this.#available;
    Atomics.store(this.#u16, (this.availableAt >> 1) + 1, this.#available);
    const used = this.usedAt >> 1;
    if (!this.#shape.eventIndex) return (Atomics.load(this.#u16, used) & NO_NOTIFY) === 0;
    return passesEvent(Atomics.load(this.#u16, used + 2 + 4 * this.#shape.size), this.#available, before);
  }

  /** Calls for each request that was answered since. Returns how many. */
  reap(fn: (slot: number, bytes: number) => void): number {
    const index = Atomics.load(this.#u16, (this.usedAt >> 1) + 1);
    let count = 0;
    for (; this.#used !== index; count++) {
      const at = (this.usedAt >> 2) + 1 + 2 * (this.#used & (this.#shape.size - 1));
      this.#used = (this.#used + 1) & INDEX_MASK;
      fn(this.slotOf(this.#u32[at]!), this.#u32[at + 1]!);
    }
    return count;
  }

  /** Asks for an interrupt at the next answer. False where one is there already. */
  askForInterrupt(): boolean {
    const at = this.availableAt >> 1;
    if (this.#shape.eventIndex) Atomics.store(this.#u16, at + 2 + this.#shape.size, this.#used);
    else Atomics.store(this.#u16, at, 0);
    return Atomics.load(this.#u16, (this.usedAt >> 1) + 1) === this.#used;
  }

  refuseInterrupts(): void {
    if (!this.#shape.eventIndex) Atomics.store(this.#u16, this.availableAt >> 1, 1);
  }

  /** As after a reset of the device: both rings begin anew. */
  reset(): void {
    this.bytes.fill(0, this.descriptorsAt, this.#areasAt);
    this.#available = 0;
    this.#shown = 0;
    this.#used = 0;
  }

  #areaAt(slot: number): number {
    return this.#areasAt + slot * this.#shape.areaBytes;
  }
}

function align(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to;
}
