/** sysbench fileio, `rndrd` and `seqrd`: 16 KiB reads, files side by side on the virtual disk. */
import type { Rng } from '../../../core/ports.js';
import { SYSBENCH } from '../parameters.js';
import { OPERATIONS } from '../program.js';
import type { Operation, Program } from '../program.js';

const BLOCKS = (SYSBENCH.files * SYSBENCH.fileBytes) / SYSBENCH.blockBytes;

/** Uniform over all blocks of all files, with replacement. */
export class RandomReader implements Program {
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  next(operation: Operation): void {
    operation.kind = OPERATIONS.READ;
    operation.offset = this.#rng.below(BLOCKS) * SYSBENCH.blockBytes;
    operation.lengthBytes = SYSBENCH.blockBytes;
    operation.cpuNs = SYSBENCH.cpuNs;
  }
}

/** One cursor for all threads, over all files and from the first again. */
export class SequentialReader implements Program {
  #block = 0;

  next(operation: Operation): void {
    operation.kind = OPERATIONS.STREAM;
    operation.offset = this.#block * SYSBENCH.blockBytes;
    operation.lengthBytes = SYSBENCH.blockBytes;
    operation.cpuNs = SYSBENCH.cpuNs;
    this.#block = (this.#block + 1) % BLOCKS;
  }
}
