/** What a row was charged, made equal to what it says was dispatched and what is still on its way. */
import type { Call } from './call.js';
import { chargeLate, refund } from './order.js';
import type { Node, Row } from './records.js';
import { reportedCharge } from './rows.js';

/** Absolute: how often and in which order a report comes does not matter. */
export function settle(c: Call, leaf: Node, row: Row): void {
  const due = reportedCharge(c, row) + row.pending;
  const difference = due - row.charged;
  row.charged = due;
  if (difference > 0) chargeLate(c, leaf, difference);
  else if (difference < 0) refund(c, leaf, -difference);
}
