/**
 * Timing of a hard disk with a command queue of its own.
 *
 *   submit --read in the cache--------------------------------> electronics, interface -> end
 *     |----FLUSH, TRIM--------------------------------------------> electronics -> end
 *     \----else--> queue --decide: nearest, aged--> arm: seek, rotation, transfer -> end
 *                                                        '-> reads on while nobody needs it
 *
 * The arm serves one request at a time. When it comes free it chooses among those that have reached
 * the drive by then (submission + command overhead) the one with the least positioning time, less
 * what it has waited for. Writes go to the platters before they end: there is no write cache, so FUA
 * changes nothing and FLUSH has nothing to do. TRIM costs its command; WRITE_ZEROES is written like data,
 * only that none crosses the interface.
 *
 * Invariants: a request is in the queue, or in the heap of ends, never both; the arm is never idle
 * while a request that has reached the drive waits.
 */
import { OPS, type Op } from '../model/request.js';
import { NS_PER_S } from '../model/units.js';
import type { Rng } from '../ports.js';
import { EventHeap } from './event-heap.js';
import { HddCache } from './hdd-cache.js';
import { HddGeometry, type Spot } from './hdd-geometry.js';
import { DESKSTAR_7K500, type HddParameters } from './hdd-parameters.js';
import { NONE, type MediaModel } from './media-model.js';

/** A request at the drive; one object a slot, reused. */
interface Command {
  op: Op;
  offset: number;
  lengthBytes: number;
  submittedNs: number;
  /** When it has reached the drive. */
  readyNs: number;
  cylinder: number;
  head: number;
  angle: number;
}

export class HddModel implements MediaModel {
  readonly #p: HddParameters;
  readonly #sizeBytes: number;
  readonly #geometry: HddGeometry;
  readonly #cache: HddCache;
  readonly #interfaceNsPerByte: number;
  readonly #spot: Spot = { zone: 0, cylinder: 0, head: 0, within: 0 };
  readonly #commands: Command[] = [];
  readonly #ends = new EventHeap();
  /** Slots that wait for the arm, in no order. */
  readonly #queue: number[] = [];
  #earliestReadyNs = Infinity;

  #armFreeNs = 0;
  #armCylinder = 0;
  #armHead = 0;
  #interfaceNs = 0;

  /** @param rng says where the platters stand at time 0 */
  constructor(sizeBytes: number, rng: Rng, parameters: HddParameters = DESKSTAR_7K500) {
    this.#p = parameters;
    this.#sizeBytes = sizeBytes;
    this.#geometry = new HddGeometry(parameters, sizeBytes, rng.next());
    this.#cache = new HddCache(parameters, this.#geometry);
    this.#interfaceNsPerByte = NS_PER_S / parameters.interfaceBytesPerS;
  }

  get nextNs(): number {
    const decideNs = this.#decideNs();
    return this.#ends.nextNs <= decideNs ? this.#ends.nextNs : decideNs;
  }

  submit(slot: number, op: Op, offset: number, lengthBytes: number, _fua: boolean, atNs: number): void {
    switch (op) {
      case OPS.FLUSH:
      case OPS.TRIM:
        this.#end(slot, atNs + this.#p.electronicsNs);
        return;
      case OPS.READ:
        if (this.#cache.hit(offset, lengthBytes, atNs)) this.#endFromCache(slot, lengthBytes, atNs);
        else this.#enqueue(slot, op, offset, lengthBytes, atNs, atNs + this.#p.commandNs);
        return;
      case OPS.WRITE: {
        const sentNs = atNs + this.#p.commandNs + lengthBytes * this.#interfaceNsPerByte;
        this.#enqueue(slot, op, offset, lengthBytes, atNs, sentNs);
        return;
      }
      case OPS.WRITE_ZEROES:
        this.#enqueue(slot, op, offset, lengthBytes, atNs, atNs + this.#p.commandNs);
        return;
    }
  }

  advance(): number {
    const decideNs = this.#decideNs();
    if (this.#ends.nextNs <= decideNs) return this.#ends.pop();
    this.#decide(decideNs);
    return NONE;
  }

  #end(slot: number, atNs: number): void {
    this.#ends.push(Math.ceil(atNs), slot);
  }

  #endFromCache(slot: number, lengthBytes: number, atNs: number): void {
    const readyNs = atNs + this.#p.electronicsNs;
    this.#interfaceNs = Math.max(this.#interfaceNs, readyNs) + lengthBytes * this.#interfaceNsPerByte;
    this.#end(slot, this.#interfaceNs);
  }

