/**
 * Blocks that were read lately, in memory ahead of the scheduler: a request whose blocks are all here is
 * served at once, whatever its tag is owed.
 *
 * What is kept is what the device would say. A change makes the device's answer uncertain from when it
 * is sent until it has come back, failed or not; a read says what held at some time between its own
 * sending and its return. So:
 *
 *   change sent  ─▶ its lines are dropped, reads of them that are out may not fill
 *   read sent    ─▶ may fill, unless a change of its lines is out
 *   read back    ─▶ fills, if it still may
 *   change back  ─▶ reads sent from now on may fill
 *
 * Invariant: a line that is here was read from the device after every change of it that has been sent
 * had come back. A request past its I/O timeout has not come back: the device may execute it still.
 *
 * Which line makes room is S3-FIFO's choice (Yang et al., "FIFO queues are all you need for cache eviction",
 * SOSP 2023): new lines go through a small queue, and only those that are asked for again there, or soon
 * after, get into the main one: a scan passes through and leaves what is in use.
 */
import { OPS } from './model/request.js';
import type { DeviceIo } from './model/request.js';
import { LineQueue } from './line-queue.js';
import { KIB } from './model/units.js';

/** What is kept and dropped as one. Blocks that are larger are lines. */
const LINE_BYTES = 4 * KIB;
/** Lines whose memory is had at a time. */
const SLAB_LINES = 256;
/** Part of the lines that the small queue takes. */
const SMALL_PART = 0.1;
const USES_MAX = 3;
/** Uses in the small queue that make a line stay. */
const USES_TO_STAY = 1;
/** More changes out than this are not told apart: nothing is kept until they are fewer. */
const CHANGES_MAX = 1_024;

export class ReadCache {
  readonly #lineBytes: number;
  readonly #linesMax: number;
  readonly #slabs: Uint8Array[] = [];
  /** Line of the device -> slot here. */
  readonly #slots = new Map<number, number>();
  readonly #lineOf: Float64Array;
  readonly #uses: Uint8Array;
  readonly #inMain: Uint8Array;
  readonly #small: LineQueue;
  readonly #main: LineQueue;
  /** Lines that lately went from the small queue, the longest gone first. */
  readonly #gone = new Set<number>();
  readonly #free: number[] = [];
  /** Slots ever used. */
  #made = 0;
  /** Out at the device. */
  readonly #changes = new Set<DeviceIo>();
  /** Out at the device, and may fill. */
  readonly #reads = new Set<DeviceIo>();

  /** @param bytesMax of data; what it takes besides is some 80 bytes a line of 4 KiB */
  constructor(bytesMax: number, blockBytes: number) {
    this.#lineBytes = Math.max(LINE_BYTES, blockBytes);
    this.#linesMax = Math.max(1, Math.floor(bytesMax / this.#lineBytes));
    this.#lineOf = new Float64Array(this.#linesMax);
    this.#uses = new Uint8Array(this.#linesMax);
    this.#inMain = new Uint8Array(this.#linesMax);
    this.#small = new LineQueue(this.#linesMax);
    this.#main = new LineQueue(this.#linesMax);
  }

  /** Bytes of data that are here. */
  get bytes(): number {
    return this.#slots.size * this.#lineBytes;
  }

