/** Makes runs on real parts, one after the other: two at once would share processors, and be no measurement. */
import { SluiceError } from '../../core/model/errors.js';
import type { RunMeasure } from '../../simulator/guests/measures.js';
import type { Run, Runner } from '../runner.js';
import { Janitor } from './janitor.js';
import { runRealMachine } from './machine.js';

export class RealRunner implements Runner {
  readonly #janitor = new Janitor();
  readonly #abort = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  run({ setup, seed }: Run): Promise<RunMeasure> {
    const made = this.#last.then(() => {
      if (this.#abort.signal.aborted) throw new SluiceError('CANCELLED', 'the experiments were interrupted');
      return runRealMachine(setup, seed, this.#janitor, this.#abort.signal);
    });
    this.#last = made.catch(() => undefined);
    return made;
  }

  /** Ends the run that is being made, and undoes all. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#last;
    await this.#janitor.close();
  }
}
