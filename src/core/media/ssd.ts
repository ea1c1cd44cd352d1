/**
 * Timing of a flash drive.
 *
 *   READ   command -> controller (a page at a time) -> die senses -> channel -> interface -> end
 *   WRITE  command -> interface -> controller -> buffer, waiting while it is full -> end
 *                                    buffer -> channel -> die programs (in the background)
 *   FLUSH  ends when all that was in the buffer has been programmed; FUA: when its own pages have,
 *          and with them those before.
 *
 * A die does one thing at a time; a read goes before programs that have not begun. Reads find their
 * die by address (page i on die i mod n), writes go round the dies as a log does: long requests are
 * spread over dies either way. Whether a page was ever written makes no difference to its read.
 * Interface: a lane each way.
 *
 * Commands reach the controller in order. So while it has nothing but reads to do, nothing that comes later can
 * come between them, and when they end is known as they are submitted: a step a request, where a page
 * takes two otherwise.
 *
 * Invariants: buffered sectors <= capacity; sectors of an issued page leave the buffer when its
 * program ends; a die with pages waiting has exactly one DIE step in the heap.
 */
import { OPS, type Op } from '../model/request.js';
import { NS_PER_S } from '../model/units.js';
import { EventHeap } from './event-heap.js';
import { FlushBarrier } from './flush-barrier.js';
import { NONE, type MediaModel } from './media-model.js';
import { PAPER_SSD, SECTOR_BYTES, type SsdParameters } from './ssd-parameters.js';

/** Kinds of step, in the low bits of a heap payload; the rest is a slot, a part or a die. */
const END = 0;
const READ_PART = 1;
const ADMIT = 2;
const DIE = 3;
const BARRIER = 4;
const KIND_BITS = 3;
const KIND_MASK = (1 << KIND_BITS) - 1;
/** A page on its way to a die: epoch * PAGE_CODE + sectors that it carries. */
const PAGE_CODE = 256;
const IDLE = -1;

export class SsdModel implements MediaModel {
  readonly #p: SsdParameters;
  readonly #dies: number;
  readonly #sectorsPerPage: number;
  readonly #channelNsPerByte: number;
  readonly #interfaceNsPerByte: number;
  readonly #heap = new EventHeap();
  /** Steps in the heap that decide something: all but ENDs. */
  #decisions = 0;
  #nowNs = 0;

  #controllerNs = 0;
  #laneInNs = 0;
  #laneOutNs = 0;
  readonly #channelNs: Float64Array;
  readonly #dieNs: Float64Array;
  readonly #programming: Float64Array;
  readonly #waitingPages: number[][];
  readonly #waitingReads: number[][];
  readonly #stepPending: Uint8Array;
  #nextDie = 0;

  /** Per slot: parts outstanding (READ), sectors not in the buffer yet (WRITE), and whether FUA. */
  readonly #left: number[] = [];
  readonly #endNs: number[] = [];
  readonly #fua: boolean[] = [];
  /** Per part of a READ. */
  readonly #partSlot: number[] = [];
  readonly #partDie: number[] = [];
  readonly #partBytes: number[] = [];
  readonly #partsFree: number[] = [];

  #bufferFree: number;
  /** Sectors in the page that is being filled. */
  #open = 0;
  /** Writes that wait for room, oldest first, from #queueHead on. */
  readonly #queue: number[] = [];
  #queueHead = 0;
  readonly #barrier = new FlushBarrier();
  readonly #ended = (slot: number): void => this.#push(this.#nowNs, slot, END);

  constructor(parameters: SsdParameters = PAPER_SSD) {
    this.#p = parameters;
    this.#dies = parameters.channels * parameters.diesPerChannel;
    this.#sectorsPerPage = parameters.pageBytes / SECTOR_BYTES;
    this.#channelNsPerByte = NS_PER_S / parameters.channelBytesPerS;
    this.#interfaceNsPerByte = NS_PER_S / parameters.interfaceBytesPerS;
    this.#channelNs = new Float64Array(parameters.channels);
    this.#dieNs = new Float64Array(this.#dies);
    this.#programming = new Float64Array(this.#dies).fill(IDLE);
    this.#waitingPages = Array.from({ length: this.#dies }, () => []);
    this.#waitingReads = Array.from({ length: this.#dies }, () => []);
    this.#stepPending = new Uint8Array(this.#dies);
    this.#bufferFree = Math.floor(parameters.bufferBytes / SECTOR_BYTES);
  }

