/**
 * The two rings of one queue, and who is told when.
 *
 * The driver is another process that writes while we read. Each index is loaded and stored as an atomic:
 * what was written before it is seen with it, in either direction, and between storing our index and
 * loading the other side's wish to be told no other order is possible. So no wake-up is lost.
 */
import { SluiceError } from '../../core/model/errors.js';
import type { RingAddresses } from '../../wire/vhost/messages.js';
import {
  INDEX_MASK,
  NO_INTERRUPT,
  NO_NOTIFY,
  availableBytes,
  descriptorsBytes,
  passesEvent,
  usedBytes,
} from '../../wire/vhost/virtqueue.js';
import { RingViolation } from './chain.js';
import type { GuestMemory, Window } from './memory.js';

/** One of the three parts of a queue. */
interface Part {
  readonly window: Window;
  /** In bytes from the window's beginning. */
  readonly offset: number;
}

export class Virtqueue {
  readonly size: number;
  readonly descriptors: Part;
  readonly #mask: number;
  readonly #eventIndex: boolean;
  readonly #available: Uint16Array;
  /** Of flags, in numbers of 16 bits; idx follows, then the ring. */
  readonly #availableAt: number;
  readonly #used16: Uint16Array;
  readonly #used16At: number;
  readonly #used32: Uint32Array;
  readonly #used32At: number;
  /** The next entry to take, and the next to fill; they run through 16 bits. */
  #taken: number;
  #filled: number;
  #published: number;

  /**
   * @param taken where the driver's ring stands; null: as far as what has been answered
   * @throws SluiceError INVALID_ARGUMENT where a part is not within the memory
   */
  constructor(memory: GuestMemory, addresses: RingAddresses, size: number, eventIndex: boolean, taken: number | null) {
    this.size = size;
    this.#mask = size - 1;
    this.#eventIndex = eventIndex;
    this.descriptors = find(memory, 'descriptors', addresses.descriptors, descriptorsBytes(size), 16);
    const available = find(memory, 'available ring', addresses.available, availableBytes(size), 2);
    const used = find(memory, 'used ring', addresses.used, usedBytes(size), 4);
    this.#available = available.window.u16;
    this.#availableAt = available.offset >>> 1;
    this.#used16 = used.window.u16;
    this.#used16At = used.offset >>> 1;
    this.#used32 = used.window.u32;
    this.#used32At = used.offset >>> 2;
    this.#filled = Atomics.load(this.#used16, this.#used16At + 1);
    this.#published = this.#filled;
    this.#taken = taken ?? this.#filled;
  }

  get usedIndex(): number {
    return this.#published;
  }

  /** What GET_VRING_BASE answers. */
  get takenIndex(): number {
    return this.#taken;
  }

  /** Entries that have been taken before this queue was looked at. */
  skip(count: number): void {
    this.#taken = (this.#taken + count) & INDEX_MASK;
  }

  /** Requests that wait to be taken. @throws RingViolation */
  waiting(): number {
    const count = (Atomics.load(this.#available, this.#availableAt + 1) - this.#taken) & INDEX_MASK;
    if (count > this.size) throw new RingViolation(`the index of the available ring jumped by ${String(count)}`);
    return count;
  }

  /** The head of the next request; only where one waits. */
  take(): number {
    const head = this.#available[this.#availableAt + 2 + (this.#taken & this.#mask)]!;
    this.#taken = (this.#taken + 1) & INDEX_MASK;
    return head;
  }

  /** The request at `head` is answered, with `bytes` written into its memory; seen once it is published. */
  put(head: number, bytes: number): void {
    const at = this.#used32At + 1 + 2 * (this.#filled & this.#mask);
    this.#used32[at] = head;
    this.#used32[at + 1] = bytes;
    this.#filled = (this.#filled + 1) & INDEX_MASK;
  }

  /** Shows the driver what was put. True where it wants an interrupt for it. */
  publish(): boolean {
    const before = this.#published;
    this.#published = this.#filled;
    Atomics.store(this.#used16, this.#used16At + 1, this.#filled);
    if (!this.#eventIndex) return (Atomics.load(this.#available, this.#availableAt) & NO_INTERRUPT) === 0;
    const event = Atomics.load(this.#available, this.#availableAt + 2 + this.size);
    return passesEvent(event, this.#filled, before);
  }

  /** Asks to be kicked at the next request. False where one waits already: take it first. @throws RingViolation */
  askForKick(): boolean {
    if (this.#eventIndex) Atomics.store(this.#used16, this.#used16At + 2 + 4 * this.size, this.#taken);
    else Atomics.store(this.#used16, this.#used16At, 0);
    return this.waiting() === 0;
  }

  /** Kicks are of no use for now. With event indices a place that has been passed says so by itself. */
  refuseKicks(): void {
    if (!this.#eventIndex) Atomics.store(this.#used16, this.#used16At, NO_NOTIFY);
  }
}

function find(memory: GuestMemory, what: string, address: number, bytes: number, alignment: number): Part {
  const window = memory.findRing(address, bytes);
  if (window === null || address % alignment !== 0) {
    throw new SluiceError(
      'INVALID_ARGUMENT',
      `${what} must be ${String(bytes)} bytes within the shared memory at a multiple of ${String(alignment)}, got address 0x${address.toString(16)}`,
    );
  }
  return { window, offset: address - window.userAddress };
}
