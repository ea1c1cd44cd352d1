/** An answer as its reader gets it: rows by the thousand, and others get their turn while it is made. */
import type { UsageRow } from '../model/usage.js';
import { NS_PER_MS } from '../model/units.js';
import type { Clock } from '../ports.js';
import type { UsageInterval } from './sum.js';

/** How long a query may keep others waiting. */
const SLICE_NS = 4 * NS_PER_MS;
/** Most rows in one part of an answer. */
const PART_ROWS = 1_000;

/** @param nextTurn resolves when all others that wait have run */
export async function* inParts(
  steps: Iterable<UsageInterval | null> | AsyncIterable<UsageInterval | null>,
  clock: Clock,
  nextTurn: () => Promise<void>,
): AsyncGenerator<readonly UsageRow[], void> {
  let sinceNs = clock.nowNs();
  let part: UsageRow[] = [];
  for await (const step of steps) {
    for (const row of step?.rows ?? []) {
      part.push(row);
      if (part.length < PART_ROWS) continue;
      yield part;
      part = [];
      // What the reader makes of a part takes its time as well.
      if (clock.nowNs() - sinceNs < SLICE_NS) continue;
      await nextTurn();
      sinceNs = clock.nowNs();
    }
    if (clock.nowNs() - sinceNs < SLICE_NS) continue;
    await nextTurn();
    sinceNs = clock.nowNs();
  }
  if (part.length > 0) yield part;
}
