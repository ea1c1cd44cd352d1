/** Requests out of a trace, once or again and again. */
import { OPS } from '../core/model/request.js';
import type { Op } from '../core/model/request.js';
import type { AddressMap } from './address-map.js';
import type { RequestSource } from './request-source.js';
import type { TraceColumns } from './traces/columns.js';

export interface TraceSourceOptions {
  /** Starts again at the end. */
  readonly loop: boolean;
  /** How many times faster than it was recorded. */
  readonly speed: number;
  /** Trace time from one start to the next, the same for all tags of a run so that they keep step. */
  readonly lapNs: number;
}

export class TraceSource implements RequestSource {
  op: Op = OPS.READ;
  offset = 0;
  lengthBytes = 0;
  dueNs = 0;

  readonly #columns: TraceColumns;
  readonly #map: AddressMap;
  readonly #options: TraceSourceOptions;
  #at = 0;
  #lap = 0;

  constructor(columns: TraceColumns, map: AddressMap, options: TraceSourceOptions) {
    this.#columns = columns;
    this.#map = map;
    this.#options = options;
  }

  next(): boolean {
    const columns = this.#columns;
    if (this.#at === columns.count) {
      if (!this.#options.loop || columns.count === 0) return false;
      this.#at = 0;
      this.#lap++;
    }
    const i = this.#at++;
    this.op = columns.op[i]! as Op;
    this.dueNs = (columns.timeNs[i]! + this.#lap * this.#options.lapNs) / this.#options.speed;
    if (this.op === OPS.FLUSH) {
      this.offset = 0;
      this.lengthBytes = 0;
      return true;
    }
    this.#map.place(columns.offset[i]!, columns.lengthBytes[i]!);
    this.offset = this.#map.offset;
    this.lengthBytes = this.#map.lengthBytes;
    return true;
  }
}
