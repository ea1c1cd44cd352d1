/** filebench's web server and mail server (webserver.f 3.1, varmail.f 3.0): what one thread does. */
import type { Rng } from '../../../core/ports.js';
import { FILEBENCH } from '../parameters.js';
import { OPERATIONS } from '../program.js';
import type { Operation, Program } from '../program.js';
import { wholePages } from './file-set.js';
import type { FileSet } from './file-set.js';

/** Ten times open, read whole, close; then an append to the log that all threads share. */
export class WebServer implements Program {
  readonly #files: FileSet;
  readonly #rng: Rng;
  #step = 0;

  constructor(files: FileSet, rng: Rng) {
    this.#files = files;
    this.#rng = rng;
  }

  next(operation: Operation): void {
    operation.cpuNs = FILEBENCH.cpuNs;
    if (this.#step++ < FILEBENCH.readsALoop) {
      readWhole(operation, this.#files, this.#files.nextToRead());
      return;
    }
    this.#step = 0;
    operation.kind = OPERATIONS.APPEND;
    operation.offset = 0;
    operation.lengthBytes = this.#rng.below(FILEBENCH.appendBytesEnd);
  }
}

/** Delete; create, append, fsync; read whole, append, fsync; read whole. */
export class MailServer implements Program {
  readonly #files: FileSet;
  readonly #rng: Rng;
  #step = 0;
  /** The file that the third step reads and the fourth appends to. */
  #open = 0;

  constructor(files: FileSet, rng: Rng) {
    this.#files = files;
    this.#rng = rng;
  }

  next(operation: Operation): void {
    const files = this.#files;
    operation.cpuNs = FILEBENCH.cpuNs;
    const step = this.#step;
    this.#step = (step + 1) % 4;
    switch (step) {
      case 0:
        // The delete before it is metadata, which the journal's next commit takes along.
        files.bytes[files.nextToDelete()] = 0;
        this.#append(operation, files.nextToCreate());
        return;
      case 1:
        this.#open = files.nextToRead();
        readWhole(operation, files, this.#open);
        return;
      case 2:
        this.#append(operation, this.#open);
        return;
      default:
        readWhole(operation, files, files.nextToRead());
    }
  }

  #append(operation: Operation, file: number): void {
    const bytes = wholePages(this.#rng.below(FILEBENCH.appendBytesEnd));
    operation.kind = OPERATIONS.SYNC_APPEND;
    operation.offset = this.#files.append(file, bytes);
    operation.lengthBytes = bytes;
  }
}

function readWhole(operation: Operation, files: FileSet, file: number): void {
  operation.kind = OPERATIONS.READ;
  operation.offset = files.offsets[file]!;
  operation.lengthBytes = files.bytes[file]!;
}
