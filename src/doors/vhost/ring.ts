/**
 * One queue of a guest's disk at work: takes requests out of its ring, gives them to the device with
 * the tag that their priority names, and answers them in the order in which they end.
 *
 *   serving ──hold──▶ holding ──all back──▶ (told)        nothing more is taken; what is out is answered
 *      │                 │ takeBack: what is queued is not answered, but left in the memory in flight
 *      ├─ the driver breaks a rule ──▶ broken             nothing is taken; what is out is answered
 *      └──end──▶ ended                                    what is out comes back unheard
 *
 * Invariants: a head is in flight at most once; the guest's memory is lent from the moment a request
 * is taken until the device has given it back, also where the request was answered past its timeout;
 * no more than the ring holds is in flight, so that a guest bounds itself.
 */
import { OPS, type Op } from '../../core/model/request.js';
import type { Clock, ServedDevice } from '../../core/ports.js';
import { BLK_STATUS, type BlkStatus } from '../../wire/vhost/blk.js';
import type { RingAddresses } from '../../wire/vhost/messages.js';
import { BATCH_REQUESTS, GATHERED_BYTES_MAX } from './bounds.js';
import { ChainReader, RingViolation } from './chain.js';
import type { DiskIo } from './disk-io.js';
import type { InflightQueue } from './inflight.js';
import type { GuestMemory } from './memory.js';
import { Pieces, type PieceOwner } from './pieces.js';
import type { PriorityMap } from './priority-map.js';
import { readRequest, type BlkRequest } from './request.js';
import { Slot } from './slot.js';
import { TO_STATUS } from './status.js';
import { Virtqueue } from './virtqueue.js';

type RingMode = 'serving' | 'holding' | 'broken' | 'ended';

export interface RingParts {
  readonly clock: Clock;
  readonly device: ServedDevice;
  readonly priorities: PriorityMap;
  /** What GET_ID answers. */
  readonly serial: Buffer;
  /** Longest piece of a READ or WRITE, a multiple of the device's block. */
  readonly pieceBytes: number;
  readonly memory: GuestMemory;
  readonly addresses: RingAddresses;
  readonly size: number;
  readonly eventIndex: boolean;
  /** Where the driver's ring stands, for a front end that does not keep what is in flight. */
  readonly base: number;
  readonly inflight: InflightQueue | null;
  /** The driver is to look at its used ring. */
  readonly interrupt: () => void;
  /** Something was answered outside of `serve`: `flush` is due, and the guest may have more to ask. */
  readonly answered: () => void;
  /** The driver has broken a rule. */
  readonly broke: (why: string) => void;
}

export class Ring implements PieceOwner {
  readonly #parts: RingParts;
  readonly #slots: Slot[];
  readonly #pieces: Pieces;
  #memory: GuestMemory;
  #queue: Virtqueue;
  #chain: ChainReader;
  #mode: RingMode = 'serving';
  #inFlight = 0;
  #gatheredBytes = 0;
  /** Within `serve`, which publishes at its end. */
  #serving = false;
  #unpublished = 0;
  /** Taken by an earlier server of this queue, to be served again first. */
  #again: number[];
  #allBack: (() => void) | null = null;
  /** For whoever polls: when something last came or went. */
  lastWorkNs = 0;

  /** @throws SluiceError INVALID_ARGUMENT where the queue does not lie within the memory */
  constructor(parts: RingParts) {
    const { memory, addresses, size, eventIndex, base, inflight } = parts;
    this.#parts = parts;
    this.#queue = new Virtqueue(memory, addresses, size, eventIndex, inflight === null ? base : null);
    this.#again = inflight === null ? [] : inflight.recover(this.#queue.usedIndex);
    this.#queue.skip(this.#again.length);
    this.#memory = memory;
    memory.retain();
    this.#chain = this.#reader();
    this.#pieces = new Pieces(parts, this);
    this.#slots = Array.from({ length: size }, (_, head) => new Slot(head));
  }

