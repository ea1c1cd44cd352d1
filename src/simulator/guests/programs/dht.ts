/** Reads of a distributed hash table as Voldemort's performance tool makes them: uniform keys, small values. */
import type { Rng } from '../../../core/ports.js';
import { DHT } from '../parameters.js';
import { OPERATIONS } from '../program.js';
import type { Operation, Program } from '../program.js';

const PAGES = DHT.storeBytes / DHT.pageBytes;

export class DhtReader implements Program {
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  next(operation: Operation): void {
    const pages = this.#rng.next() < DHT.acrossPages ? 2 : 1;
    operation.kind = OPERATIONS.READ;
    operation.offset = this.#rng.below(PAGES - 1) * DHT.pageBytes;
    operation.lengthBytes = pages * DHT.pageBytes;
    operation.cpuNs = DHT.cpuNs;
  }
}
