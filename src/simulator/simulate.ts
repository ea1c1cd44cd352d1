/**
 * Virtual time's composition root: assembles the parts of the service under the virtual clock, puts a
 * workload in front of a simulated device and runs it to its end. The same spec and seed give the
 * same report, byte for byte.
 */
import { assemble } from '../app/assemble.js';
import { VirtualClock } from '../clock/virtual.js';
import { SluiceError, invalid } from '../core/model/errors.js';
import type { DeviceSettings, Simulation } from '../core/model/device.js';
import { SHARES_DEFAULT, checkPolicy } from '../core/model/policy.js';
import type { PolicyFields } from '../core/model/policy.js';
import { checkTag } from '../core/model/tag.js';
import type { Rng } from '../core/ports.js';
import { SeededRng } from '../core/rng.js';
import { makeDeviceFactory } from '../devices/factory.js';
import { shareReport } from '../workload/report.js';
import type { ShareReport } from '../workload/report.js';
import type { RequestSource } from '../workload/request-source.js';
import { WorkloadRun } from '../workload/run.js';
import type { Pace, StopRules, TagCounts } from '../workload/run.js';
import { ServedTarget } from './served-target.js';
import { SILENT } from './silent.js';

/** What a source is made with: the device it is to fit, and randomness of its tag's own. */
interface SourceContext {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly rng: Rng;
}

interface SimulatedTag {
  readonly tag: string;
  readonly makeSource: (context: SourceContext) => RequestSource;
  readonly pace: Pace;
  /** Most requests that it issues; 0: no bound. */
  readonly requestsMax: number;
}

export interface SimulationSpec {
  readonly device: string;
  /** Its seed is set from the seed of the run. */
  readonly simulation: Simulation;
  readonly settings: DeviceSettings;
  /** Shares of tags and of inner nodes; what is not here has the default. */
  readonly policies: readonly { readonly tag: string; readonly fields: PolicyFields }[];
  readonly tags: readonly SimulatedTag[];
  readonly stop: StopRules;
}

export interface SimulationResult {
  readonly report: ShareReport;
  /** In the order of the spec's tags. */
  readonly counts: readonly TagCounts[];
  /** Why it stopped before its time; '' where it did not. */
  readonly givenUp: string;
}

/** Told now and then how far it is; what it returns is awaited, so that a caller can draw and be stopped. */
export type SimulationProgress = (completed: number, nowNs: number) => Promise<void>;

const STEPS_A_PROGRESS = 65_536;
const SEED_WORDS = 2 ** 32;

/**
 * @param seed an integer, 0..2^32-1
 * @throws SluiceError INVALID_ARGUMENT naming a tag, share or setting; INTERNAL where the run stands still
 */
export async function simulate(
  spec: SimulationSpec,
  seed: number,
  progress?: SimulationProgress,
): Promise<SimulationResult> {
  const clock = new VirtualClock();
  const rng = new SeededRng(seed);
  for (const { tag } of spec.tags) checkTag(tag);
  if (spec.simulation.kind === 'null' && spec.stop.seconds > 0) {
    throw invalid(
      'stop.seconds',
      '0 on a null device: no time passes there, and the run would never end',
      spec.stop.seconds,
    );
  }
  for (const { tag, fields } of spec.policies) checkPolicy(spec.device, tag, fields);
  const simulation = { ...spec.simulation, seed: rng.fork('device').below(SEED_WORDS) };
  const parts = await assemble({
    clock,
    logger: SILENT,
    factory: makeDeviceFactory({}, clock),
    devices: [{ name: spec.device, target: { simulation }, settings: spec.settings }],
    policies: spec.policies.map((policy) => ({ device: spec.device, ...policy })),
  });
  try {
    const served = parts.host.get(spec.device)!;
    if (served.state !== 'ready') throw new SluiceError('DEVICE_IO', `${spec.device}: ${served.stateMessage}`);
    const target = new ServedTarget(
      served,
      spec.tags.map(({ tag }) => tag),
      clock,
    );
    const { sizeBytes, blockBytes } = target;
    const tags = spec.tags.map(({ tag, makeSource, pace, requestsMax }) => ({
      source: makeSource({ sizeBytes, blockBytes, rng: rng.fork(`tag ${tag}`) }),
      pace,
      requestsMax,
    }));
    const run = await runToEnd(clock, target, tags, spec.stop, progress);
    return { report: report(spec, run), counts: run.counts, givenUp: run.givenUp };
  } finally {
    await parts.close();
  }
}

async function runToEnd(
  clock: VirtualClock,
  target: ServedTarget,
  tags: ConstructorParameters<typeof WorkloadRun>[2],
  stop: StopRules,
  progress: SimulationProgress | undefined,
): Promise<WorkloadRun> {
  let ended = false;
  const run = new WorkloadRun(clock, target, tags, stop, () => (ended = true));
  target.sink = run;
  run.start();
  const over = (): boolean => ended;
  while (!over()) {
    for (let steps = 0; steps < STEPS_A_PROGRESS && !over(); steps++) {
      if (!clock.step())
        throw new SluiceError('INTERNAL', 'the simulation stands still: requests are out and no timer is armed');
    }
    await progress?.(run.completed, clock.nowNs());
  }
  return run;
}

function report(spec: SimulationSpec, run: WorkloadRun): ShareReport {
  const policies = new Map(spec.policies.map(({ tag, fields }) => [tag, fields]));
  return shareReport({
    device: spec.device,
    durationNs: run.durationNs,
    contention: run.contention(),
    tags: spec.tags.map(({ tag }, i) => ({ tag, counts: run.counts[i]! })),
    sharesOf: (tag) => ({
      shares: policies.get(tag)?.shares ?? SHARES_DEFAULT,
      selfShares: policies.get(tag)?.selfShares ?? SHARES_DEFAULT,
    }),
  });
}