  /** Requests that were taken and have not come back. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The next entry of the ring that will be taken. */
  get base(): number {
    return this.#queue.takenIndex;
  }

  /** Takes what waits, a batch at most. Returns how many that were. */
  serve(): number {
    if (this.#mode !== 'serving') return 0;
    let taken = 0;
    this.#serving = true;
    try {
      for (; this.#again.length > 0; taken++) this.#begin(this.#again.shift()!);
      for (let left = Math.min(this.#queue.waiting(), BATCH_REQUESTS); left > 0; left--) {
        if (this.#gatheredBytes > GATHERED_BYTES_MAX) break;
        this.#begin(this.#queue.take());
        taken += 1;
      }
    } catch (error) {
      if (!(error instanceof RingViolation)) throw error;
      this.#break(error.message);
    } finally {
      this.#serving = false;
    }
    this.flush();
    return taken;
  }

  /** Shows the guest what has been answered; false where nothing was. */
  flush(): boolean {
    if (this.#unpublished === 0 || this.#mode === 'ended') return false;
    this.#unpublished = 0;
    const wanted = this.#queue.publish();
    this.#parts.inflight?.published(this.#queue.usedIndex);
    if (wanted) this.#parts.interrupt();
    return true;
  }

  /** Nobody looks at the ring from now on until a kick comes. False where there is something to take first. */
  sleep(): boolean {
    if (this.#mode !== 'serving') return true;
    // Full of gathered data: its end will wake it.
    if (this.#gatheredBytes > GATHERED_BYTES_MAX) return true;
    try {
      return this.#queue.askForKick();
    } catch (error) {
      if (!(error instanceof RingViolation)) throw error;
      this.#break(error.message);
      return true;
    }
  }

  /** Somebody looks at the ring from now on. */
  awake(): void {
    if (this.#mode === 'serving') this.#queue.refuseKicks();
  }

  /** The memory has been mapped anew. @throws SluiceError INVALID_ARGUMENT where the queue is not within it */
  rebind(memory: GuestMemory): void {
    const { addresses, size, eventIndex } = this.#parts;
    this.flush();
    this.#queue = new Virtqueue(memory, addresses, size, eventIndex, this.#queue.takenIndex);
    memory.retain();
    this.#memory.release();
    this.#memory = memory;
    this.#chain = this.#reader();
  }

  /** Takes nothing more; calls once all that is out has come back. */
  hold(allBack: () => void): void {
    if (this.#mode === 'serving') this.#mode = 'holding';
    if (this.#inFlight === 0) allBack();
    else this.#allBack = allBack;
  }

  /** Takes again. Only while holding and before anything was taken back. */
  resume(): void {
    if (this.#mode === 'holding') this.#mode = 'serving';
    this.#allBack = null;
  }

  /** What is queued is not answered: whoever serves this queue next finds it in the memory in flight, which there must be. */
  takeBack(): void {
    this.#pieces.takeBack(this.#slots);
  }

  /** The front end is gone, or the queue begins anew: nothing of it is written any more. Calls once the device has given all back. */
  end(allBack: () => void): void {
    if (this.#mode === 'ended') return;
    this.flush();
    this.#mode = 'ended';
    this.takeBack();
    this.#memory.release();
    if (this.#inFlight === 0) allBack();
    else this.#allBack = allBack;
  }

  #reader(): ChainReader {
    const { window, offset } = this.#queue.descriptors;
    return new ChainReader(this.#memory, window, offset, this.#queue.size);
  }

  #begin(head: number): void {
    const slot = this.#slots[head];
    if (slot === undefined) throw new RingViolation(`there is no descriptor ${String(head)}`);
    if (slot.memory !== null) throw new RingViolation(`descriptor ${String(head)} is in flight already`);
    const chain = this.#chain;
    chain.read(head);
    const request = readRequest(chain);
    const { window, offset } = chain.into.dropLast();
    slot.begin(this.#memory, window, offset);
    this.#inFlight += 1;
    this.#parts.inflight?.taken(head);
    this.#start(slot, request);
  }

  #start(slot: Slot, request: BlkRequest): void {
    switch (request.kind) {
      case 'read':
        slot.writtenBytes += request.bytes;
        this.#transfer(slot, OPS.READ, request.offset, request.bytes, request.ioprio);
        return;
      case 'write':
        this.#transfer(slot, OPS.WRITE, request.offset, request.bytes, request.ioprio);
        return;
      case 'flush':
        slot.left = 1;
        this.#pieces.submit(slot, OPS.FLUSH, 0, 0, null, 0, request.ioprio);
        return;
      case 'ranges': {
        const op = request.zeroes ? OPS.WRITE_ZEROES : OPS.TRIM;
        slot.left = request.ranges.length;
        for (const [i, range] of request.ranges.entries()) {
          this.#pieces.submit(slot, op, range.offset, range.bytes, null, i, request.ioprio);
        }
        return;
      }
      case 'id': {
        const room = this.#chain.into;
        room.copyFrom(this.#parts.serial.subarray(0, room.bytes));
        slot.writtenBytes += Math.min(room.bytes, this.#parts.serial.length);
        this.#answer(slot, BLK_STATUS.OK);
        return;
      }
      case 'refused':
        this.#answer(slot, request.status);
    }
  }

  /** Reads or writes the memory of the guest itself where it is in one piece, else by way of a buffer. */
  #transfer(slot: Slot, op: Op, offset: number, bytes: number, ioprio: number): void {
    const segments = op === OPS.READ ? this.#chain.into : this.#chain.out;
    let data = segments.whole();
    if (data === null) {
      data = Buffer.allocUnsafe(bytes);
      if (op === OPS.WRITE) segments.copyTo(data);
      else slot.scatter = segments.copy();
      slot.gathered = data;
      this.#gatheredBytes += bytes;
    }
    const { pieceBytes } = this.#parts;
    slot.left = Math.ceil(bytes / pieceBytes);
    if (slot.left === 1) {
      this.#pieces.submit(slot, op, offset, bytes, data, 0, ioprio);
      return;
    }
    for (let i = 0, at = 0; at < bytes; i++, at += pieceBytes) {
      const length = Math.min(pieceBytes, bytes - at);
      this.#pieces.submit(slot, op, offset + at, length, data.subarray(at, at + length), i, ioprio);
    }
  }

  /** A piece has come back for good. */
  settled(io: DiskIo, takenBack: boolean): void {
    const { slot } = io;
    if (takenBack) slot.takenBack = true;
    else if (io.code !== 'OK' && slot.code === 'OK') slot.code = io.code;
    slot.left -= 1;
    if (slot.left > 0) return;
    if (slot.takenBack || this.#mode === 'ended') this.#letGo(slot);
    else this.#answer(slot, slot.code === 'OK' ? BLK_STATUS.OK : TO_STATUS[slot.code]);
  }

  #answer(slot: Slot, status: BlkStatus): void {
    if (slot.scatter !== null && status === BLK_STATUS.OK) slot.scatter.copyFrom(slot.gathered!);
    slot.statusWindow.u8[slot.statusOffset] = status;
    this.#queue.put(slot.head, status === BLK_STATUS.OK ? slot.writtenBytes : 1);
    this.#parts.inflight?.answered(slot.head);
    this.#unpublished += 1;
    this.#letGo(slot);
    if (!this.#serving) this.#parts.answered();
  }

  #letGo(slot: Slot): void {
    if (slot.gathered !== null) this.#gatheredBytes -= slot.gathered.length;
    slot.end();
    this.#inFlight -= 1;
    if (this.#inFlight > 0 || this.#allBack === null) return;
    const told = this.#allBack;
    this.#allBack = null;
    this.flush();
    told();
  }

  #break(why: string): void {
    this.#mode = 'broken';
    this.#parts.broke(why);
  }
}
