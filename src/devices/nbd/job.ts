/** A request on its way to an NBD server, and back on it as often as the connection is lost. */
import type { Code } from '../../core/model/errors.js';
import { OPS, type DeviceDone, type DeviceIo, type Op } from '../../core/model/request.js';

export class Job {
  readonly op: Op;
  readonly offset: number;
  readonly lengthBytes: number;
  readonly fua: boolean;
  readonly data: Uint8Array | null;
  /** Of arrival: of two changes that overlap the one of lower order comes first. */
  readonly order: number;
  /** Whom to tell; null for what the device does by itself: a write repeated, a flush of its own. */
  readonly io: DeviceIo | null;
  readonly done: DeviceDone | null;
  /** Its caller has been answered: it is not sent again. */
  abandoned = false;
  /** FLUSH: what had been answered when it was sent, as a position in the log of what is not flushed. */
  covers = 0;

  /** How the present sending of it goes; set by the link. */
  partsLeft = 0;
  code: Code = 'OK';
  message = '';

  constructor(
    op: Op,
    offset: number,
    lengthBytes: number,
    fua: boolean,
    data: Uint8Array | null,
    order: number,
    io: DeviceIo | null = null,
    done: DeviceDone | null = null,
  ) {
    this.op = op;
    this.offset = offset;
    this.lengthBytes = lengthBytes;
    this.fua = fua;
    this.data = data;
    this.order = order;
    this.io = io;
    this.done = done;
  }

  /** Whether it changes what others read. */
  get changes(): boolean {
    return this.op !== OPS.READ && this.op !== OPS.FLUSH;
  }
}

export interface Range {
  readonly offset: number;
  readonly lengthBytes: number;
}

export function overlap(a: Range, b: Range): boolean {
  return a.offset < b.offset + b.lengthBytes && b.offset < a.offset + a.lengthBytes;
}
