/**
 * Runs virtual machines on one physical disk in virtual time: guests and their applications above, the
 * dispatcher, gate and scheduler of the service below, on a model of a disk. The same setup and seed give
 * the same measures.
 */
import { assemble } from '../../app/assemble.js';
import type { ConfiguredPolicy } from '../../app/config.js';
import { VirtualClock } from '../../clock/virtual.js';
import { DEFAULT_SETTINGS, DEFAULT_SIMULATION, patchSettings } from '../../core/model/device.js';
import { SluiceError, invalid } from '../../core/model/errors.js';
import { NS_PER_S } from '../../core/model/units.js';
import type { Rng, ServedDevice } from '../../core/ports.js';
import { SeededRng } from '../../core/rng.js';
import { makeDeviceFactory } from '../../devices/factory.js';
import { SILENT } from '../silent.js';
import { Guest } from './guest.js';
import type { NameOf } from './guest.js';
import { DiskCounts, Hypervisor } from './hypervisor.js';
import { OperationMeter, runMeasure } from './measures.js';
import type { RunMeasure } from './measures.js';
import { MACHINE, SYSBENCH } from './parameters.js';
import type { Program } from './program.js';
import { RandomReader, SequentialReader } from './programs/sysbench.js';
import { UNTAGGED } from './setup.js';
import type { GuestSetup, MachineSetup, WorkloadSetup } from './setup.js';
import { Thread } from './thread.js';
import type { Application } from './thread.js';

const DEVICE = 'disk';
const SEED_WORDS = 2 ** 32;

/**
 * @param seed an integer, 0..2^32-1: where the virtual disks lie, what applications ask for, where the platters stand
 * @throws SluiceError INVALID_ARGUMENT naming a setting
 */
export async function runMachine(setup: MachineSetup, seed: number): Promise<RunMeasure> {
  if (!(setup.seconds > 0)) throw invalid('seconds', 'above 0', setup.seconds);
  const clock = new VirtualClock();
  const rng = new SeededRng(seed);
  const kind = setup.medium;
  const sizeBytes = kind === 'hdd' ? MACHINE.hddBytes : MACHINE.ssdBytes;
  const simulation = { ...DEFAULT_SIMULATION, kind, sizeBytes, seed: rng.fork('device').below(SEED_WORDS) };
  const parts = await assemble({
    clock,
    logger: SILENT,
    factory: makeDeviceFactory({}, clock),
    devices: [{ name: DEVICE, target: { simulation }, settings: settingsOf(setup) }],
    policies: setup.policies === false ? [] : policiesOf(setup),
  });
  try {
    return run(clock, parts.host.get(DEVICE)!, setup, rng);
  } finally {
    await parts.close();
  }
}

function policiesOf({ guests }: MachineSetup): ConfiguredPolicy[] {
  return guests.flatMap(({ applications }) =>
    applications.map(({ tag, shares }) => ({ device: DEVICE, tag, fields: { shares } })),
  );
}

function settingsOf(setup: MachineSetup): typeof DEFAULT_SETTINGS {
  return patchSettings(DEFAULT_SETTINGS, {
    scheduler: setup.algorithm,
    depth: setup.depth,
    // One stride a request, as in the paper.
    costModel: 'requests',
    ...setup.settings,
  });
}

function run(clock: VirtualClock, served: ServedDevice, setup: MachineSetup, rng: Rng): RunMeasure {
  const pageBytes = Math.min(...setup.guests.flatMap((guest) => guest.applications.map(pageBytesOf)));
  const hypervisor = new Hypervisor(clock, served, pageBytes);
  const endNs = setup.seconds * NS_PER_S;
  const places = shuffled(setup.guests.length, rng.fork('places'));
  const running = setup.guests.flatMap((guest, i) =>
    makeGuest(clock, hypervisor, setup, guest, places[i]! * MACHINE.virtualDiskBytes, rng.fork(guest.name), endNs),
  );
  for (const { threads } of running) for (const thread of threads) thread.start();
  while (clock.nextDueNs <= endNs) {
    if (!clock.step()) throw new SluiceError('INTERNAL', 'the simulation stands still');
  }
  const measures = running.map(({ application: { tag, meter, disk }, shares }) =>
    meter.measure(tag, shares, disk.ios, setup.seconds),
  );
  const measure = runMeasure(endNs, hypervisor.totals, measures);
  // What is still out comes back, so that the parts can be closed; nobody counts it.
  while (served.queued + served.outstanding > 0 && clock.step());
  return measure;
}

interface RunningApplication {
  readonly application: Application;
  readonly shares: number;
  readonly threads: readonly Thread[];
}

function makeGuest(
  clock: VirtualClock,
  hypervisor: Hypervisor,
  setup: MachineSetup,
  { name, applications }: GuestSetup,
  diskOffset: number,
  rng: Rng,
  endNs: number,
): RunningApplication[] {
  const guest = new Guest(hypervisor, diskOffset, Math.min(...applications.map(pageBytesOf)), nameRule(setup, name));
  const threadsInAll = applications.reduce((sum, { workload }) => sum + workload.threads, 0);
  return applications.map(({ tag, shares, workload }) => {
    const application = { tag, meter: new OperationMeter(), disk: new DiskCounts() };
    const programs = programsOf(workload, rng.fork(tag));
    const threads = programs.map(
      (program) => new Thread(clock, guest, application, program, threadsInAll === 1, endNs),
    );
    return { application, shares, threads };
  });
}

/** The name that a request has at the host's scheduler. */
function nameRule(setup: MachineSetup, guest: string): NameOf {
  switch (setup.tags) {
    case 'all':
      return ({ tag }) => tag;
    case 'reads':
      return ({ tag }, write) => (write ? UNTAGGED : tag);
    case 'none':
      return () => guest;
  }
}

/** The granule of a page cache that serves the workload: what it reads is a multiple of it. */
function pageBytesOf({ workload }: { readonly workload: WorkloadSetup }): number {
  switch (workload.kind) {
    case 'sequential-read':
    case 'random-read':
      return SYSBENCH.blockBytes;
  }
}

/** One program a thread. */
function programsOf({ kind, threads }: WorkloadSetup, rng: Rng): Program[] {
  const each = (make: (thread: number) => Program): Program[] => Array.from({ length: threads }, (_, i) => make(i));
  switch (kind) {
    case 'sequential-read': {
      const shared = new SequentialReader();
      return each(() => shared);
    }
    case 'random-read':
      return each((i) => new RandomReader(rng.fork(`thread ${String(i)}`)));
  }
}

/** 0..length-1 in an order drawn from rng. */
function shuffled(length: number, rng: Rng): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
