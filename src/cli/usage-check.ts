/** Holds what the service accounted for each tag against what was asked of it. */
import type { SluiceClient } from '../client/client.js';
import { OPS } from '../core/model/request.js';
import type { Op } from '../core/model/request.js';
import { SELF_SEGMENT } from '../core/model/tag.js';

export interface Served {
  readonly reads: number;
  readonly writes: number;
  readonly readBytes: number;
  readonly writeBytes: number;
}

const KEYS = ['reads', 'writes', 'readBytes', 'writeBytes'] as const;

/** What the service has counted for each of the tags on the device so far. */
export async function usageOf(client: SluiceClient, device: string, tags: readonly string[]): Promise<Served[]> {
  const totals = new Map(tags.map((tag) => [tag, { reads: 0, writes: 0, readBytes: 0, writeBytes: 0 }]));
  for await (const row of client.usage.query({ device })) {
    // Requests that carry an inner node's own tag stand apart, under its implicit child.
    const tag = row.tag.endsWith(`/${SELF_SEGMENT}`) ? row.tag.slice(0, -2) : row.tag;
    const total = totals.get(tag);
    if (total === undefined) continue;
    const of = (op: Op): { count: number; bytes: number } =>
      row.ops.find((each) => each.op === op) ?? { count: 0, bytes: 0 };
    total.reads += of(OPS.READ).count;
    total.readBytes += of(OPS.READ).bytes;
    total.writes += of(OPS.WRITE).count;
    total.writeBytes += of(OPS.WRITE).bytes;
  }
  return [...totals.values()];
}

/** A line for each number that is not as expected; none where all are. */
export function usageDifferences(
  tags: readonly string[],
  before: readonly Served[],
  after: readonly Served[],
  expected: readonly Served[],
): string[] {
  return tags.flatMap((tag, i) =>
    KEYS.flatMap((key) => {
      const counted = after[i]![key] - before[i]![key];
      return counted === expected[i]![key]
        ? []
        : [`${tag}: ${key} must be ${String(expected[i]![key])}, usage says ${String(counted)}`];
    }),
  );
}
