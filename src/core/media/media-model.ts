/** How long a medium takes, as a machine that is told the time and never looks at a clock. */
import type { Op } from '../model/request.js';

/** No request ended in this step. */
export const NONE = -1;

/**
 * A medium under model time. The owner submits requests and carries out steps in order of time:
 * while `nextNs` is due it calls `advance`. Steps that end a request return its slot; what the
 * medium decides in between (which request the arm goes to next, which page a die programs) are
 * steps too, because they depend on all that has been submitted by then.
 */
export interface MediaModel {
  /**
   * Takes a request in. `slot`: the owner's number for it, not in use by another outstanding one,
   * small. `atNs`: model time of submission; may lie a little before that of the previous call, in which
   * case the request finds the medium as the previous one left it.
   */
  submit(slot: number, op: Op, offset: number, lengthBytes: number, fua: boolean, atNs: number): void;
  /** Model time of the next step, a whole number; Infinity where nothing is outstanding. */
  readonly nextNs: number;
  /** Carries out the next step. The slot of the request that ended at nextNs, or NONE. */
  advance(): number;
}