  #enqueue(slot: number, op: Op, offset: number, lengthBytes: number, atNs: number, readyNs: number): void {
    const command = (this.#commands[slot] ??= newCommand());
    this.#geometry.locate(offset, this.#spot);
    command.op = op;
    command.offset = offset;
    command.lengthBytes = lengthBytes;
    command.submittedNs = atNs;
    command.readyNs = Math.ceil(readyNs);
    command.cylinder = this.#spot.cylinder;
    command.head = this.#spot.head;
    command.angle = this.#geometry.angle(this.#spot);
    this.#queue.push(slot);
    if (command.readyNs < this.#earliestReadyNs) this.#earliestReadyNs = command.readyNs;
  }

  /** When the arm is free and a request has reached the drive; Infinity where none is queued. */
  #decideNs(): number {
    return Math.max(this.#earliestReadyNs, this.#armFreeNs);
  }

  /** Sends the arm to the request that is nearest, ageing considered. */
  #decide(nowNs: number): void {
    this.#followReadingAhead(nowNs);
    const queue = this.#queue;
    const best = queue.length === 1 ? 0 : this.#nearest(nowNs);
    const slot = queue[best]!;
    queue[best] = queue[queue.length - 1]!;
    queue.pop();
    let earliestNs = Infinity;
    for (const waiting of queue) earliestNs = Math.min(earliestNs, this.#commands[waiting]!.readyNs);
    this.#earliestReadyNs = earliestNs;
    this.#serve(slot, this.#commands[slot]!, nowNs);
  }

  /** Where it stands in the queue, among those that have reached the drive. */
  #nearest(nowNs: number): number {
    let best = NONE;
    let bestNs = Infinity;
    for (let i = 0; i < this.#queue.length; i++) {
      const command = this.#commands[this.#queue[i]!]!;
      if (command.readyNs > nowNs) continue;
      const effectiveNs = this.#positionNs(command, nowNs) - this.#p.ageing * (nowNs - command.submittedNs);
      if (effectiveNs < bestNs) {
        bestNs = effectiveNs;
        best = i;
      }
    }
    return best;
  }

  /** Reading ahead has taken the arm along. */
  #followReadingAhead(nowNs: number): void {
    const offset = this.#cache.aheadEnd(nowNs);
    if (offset < 0 || offset >= this.#sizeBytes) return;
    this.#geometry.locate(offset, this.#spot);
    this.#armCylinder = this.#spot.cylinder;
    this.#armHead = this.#spot.head;
  }

  /** From nowNs until the first byte could pass the head, or all are read ahead. */
  #positionNs(command: Command, nowNs: number): number {
    const armNs = this.#armNs(command, nowNs);
    if (command.op !== OPS.READ) return armNs;
    const arrivesNs = this.#cache.arrivesNs(command.offset, command.lengthBytes, nowNs);
    return Math.min(armNs, Math.max(0, arrivesNs - nowNs));
  }

  #armNs(command: Command, nowNs: number): number {
    const seekNs = this.#seekNs(command);
    return seekNs + this.#geometry.rotationNs(command.angle, nowNs + seekNs);
  }

  #seekNs(command: Command): number {
    const seekNs = this.#geometry.seekNs(this.#armCylinder, this.#armHead, command.cylinder, command.head);
    return command.op === OPS.READ || seekNs === 0 ? seekNs : seekNs + this.#p.writeSettleNs;
  }

  #serve(slot: number, command: Command, nowNs: number): void {
    const { op, offset, lengthBytes } = command;
    if (op === OPS.READ && this.#cache.hit(offset, lengthBytes, nowNs)) {
      // Came into the cache while it waited.
      this.#armFreeNs = nowNs;
      this.#endFromCache(slot, lengthBytes, nowNs - this.#p.electronicsNs);
      return;
    }
    this.#geometry.locate(offset, this.#spot);
    const armNs = this.#armNs(command, nowNs) + this.#geometry.transferNs(this.#spot, lengthBytes);
    const arrivesNs = op === OPS.READ ? this.#cache.arrivesNs(offset, lengthBytes, nowNs) : Infinity;
    const endNs = Math.ceil(Math.min(nowNs + armNs, arrivesNs));
    this.#armFreeNs = endNs;
    this.#end(slot, endNs);
    if (arrivesNs <= nowNs + armNs) {
      this.#cache.join(offset, lengthBytes, nowNs);
      return;
    }
    this.#armCylinder = this.#spot.cylinder;
    this.#armHead = this.#spot.head;
    this.#cache.stop(nowNs);
    if (op === OPS.READ) this.#cache.readOn(offset, lengthBytes, this.#spot.zone, endNs);
    else this.#cache.invalidate(offset, lengthBytes);
  }
}

function newCommand(): Command {
  return { op: OPS.READ, offset: 0, lengthBytes: 0, submittedNs: 0, readyNs: 0, cylinder: 0, head: 0, angle: 0 };
}
