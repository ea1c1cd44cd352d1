/** What a tag asks for, request by request. */
import type { Op } from '../core/model/request.js';

export interface RequestSource {
  /** Moves on to the next request; false where there is none any more. */
  next(): boolean;
  /** The request that next() moved to. */
  readonly op: Op;
  readonly offset: number;
  readonly lengthBytes: number;
  /** When an open loop issues it, since the start of the run. */
  readonly dueNs: number;
}
