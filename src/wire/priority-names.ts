/** A disk's map of priorities to segments, as the contract carries it. */
import type { PriorityNames } from '../core/model/disk.js';

interface WirePriorityName {
  readonly priority: string;
  readonly segment: string;
}

export function priorityNamesToWire(map: PriorityNames): WirePriorityName[] {
  return Object.entries(map).map(([priority, segment]) => ({ priority, segment }));
}

/** The last of a priority that is named twice. */
export function priorityNamesFromWire(names: readonly WirePriorityName[]): PriorityNames {
  return Object.fromEntries(names.map(({ priority, segment }) => [priority, segment]));
}