  /** Whether all of the read is here: then io.data has it. */
  serve(io: DeviceIo): boolean {
    const { offset, lengthBytes } = io;
    const size = this.#lineBytes;
    const first = Math.floor(offset / size);
    const last = Math.floor((offset + lengthBytes - 1) / size);
    for (let line = first; line <= last; line++) if (!this.#slots.has(line)) return false;
    const data = (io.data ??= new Uint8Array(lengthBytes));
    for (let line = first; line <= last; line++) {
      const slot = this.#slots.get(line)!;
      if (this.#uses[slot]! < USES_MAX) this.#uses[slot]! += 1;
      const from = Math.max(offset, line * size);
      const to = Math.min(offset + lengthBytes, (line + 1) * size);
      data.set(this.#bytesOf(slot).subarray(from - line * size, to - line * size), from - offset);
    }
    return true;
  }

  /** It goes to the device now. */
  sent(io: DeviceIo): void {
    if (io.op === OPS.FLUSH) return;
    if (io.op === OPS.READ) {
      // Memory of another's is not copied from: its owner could have changed it between the device and here.
      if (io.data === null && !this.#isUncertain(io)) this.#reads.add(io);
      return;
    }
    this.#changes.add(io);
    this.#drop(io.offset, io.lengthBytes);
    for (const read of this.#reads) if (overlap(read, io)) this.#reads.delete(read);
  }

  /** The device has given it back; io.data is what a read brought. */
  back(io: DeviceIo, ok: boolean): void {
    if (io.op === OPS.READ) {
      if (this.#reads.delete(io) && ok) this.#fill(io);
    } else this.#changes.delete(io);
  }

  /** Whether a change of its blocks is out. */
  #isUncertain(io: DeviceIo): boolean {
    if (this.#changes.size > CHANGES_MAX) return true;
    for (const change of this.#changes) if (overlap(change, io)) return true;
    return false;
  }

  /** Whole lines only. */
  #fill(io: DeviceIo): void {
    const { offset, lengthBytes, data } = io;
    const size = this.#lineBytes;
    const end = Math.floor((offset + lengthBytes) / size);
    for (let line = Math.ceil(offset / size); line < end; line++) {
      if (this.#slots.has(line)) continue;
      const slot = this.#take(line);
      const at = line * size - offset;
      this.#bytesOf(slot).set(data!.subarray(at, at + size));
    }
  }

  #drop(offset: number, lengthBytes: number): void {
    const size = this.#lineBytes;
    const first = Math.floor(offset / size);
    const last = Math.floor((offset + lengthBytes - 1) / size);
    if (last - first < this.#slots.size) {
      for (let line = first; line <= last; line++) this.#forget(line);
      return;
    }
    // A range larger than what is here: looked at from the other side.
    for (const line of [...this.#slots.keys()]) if (line >= first && line <= last) this.#forget(line);
  }

  #forget(line: number): void {
    const slot = this.#slots.get(line);
    if (slot === undefined) return;
    (this.#inMain[slot] === 1 ? this.#main : this.#small).remove(slot);
    this.#release(slot);
  }

  #release(slot: number): void {
    this.#slots.delete(this.#lineOf[slot]!);
    this.#free.push(slot);
  }

  /** A slot for a line that is not here. */
  #take(line: number): number {
    const slot = this.#free.pop() ?? (this.#made < this.#linesMax ? this.#made++ : this.#evict());
    this.#slots.set(line, slot);
    this.#lineOf[slot] = line;
    this.#uses[slot] = 0;
    const known = this.#gone.delete(line);
    this.#inMain[slot] = known ? 1 : 0;
    (known ? this.#main : this.#small).push(slot);
    return slot;
  }

  #evict(): number {
    for (;;) {
      const small = this.#small.size > 0 && (this.#small.size >= this.#linesMax * SMALL_PART || this.#main.size === 0);
      const slot = small ? this.#fromSmall() : this.#fromMain();
      if (slot === null) continue;
      this.#release(slot);
      return this.#free.pop()!;
    }
  }

  /** The slot that goes; null where it moved to the main queue. */
  #fromSmall(): number | null {
    const slot = this.#small.shift();
    if (this.#uses[slot]! >= USES_TO_STAY) {
      this.#uses[slot] = 0;
      this.#inMain[slot] = 1;
      this.#main.push(slot);
      return null;
    }
    this.#gone.add(this.#lineOf[slot]!);
    if (this.#gone.size > this.#linesMax) {
      for (const oldest of this.#gone) {
        this.#gone.delete(oldest);
        break;
      }
    }
    return slot;
  }

  /** The slot that goes; null where it has another turn. */
  #fromMain(): number | null {
    const slot = this.#main.shift();
    if (this.#uses[slot]! === 0) return slot;
    this.#uses[slot]! -= 1;
    this.#main.push(slot);
    return null;
  }

  #bytesOf(slot: number): Uint8Array {
    const index = Math.floor(slot / SLAB_LINES);
    const lines = Math.min(SLAB_LINES, this.#linesMax - index * SLAB_LINES);
    const slab = (this.#slabs[index] ??= new Uint8Array(lines * this.#lineBytes));
    const at = (slot % SLAB_LINES) * this.#lineBytes;
    return slab.subarray(at, at + this.#lineBytes);
  }
}

function overlap(a: DeviceIo, b: DeviceIo): boolean {
  return a.offset < b.offset + b.lengthBytes && b.offset < a.offset + a.lengthBytes;
}
