/** What the state still knows when all requests are answered and all tags forgotten. */
import { checkState } from '../../coordination/twin/check-state.js';
import type { DeviceState } from '../../coordination/twin/records.js';

/** @returns what is left that should not be, '' where nothing is */
export function leftIn(state: DeviceState, alive: readonly string[]): string {
  checkState(state);
  const { hosts, nodes } = state.meta;
  const known = hosts.map(({ id }) => id).sort();
  if (known.join() !== alive.toSorted().join())
    return `the state knows hosts ${known.join()}, alive are ${alive.join()}`;
  for (const { id, held } of hosts) if (held !== 0) return `${id} holds ${held} slots`;
  let rows = 0;
  for (const numbers of state.rows.values()) rows += numbers.size;
  return rows > 0 || nodes > 1 ? `${rows} rows and ${nodes - 1} nodes are left` : '';
}