  get nextNs(): number {
    return this.#heap.nextNs;
  }

  submit(slot: number, op: Op, offset: number, lengthBytes: number, fua: boolean, atNs: number): void {
    const readyNs = atNs + this.#p.commandNs;
    switch (op) {
      case OPS.READ:
        this.#submitRead(slot, offset, lengthBytes, readyNs);
        return;
      case OPS.WRITE:
        this.#submitWrite(slot, offset, lengthBytes, fua, readyNs);
        return;
      case OPS.FLUSH:
        this.#push(Math.max(this.#controllerNs, readyNs), slot, BARRIER);
        return;
      case OPS.TRIM:
      case OPS.WRITE_ZEROES:
        this.#push(this.#controller(readyNs, this.#p.trimControllerNs), slot, END);
        return;
    }
  }

  advance(): number {
    this.#nowNs = this.#heap.nextNs;
    const step = this.#heap.pop();
    const id = step >> KIND_BITS;
    const kind = step & KIND_MASK;
    if (kind === END) return id;
    this.#decisions -= 1;
    switch (kind) {
      case READ_PART:
        // While the die programs the read waits for the end of that, and holds no booking of the channel meanwhile.
        if (this.#programming[this.#partDie[id]!] === IDLE) this.#sensePart(id);
        else this.#waitingReads[this.#partDie[id]!]!.push(id);
        break;
      case ADMIT:
        this.#queue.push(id);
        this.#fillBuffer();
        break;
      case DIE:
        this.#dieStep(id);
        break;
      case BARRIER:
        this.#flush(id);
        break;
    }
    return NONE;
  }

  #push(timeNs: number, id: number, kind: number): void {
    if (kind !== END) this.#decisions += 1;
    this.#heap.push(Math.ceil(timeNs), (id << KIND_BITS) | kind);
  }

