/** The tags that were charged most, found in small steps, so that 100,000 of them do not hold the event loop. */
import { COST, OPS_MAX, SUMS, WIDTH } from './rows.js';

/** Tags looked at between two chances for others to run. */
const TAGS_A_SLICE = 4_096;

/**
 * @param addSums adds what a tag has, as UsageRows.addSums does
 * @returns numbers of tags, largest cost first; tags that were charged nothing last, and only where there is room
 */
export function* largestTags(
  tags: number,
  n: number,
  addSums: (id: number, sums: Float64Array) => void,
): Generator<null, number[]> {
  const sums = new Float64Array(WIDTH);
  const found: { readonly id: number; readonly cost: number }[] = [];
  for (let id = 0; id < tags; id++) {
    if (id % TAGS_A_SLICE === TAGS_A_SLICE - 1) yield null;
    addSums(id, sums.fill(0));
    let cost = 0;
    for (let op = 0; op < OPS_MAX; op++) cost += sums[op * SUMS + COST]!;
    // Of equals the older stays: names that come and go are of no use to a collector.
    if (found.length === n && found[n - 1]!.cost >= cost) continue;
    let at = found.length;
    while (at > 0 && found[at - 1]!.cost < cost) at -= 1;
    found.splice(at, 0, { id, cost });
    if (found.length > n) found.pop();
  }
  return found.map(({ id }) => id);
}
