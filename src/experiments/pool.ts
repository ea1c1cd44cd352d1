/**
 * Runs side by side in threads, as many as there are processors. Which thread makes a run, and when, changes
 * nothing in it: those that take the longest go first, so that at the end no processor has one to itself.
 */
import { Worker } from 'node:worker_threads';
import { SluiceError } from '../core/model/errors.js';
import type { ErrorCode } from '../core/model/errors.js';
import type { RunMeasure } from '../simulator/guests/measures.js';
import type { Run, Runner } from './runner.js';

/** What a worker says of a run. */
export type Answer =
  | { readonly kind: 'measure'; readonly measure: RunMeasure }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string };

interface Job {
  readonly run: Run;
  /** About how many requests the disk serves in it. */
  readonly ios: number;
  readonly resolve: (measure: RunMeasure) => void;
  readonly reject: (error: SluiceError) => void;
}

/** Requests that a disk serves in a second, in round figures. */
const IOS_PER_S = { hdd: 100, ssd: 4_000 } as const;

export class RunPool implements Runner {
  /** The longest first; of those alike, in the order in which they were asked for. */
  readonly #waiting: Job[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job>();

  constructor(threads: number) {
    for (let i = 0; i < threads; i++) {
      const worker = new Worker(new URL('./worker.js', import.meta.url));
      worker.on('message', (answer: Answer) => this.#answered(worker, answer));
      worker.on('error', (error) => this.#failed(worker, SluiceError.from(error)));
      this.#idle.push(worker);
    }
  }

  /** Rejects with the error of the run, or CANCELLED where the pool is closed before it is made. */
  run(run: Run): Promise<RunMeasure> {
    return new Promise((resolve, reject) => {
      const ios = run.setup.seconds * IOS_PER_S[run.setup.medium];
      const shorter = this.#waiting.findIndex((other) => other.ios < ios);
      this.#waiting.splice(shorter < 0 ? this.#waiting.length : shorter, 0, { run, ios, resolve, reject });
      this.#next();
    });
  }

  /** Ends the threads, whatever they are at. */
  async close(): Promise<void> {
    const workers = [...this.#idle, ...this.#busy.keys()];
    const jobs = [...this.#busy.values(), ...this.#waiting];
    this.#idle.length = 0;
    this.#waiting.length = 0;
    this.#busy.clear();
    for (const { reject } of jobs) reject(new SluiceError('CANCELLED', 'the experiments were interrupted'));
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #next(): void {
    const worker = this.#idle.at(-1);
    if (worker === undefined) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    this.#idle.pop();
    this.#busy.set(worker, job);
    worker.postMessage(job.run);
  }

  #answered(worker: Worker, answer: Answer): void {
    const job = this.#busy.get(worker);
    // Closed meanwhile.
    if (job === undefined) return;
    this.#busy.delete(worker);
    this.#idle.push(worker);
    this.#next();
    switch (answer.kind) {
      case 'measure':
        job.resolve(answer.measure);
        return;
      case 'error':
        job.reject(new SluiceError(answer.code, answer.message));
    }
  }

  /** The thread is gone, and its run with it. */
  #failed(worker: Worker, error: SluiceError): void {
    this.#busy.get(worker)?.reject(error);
    this.#busy.delete(worker);
  }
}
