/**
 * Several hosts on one machine that share the listening ports: a parent that holds the ports and
 * hands connections out in turn, and N workers, each a host of its own with its own id and epoch.
 *
 * The first worker starts alone, so that what is wrong is said once; the others follow when it
 * serves. One that dies is replaced; one that dies young, after a pause.
 */
import cluster, { type Worker } from 'node:cluster';
import { SluiceError } from '../core/model/errors.js';
import type { Logger } from '../core/ports.js';
import type { Listening } from './service.js';

/** What a worker tells its parent once everything listens. */
interface Serving {
  readonly kind: 'serving';
  readonly listening: Listening;
}

/** What the parent tells a worker: stop as after SIGTERM. */
const DRAIN = 'drain';

/** A worker that lived shorter than this is replaced only after as long again. */
const YOUNG_MS = 1_000;

export class Workers {
  readonly #count: number;
  readonly #logger: Logger;
  readonly #serving = new Set<Worker>();
  #stopping = false;
  #onServing: ((listening: Listening) => void) | null = null;
  #onStopped: (() => void) | null = null;
  #replacements = new Set<NodeJS.Timeout>();

  constructor(count: number, logger: Logger) {
    this.#count = count;
    this.#logger = logger;
  }

  /**
   * Resolves with the addresses when all serve.
   * @throws SluiceError INTERNAL where the first worker ends before it serves; it has said why
   */
  async start(): Promise<Listening> {
    const listening = await this.#first();
    cluster.on('exit', (worker, code, signal) => this.#ended(worker, signal === '' ? String(code) : signal));
    for (let made = 1; made < this.#count; made++) this.#fork();
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (this.#serving.size >= this.#count) resolve();
      };
      this.#onServing = check;
      check();
    });
    this.#onServing = null;
    this.#logger.info({ ...listening, workers: this.#count }, 'all workers serve');
    return listening;
  }

  /** Drains all workers; resolves when the last has ended. */
  stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#replacements) clearTimeout(timer);
    const workers = this.#alive();
    for (const worker of workers) worker.send(DRAIN);
    if (workers.length === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#onStopped = resolve));
  }

  kill(): void {
    for (const worker of this.#alive()) worker.process.kill('SIGKILL');
  }

  #alive(): Worker[] {
    return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  }

  #first(): Promise<Listening> {
    return new Promise((resolve, reject) => {
      const worker = this.#fork(resolve);
      worker.once('exit', (code) => {
        reject(new SluiceError('INTERNAL', `the first worker ended with ${String(code)} before it served`));
      });
    });
  }

  #fork(onServing?: (listening: Listening) => void): Worker {
    const worker = cluster.fork();
    const bornMs = performance.now();
    worker.on('message', (message: Serving) => {
      this.#serving.add(worker);
      onServing?.(message.listening);
      this.#onServing?.(message.listening);
    });
    worker.once('exit', () => {
      if (this.#stopping || !this.#replaces(worker)) return;
      const waitMs = performance.now() - bornMs < YOUNG_MS ? YOUNG_MS : 0;
      const timer = setTimeout(() => {
        this.#replacements.delete(timer);
        this.#fork();
      }, waitMs);
      this.#replacements.add(timer);
    });
    return worker;
  }

  /** The first worker is not replaced before it has served: its failure is the start's. */
  #replaces(worker: Worker): boolean {
    return this.#serving.size > 0 || worker.id > 1;
  }

  #ended(worker: Worker, how: string): void {
    this.#serving.delete(worker);
    if (!this.#stopping) {
      this.#logger.warn({ worker: worker.process.pid, ended: how }, 'a worker ended and is replaced');
      return;
    }
    if (this.#alive().length === 0) this.#onStopped?.();
  }
}

/** A worker's end of the channel to its parent. */
export interface WorkerEnd {
  serving(listening: Listening): void;
  /** Lets go of the channel, which would hold the process. */
  failed(): void;
  onDrain(fn: () => void): void;
}

/** This process, where it is a worker; null where it is the service itself or the parent. */
export function asWorker(): WorkerEnd | null {
  const { worker } = cluster;
  if (worker === undefined) return null;
  return {
    serving: (listening) => {
      const message: Serving = { kind: 'serving', listening };
      process.send!(message);
    },
    failed: () => {
      worker.disconnect();
    },
    onDrain: (fn) => {
      process.on('message', (message) => {
        if (message === DRAIN) fn();
      });
    },
  };
}
