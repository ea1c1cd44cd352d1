/** One of the threads that runs are made in: takes a run, answers with its measure, takes the next. */
import { parentPort } from 'node:worker_threads';
import { runMachine } from '../simulator/guests/machine.js';
import { Memory } from '../simulator/guests/memory.js';
import { SluiceError } from '../core/model/errors.js';
import type { Answer } from './pool.js';
import type { Run } from './runner.js';

const memory = new Memory();

parentPort!.on('message', (run: Run) => {
  runMachine(run.setup, run.seed, memory).then(
    (measure) => parentPort!.postMessage({ kind: 'measure', measure } satisfies Answer),
    (error: unknown) => {
      const { code, message } = SluiceError.from(error);
      parentPort!.postMessage({ kind: 'error', code, message } satisfies Answer);
    },
  );
});
