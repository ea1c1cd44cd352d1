/** What a request is charged, by operation and length. */
import { COST_MAX, COST_MIN, OPS, type Op } from '../model/request.js';
import type { DeviceSettings } from '../model/device.js';
import { MIB } from '../model/units.js';

/**
 * Cost units of one operation, COST_MIN..COST_MAX. `lengthBytes` is that of the request, or of one
 * piece where it is scheduled in pieces.
 */
export type CostOf = (op: Op, lengthBytes: number) => number;

/** Ranges of TRIM and WRITE_ZEROES longer than this are scheduled in pieces of this length. */
export const PIECE_BYTES = 32 * MIB;

/**
 * Cost units of one piece of TRIM or WRITE_ZEROES under the models that look at length. They move
 * no data, so they are charged as a transfer of a fixed size, 256 KiB at the default unit. Bounded,
 * so that a long range cannot starve its own tag, and not 1, so that a tag that sends nothing else
 * does not win every comparison.
 */
export const PIECE_COST = 16;

function clamp(cost: number): number {
  return Math.min(Math.max(cost, COST_MIN), COST_MAX);
}

/** Charges by operation what moves no data; `transfer` the others. */
function byLength(transfer: (lengthBytes: number) => number): CostOf {
  return (op, lengthBytes) => {
    switch (op) {
      case OPS.READ:
      case OPS.WRITE:
        return transfer(lengthBytes);
      case OPS.FLUSH:
        return COST_MIN;
      case OPS.TRIM:
      case OPS.WRITE_ZEROES:
        return PIECE_COST;
    }
  };
}

/**
 * The cost model that a device is set to. Every operation costs at least 1: a free one would let
 * its tag win every comparison.
 * `requests`: 1 each, as in the paper. `normalized`: units begun. `bytes`: units as a real number,
 * so that cost is in proportion to bytes above one unit; below it the floor of 1 holds.
 */
export function costModel(settings: Pick<DeviceSettings, 'costModel' | 'costUnitBytes'>): CostOf {
  const unitBytes = settings.costUnitBytes;
  switch (settings.costModel) {
    case 'requests':
      return () => COST_MIN;
    case 'normalized':
      return byLength((lengthBytes) => clamp(Math.ceil(lengthBytes / unitBytes)));
    case 'bytes':
      return byLength((lengthBytes) => clamp(lengthBytes / unitBytes));
  }
}