  /** Books controller time from readyNs on; when it is over. */
  #controller(readyNs: number, forNs: number): number {
    this.#controllerNs = Math.max(this.#controllerNs, readyNs) + forNs;
    return this.#controllerNs;
  }

  #submitRead(slot: number, offset: number, lengthBytes: number, readyNs: number): void {
    const pageBytes = this.#p.pageBytes;
    const first = Math.floor(offset / pageBytes);
    const last = Math.floor((offset + lengthBytes - 1) / pageBytes);
    const foreseen = this.#decisions === 0;
    let endNs = 0;
    for (let page = first; page <= last; page++) {
      const from = Math.max(offset, page * pageBytes);
      const to = Math.min(offset + lengthBytes, (page + 1) * pageBytes);
      const die = page % this.#dies;
      const bytes = sectorsTouched(from, to - from) * SECTOR_BYTES;
      const takenNs = this.#controller(readyNs, this.#p.readControllerNs);
      // The interface takes pages in the order in which dies do: the last one ends the request.
      if (foreseen) endNs = this.#sense(die, bytes, Math.ceil(takenNs));
      else this.#pushPart(slot, die, bytes, takenNs);
    }
    if (foreseen) {
      this.#push(endNs, slot, END);
      return;
    }
    this.#left[slot] = last - first + 1;
    this.#endNs[slot] = 0;
  }

  #pushPart(slot: number, die: number, bytes: number, takenNs: number): void {
    const part = this.#partsFree.pop() ?? this.#partSlot.length;
    this.#partSlot[part] = slot;
    this.#partDie[part] = die;
    this.#partBytes[part] = bytes;
    this.#push(takenNs, part, READ_PART);
  }

  /** The die reads a page from atNs on as soon as it can, and the channel and the interface take it from there; when they have. */
  #sense(die: number, bytes: number, atNs: number): number {
    const channel = die % this.#p.channels;
    const sensedNs = Math.max(atNs, this.#dieNs[die]!) + this.#p.readNs;
    // The page register is the die's only one: it is busy until the channel has taken the data.
    const outNs = Math.max(sensedNs, this.#channelNs[channel]!) + bytes * this.#channelNsPerByte;
    this.#channelNs[channel] = outNs;
    this.#dieNs[die] = outNs;
    this.#laneOutNs = Math.max(this.#laneOutNs, outNs) + bytes * this.#interfaceNsPerByte;
    return this.#laneOutNs;
  }

  #sensePart(part: number): void {
    const slot = this.#partSlot[part]!;
    this.#partsFree.push(part);
    this.#endNs[slot] = Math.max(
      this.#endNs[slot]!,
      this.#sense(this.#partDie[part]!, this.#partBytes[part]!, this.#nowNs),
    );
    this.#left[slot]! -= 1;
    if (this.#left[slot] === 0) this.#push(this.#endNs[slot], slot, END);
  }

  #submitWrite(slot: number, offset: number, lengthBytes: number, fua: boolean, readyNs: number): void {
    const sectors = sectorsTouched(offset, lengthBytes);
    this.#left[slot] = sectors;
    this.#fua[slot] = fua;
    this.#laneInNs = Math.max(this.#laneInNs, readyNs) + lengthBytes * this.#interfaceNsPerByte;
    const pages = Math.ceil(sectors / this.#sectorsPerPage);
    const takenNs = this.#controller(readyNs, pages * this.#p.writeControllerNs);
    this.#push(Math.max(this.#laneInNs, takenNs), slot, ADMIT);
  }

  /** Moves what waits into the buffer as far as there is room. */
  #fillBuffer(): void {
    while (this.#queueHead < this.#queue.length && this.#bufferFree > 0) {
      const slot = this.#queue[this.#queueHead]!;
      const sectors = Math.min(this.#left[slot]!, this.#bufferFree);
      this.#bufferFree -= sectors;
      this.#left[slot]! -= sectors;
      this.#open += sectors;
      while (this.#open >= this.#sectorsPerPage) this.#issuePage(this.#sectorsPerPage);
      if (this.#left[slot]! > 0) return;
      this.#queueHead += 1;
      if (this.#fua[slot] === true) this.#flush(slot);
      else this.#push(this.#nowNs, slot, END);
    }
    if (this.#queueHead === this.#queue.length) {
      this.#queue.length = 0;
      this.#queueHead = 0;
    } else if (this.#queueHead >= 1024) {
      this.#queue.splice(0, this.#queueHead);
      this.#queueHead = 0;
    }
  }

  #issuePage(sectors: number): void {
    this.#open -= sectors;
    const die = this.#nextDie;
    this.#nextDie = (die + 1) % this.#dies;
    this.#waitingPages[die]!.push(this.#barrier.issued() * PAGE_CODE + sectors);
    this.#scheduleDie(die);
  }

  #scheduleDie(die: number): void {
    if (this.#stepPending[die] === 1) return;
    this.#stepPending[die] = 1;
    this.#push(Math.max(this.#nowNs, this.#dieNs[die]!), die, DIE);
  }

  /** A program has ended, or the die may be free for the next. */
  #dieStep(die: number): void {
    this.#stepPending[die] = 0;
    const ended = this.#programming[die]!;
    if (ended !== IDLE) {
      this.#programming[die] = IDLE;
      this.#bufferFree += ended % PAGE_CODE;
      this.#barrier.programmed(Math.floor(ended / PAGE_CODE), this.#ended);
      this.#fillBuffer();
      const reads = this.#waitingReads[die]!;
      for (const part of reads) this.#sensePart(part);
      reads.length = 0;
    }
    const waiting = this.#waitingPages[die]!;
    if (waiting.length === 0 || this.#stepPending[die] === 1) return;
    if (this.#dieNs[die]! <= this.#nowNs) {
      const channel = die % this.#p.channels;
      const filledNs = Math.max(this.#nowNs, this.#channelNs[channel]!) + this.#p.pageBytes * this.#channelNsPerByte;
      this.#channelNs[channel] = filledNs;
      this.#dieNs[die] = filledNs + this.#p.programNs;
      this.#programming[die] = waiting.shift()!;
    }
    this.#scheduleDie(die);
  }

  /** `slot` ends when all that is in the buffer has been programmed; a page half filled goes as it is. */
  #flush(slot: number): void {
    if (this.#open > 0) this.#issuePage(this.#open);
    if (!this.#barrier.wait(slot)) this.#push(this.#nowNs, slot, END);
  }
}

function sectorsTouched(offset: number, lengthBytes: number): number {
  return Math.floor((offset + lengthBytes - 1) / SECTOR_BYTES) - Math.floor(offset / SECTOR_BYTES) + 1;
}
