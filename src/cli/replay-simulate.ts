/** `sluice replay --simulate`: the traces in front of a simulated device in virtual time. */
import { DEFAULT_SETTINGS, DEFAULT_SIMULATION, checkSimulation, patchSettings } from '../core/model/device.js';
import type { CostModelName, SchedulerName, SimulationKind } from '../core/model/device.js';
import { NS_PER_S } from '../core/model/units.js';
import { simulate } from '../simulator/simulate.js';
import type { SimulationResult } from '../simulator/simulate.js';
import type { LoadedTraces } from '../workload/traces/load.js';
import { note } from './output.js';
import { progressBar } from './progress.js';
import { replayPlan } from './replay-plan.js';
import type { PaceOptions, TagShares } from './replay-plan.js';

export interface SimulateOptions extends PaceOptions {
  simDevice: SimulationKind;
  simSize?: number;
  depth?: number;
  scheduler?: SchedulerName;
  costModel?: CostModelName;
  seed: number;
  shares?: TagShares[];
}

export async function replaySimulated(traces: LoadedTraces, options: SimulateOptions): Promise<SimulationResult> {
  const kind = options.simDevice;
  const settings = patchSettings(
    DEFAULT_SETTINGS,
    {
      ...(options.depth === undefined ? {} : { depth: options.depth }),
      ...(options.scheduler === undefined ? {} : { scheduler: options.scheduler }),
      ...(options.costModel === undefined ? {} : { costModel: options.costModel }),
      // A closed loop deeper than the queue would only be refused.
      maxQueuedRequests: Math.max(DEFAULT_SETTINGS.maxQueuedRequests, 2 * (options.closedLoop ?? 0)),
    },
    '--',
  );
  const simulation = checkSimulation(
    { ...DEFAULT_SIMULATION, kind, sizeBytes: options.simSize ?? DEFAULT_SIMULATION.sizeBytes },
    '--sim-',
  );
  const plan = replayPlan(options, traces, settings.depth);
  const bar = progressBar('simulating', plan.total, 'requests');
  try {
    const result = await simulate(
      {
        device: `sim-${kind}`,
        simulation,
        settings,
        policies: (options.shares ?? []).map(({ tag, shares }) => ({ tag, fields: { shares } })),
        tags: traces.tags.map((trace) => ({
          tag: trace.tag,
          makeSource: (context) => plan.source(trace, context),
          pace: plan.pace,
          requestsMax: plan.requestsMax,
        })),
        stop: plan.stop,
      },
      options.seed,
      async (completed, nowNs) => {
        bar.update(completed, `${(nowNs / NS_PER_S).toFixed(1)} s of virtual time`);
        // Lets the bar be drawn, and Ctrl-C be heard.
        await new Promise((resolve) => setImmediate(resolve));
      },
    );
    bar.stop();
    return result;
  } finally {
    bar.stop();
  }
}

/** How fast it went, for people: never part of the object, which is the same every time. */
export function noteSpeed(result: SimulationResult, wallSeconds: number): void {
  const ops = result.counts.reduce((sum, counts) => sum + counts.ops, 0);
  const { seconds } = result.report;
  note(
    `simulated ${String(ops)} requests, ${seconds.toFixed(3)} s of device time, in ${wallSeconds.toFixed(2)} s: ` +
      `${Math.round(ops / wallSeconds).toLocaleString('en')} requests a second, ${(seconds / wallSeconds).toFixed(0)} times real time`,
  );
}
