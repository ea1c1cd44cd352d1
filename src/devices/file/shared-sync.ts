/**
 * One fdatasync for all that wait for one. Whoever asks while one runs waits for the next: the one that
 * runs may have begun before the writes that the asker wants to see safe.
 */
export type SyncDone = (error: NodeJS.ErrnoException | null) => void;

export class SharedSync {
  readonly #start: (done: SyncDone) => void;
  #running: SyncDone[] = [];
  #waiting: SyncDone[] = [];
  readonly #finished = (error: NodeJS.ErrnoException | null): void => {
    const told = this.#running;
    this.#running = [];
    // The next one first, so that `done` finds it under way.
    if (this.#waiting.length > 0) this.#run();
    for (const done of told) done(error);
  };

  constructor(start: (done: SyncDone) => void) {
    this.#start = start;
  }

  request(done: SyncDone): void {
    this.#waiting.push(done);
    if (this.#running.length === 0) this.#run();
  }

  #run(): void {
    this.#running = this.#waiting;
    this.#waiting = [];
    this.#start(this.#finished);
  }
}
