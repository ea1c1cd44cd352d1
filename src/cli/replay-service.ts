/** `sluice replay` through a running service. */
import { SluiceError } from '../core/model/errors.js';
import { summarize } from '../workload/traces/summary.js';
import type { LoadedTraces } from '../workload/traces/load.js';
import { note } from './output.js';
import { progressBar } from './progress.js';
import { replayPlan } from './replay-plan.js';
import type { PaceOptions, TagShares } from './replay-plan.js';
import { connect, runThroughService } from './service-run.js';
import type { ServiceResult } from './service-run.js';
import { usageDifferences, usageOf } from './usage-check.js';

export interface ReplayServiceOptions extends PaceOptions {
  address: string;
  device?: string;
  shares?: TagShares[];
  checkUsage?: boolean;
}

export interface ReplayServiceResult extends ServiceResult {
  /** What usage does not have right; empty where it was not checked. */
  readonly differences: readonly string[];
}

export async function replayThroughService(
  traces: LoadedTraces,
  options: ReplayServiceOptions,
): Promise<ReplayServiceResult> {
  const { device } = options;
  if (device === undefined) {
    throw new SluiceError('INVALID_ARGUMENT', 'a replay through a service needs --device NAME (or --simulate)', {
      field: '--device',
    });
  }
  const client = await connect(options.address);
  try {
    const { settings } = await client.devices.get(device);
    const plan = replayPlan(options, traces, settings.depth);
    const shares = options.shares ?? [];
    if (shares.length > 0) await client.policies.apply(shares.map((each) => ({ device, ...each })));
    const tags = traces.tags.map(({ tag }) => tag);
    const check = options.checkUsage === true;
    const before = check ? await usageOf(client, device, tags) : [];
    const seconds = plan.stop.seconds;
    const bar = progressBar('replaying', seconds > 0 ? seconds : plan.total, seconds > 0 ? 's' : 'requests');
    let result: ServiceResult;
    try {
      result = await runThroughService(
        client,
        device,
        traces.tags.map((trace) => ({
          tag: trace.tag,
          makeSource: (of) => plan.source(trace, of),
          pace: plan.pace,
          requestsMax: plan.requestsMax,
          region: null,
        })),
        plan.stop,
        (completed, passed) => bar.update(seconds > 0 ? passed : completed),
      );
    } finally {
      bar.stop();
    }
    if (result.split > 0)
      note(`${String(result.split)} requests more than in the traces: the service takes none so long`);
    if (!check) return { ...result, differences: [] };
    // A trace that went through once is held against its own count, anything else against the replies.
    const once = plan.stop.seconds === 0 && plan.stop.untilCost === 0 && plan.requestsMax === 0 && result.split === 0;
    const expected = once ? traces.tags.map(({ columns }) => summarize(columns)) : result.counts;
    const differences = usageDifferences(tags, before, await usageOf(client, device, tags), expected);
    if (differences.length === 0) {
      note(
        `usage agrees with the ${once ? 'traces' : 'replies'} in reads, writes and bytes of each of ${String(tags.length)} tags`,
      );
    }
    return { ...result, differences };
  } finally {
    await client.close();
  }
}
