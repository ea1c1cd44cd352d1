/** What a run of tagged load is judged by: the `--json` of demo, load, replay and simulation. */
import type { NodeShares } from '../core/model/policy.js';
import { NS_PER_S } from '../core/model/units.js';
import { idealShares } from './ideal.js';
import type { TagCounts } from './run.js';
import type { Contention } from './share-meter.js';

interface TagReport {
  readonly tag: string;
  readonly shares: number;
  /** Part of the cost that the tag got while all tags were backlogged; null where that never was. */
  readonly share: number | null;
  /** |share / ideal - 1|; null where share is. */
  readonly shareError: number | null;
  readonly ops: number;
  readonly reads: number;
  readonly writes: number;
  /** Of what was served. */
  readonly bytes: number;
  readonly errors: number;
  readonly queueUsP50: number;
  readonly queueUsP99: number;
  readonly serviceUsP50: number;
  readonly serviceUsP99: number;
}

export interface ShareReport {
  readonly device: string;
  readonly seconds: number;
  /** Part of the run in which all tags were backlogged. */
  readonly contendedFraction: number;
  /** The largest shareError; null where nothing was contended. */
  readonly maxShareError: number | null;
  readonly tags: readonly TagReport[];
}

export interface ReportInput {
  readonly device: string;
  readonly durationNs: number;
  readonly contention: Contention;
  readonly tags: readonly { readonly tag: string; readonly counts: TagCounts }[];
  /** The shares in force, of inner nodes of the tag tree too. */
  readonly sharesOf: (tag: string) => NodeShares;
}

/** Six decimals: below what any run can tell, and short enough to read. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

export function shareReport(input: ReportInput): ShareReport {
  const { contention, durationNs } = input;
  const total = contention.cost.reduce((sum, cost) => sum + cost, 0);
  const ideal = idealShares(
    input.tags.map(({ tag }) => tag),
    input.sharesOf,
  );
  let maxShareError: number | null = null;
  const tags = input.tags.map(({ tag, counts }, i): TagReport => {
    const share = total > 0 ? contention.cost[i]! / total : null;
    const shareError = share === null ? null : rounded(Math.abs(share / ideal[i]! - 1));
    if (shareError !== null) maxShareError = Math.max(maxShareError ?? 0, shareError);
    return {
      tag,
      shares: input.sharesOf(tag).shares,
      share: share === null ? null : rounded(share),
      shareError,
      ops: counts.ops,
      reads: counts.reads,
      writes: counts.writes,
      bytes: counts.bytes,
      errors: counts.errors,
      queueUsP50: counts.queue.quantileUs(0.5),
      queueUsP99: counts.queue.quantileUs(0.99),
      serviceUsP50: counts.service.quantileUs(0.5),
      serviceUsP99: counts.service.quantileUs(0.99),
    };
  });
  return {
    device: input.device,
    seconds: rounded(durationNs / NS_PER_S),
    contendedFraction: durationNs > 0 ? rounded(Math.min(1, contention.contendedNs / durationNs)) : 0,
    maxShareError,
    tags,
  };
}
