/** Who makes the runs of scenarios: the simulator, in threads, or real parts. */
import type { RunMeasure } from '../simulator/guests/measures.js';
import type { MachineSetup } from '../simulator/guests/setup.js';

export interface Run {
  readonly setup: MachineSetup;
  readonly seed: number;
}

export interface Runner {
  /** Rejects with the error of the run, or CANCELLED where the runner is closed before it is made. */
  run(run: Run): Promise<RunMeasure>;
  /** Ends whatever is being run. May be called again. */
  close(): Promise<void>;
}
