/** Runs a workload of several tags through a running service, and reports. */
import { SluiceClient } from '../client/client.js';
import { RealClock } from '../clock/real.js';
import { SHARES_DEFAULT } from '../core/model/policy.js';
import type { NodeShares } from '../core/model/policy.js';
import { parentTag } from '../core/model/tag.js';
import { GIB } from '../core/model/units.js';
import type { RequestSource } from '../workload/request-source.js';
import { shareReport } from '../workload/report.js';
import type { ShareReport } from '../workload/report.js';
import { NETWORK_WARMUP_NS, WorkloadRun } from '../workload/run.js';
import type { Pace, StopRules, TagCounts } from '../workload/run.js';
import { SplitSource } from '../workload/split-source.js';
import type { VerifiedRegion } from '../workload/verify.js';
import { ClientTarget } from './client-target.js';

export interface ServiceDevice {
  readonly sizeBytes: number;
  readonly blockBytes: number;
}

export interface ServiceTag {
  readonly tag: string;
  readonly makeSource: (device: ServiceDevice) => RequestSource;
  readonly pace: Pace;
  readonly requestsMax: number;
  /** null: what is read is not looked at. */
  readonly region: VerifiedRegion | null;
}

export interface ServiceResult {
  readonly report: ShareReport;
  readonly counts: readonly TagCounts[];
  readonly givenUp: string;
  /** Requests that were cut because the service takes none so long. */
  readonly split: number;
}

const REFRESH_MS = 200;
/** A load generator is bounded by its own numbers of outstanding requests, not by the client's. */
const CLIENT_BOUNDS = { maxPendingRequests: 1_048_576, maxPendingBytes: 64 * GIB };

/** @throws SluiceError DEADLINE_EXCEEDED where no service answers at the address */
export function connect(address: string): Promise<SluiceClient> {
  return SluiceClient.connect(address, { ...CLIENT_BOUNDS, maxOutageMs: 5_000 });
}

/** Told a few times a second how many replies have come and how many seconds have passed. */
export type RunProgress = (completed: number, seconds: number) => void;

export async function runThroughService(
  client: SluiceClient,
  device: string,
  tags: readonly ServiceTag[],
  stop: StopRules,
  progress: RunProgress,
): Promise<ServiceResult> {
  const clock = new RealClock();
  const handles = await Promise.all(tags.map(({ tag }) => client.open(device, tag)));
  const target = new ClientTarget(
    handles,
    tags.map(({ region }) => region),
    clock,
  );
  const bytesMax = handles[0]!.maxIoBytes - (handles[0]!.maxIoBytes % target.blockBytes);
  const sources = tags.map(({ makeSource }) => new SplitSource(makeSource(target), bytesMax));
  const run = await new Promise<WorkloadRun>((resolve) => {
    const started: WorkloadRun = new WorkloadRun(
      clock,
      target,
      tags.map(({ pace, requestsMax }, i) => ({ source: sources[i]!, pace, requestsMax })),
      stop,
      () => {
        clearInterval(timer);
        process.off('SIGINT', interrupt);
        resolve(started);
      },
      NETWORK_WARMUP_NS,
    );
    const startedNs = clock.nowNs();
    const timer = setInterval(() => progress(started.completed, (clock.nowNs() - startedNs) / 1e9), REFRESH_MS);
    // The first Ctrl-C ends the run and reports what there is; the next ends the process.
    const interrupt = (): void => started.stop();
    process.once('SIGINT', interrupt);
    target.sink = started;
    started.start();
  });
  const sharesOf = await sharesInForce(
    client,
    device,
    tags.map(({ tag }) => tag),
  );
  const report = shareReport({
    device,
    durationNs: run.durationNs,
    contention: run.contention(),
    tags: tags.map(({ tag }, i) => ({ tag, counts: run.counts[i]! })),
    sharesOf,
  });
  await Promise.all(handles.map((handle) => handle.close()));
  return {
    report,
    counts: run.counts,
    givenUp: run.givenUp,
    split: sources.reduce((sum, { added }) => sum + added, 0),
  };
}

/** What the service says is in force, for the tags and all above them. */
async function sharesInForce(
  client: SluiceClient,
  device: string,
  tags: readonly string[],
): Promise<(tag: string) => NodeShares> {
  const nodes = new Set<string>();
  for (const tag of tags) for (let node: string | null = tag; node !== null; node = parentTag(node)) nodes.add(node);
  const known = new Map<string, NodeShares>();
  for (const node of nodes) {
    const { shares = SHARES_DEFAULT, selfShares = SHARES_DEFAULT } = await client.policies.get(device, node, {
      effective: true,
    });
    known.set(node, { shares, selfShares });
  }
  return (tag) => known.get(tag) ?? { shares: SHARES_DEFAULT, selfShares: SHARES_DEFAULT };
}

/** Whether anything went wrong, said on stderr a line a tag. */
export function failures(result: {
  readonly report: ShareReport;
  readonly counts: readonly TagCounts[];
  readonly givenUp: string;
}): string[] {
  const lines = result.report.tags.flatMap(({ tag, errors }, i) =>
    errors === 0 ? [] : [`${tag}: ${String(errors)} requests failed, the first with ${result.counts[i]!.firstError}`],
  );
  if (result.givenUp !== '') lines.push(`given up: ${result.givenUp}`);
  return lines;
}
