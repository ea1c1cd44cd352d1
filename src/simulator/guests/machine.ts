/**
 * Runs virtual machines on one physical disk in virtual time: guests and their applications above, the
 * dispatcher, gate and scheduler of the service below, on a model of a disk. The same setup and seed give
 * the same measures.
 */
import { assemble } from '../../app/assemble.js';
import type { ConfiguredPolicy } from '../../app/config.js';
import { VirtualClock } from '../../clock/virtual.js';
import { DEFAULT_SETTINGS, DEFAULT_SIMULATION, SCHEDULERS, patchSettings } from '../../core/model/device.js';
import { SluiceError, invalid } from '../../core/model/errors.js';
import { OPS } from '../../core/model/request.js';
import { NS_PER_S } from '../../core/model/units.js';
import type { Rng, ServedDevice } from '../../core/ports.js';
import { SeededRng } from '../../core/rng.js';
import type { AlgorithmFactory } from '../../core/scheduling/algorithm.js';
import { BASELINES, makeBaseline } from '../../core/scheduling/baselines/registry.js';
import { makeDeviceFactory } from '../../devices/factory.js';
import { SILENT } from '../silent.js';
import type { Measured } from './application.js';
import { Hypervisor } from './hypervisor.js';
import { runMeasure } from './measures.js';
import type { RunMeasure } from './measures.js';
import { Memory } from './memory.js';
import { MACHINE } from './parameters.js';
import { UNTAGGED } from './setup.js';
import type { MachineSetup, TagRule } from './setup.js';
import { shuffled } from './shuffle.js';
import { pageBytesOfGuest, startGuest } from './start-guest.js';
import { NoopDisk } from './virtual-disk.js';
import type { NameOf } from './virtual-disk.js';

const DEVICE = 'disk';
const SEED_WORDS = 2 ** 32;
/** What ioprio gives to those for whom nobody set it. */
const CFQ_PRIORITY_DEFAULT = 4;

/**
 * @param seed an integer, 0..2^32-1: where the virtual disks lie, what applications ask for, where the platters stand
 * @param memory of one machine at a time
 * @throws SluiceError INVALID_ARGUMENT naming a setting
 */
export async function runMachine(setup: MachineSetup, seed: number, memory = new Memory()): Promise<RunMeasure> {
  if (!(setup.seconds > 0)) throw invalid('seconds', 'above 0', setup.seconds);
  const clock = new VirtualClock();
  const rng = new SeededRng(seed);
  const kind = setup.medium;
  const sizeBytes = diskBytesOf(setup);
  const simulation = { ...DEFAULT_SIMULATION, kind, sizeBytes, seed: rng.fork('device').below(SEED_WORDS) };
  const plugIn = plugInOf(setup, rng);
  const parts = await assemble({
    clock,
    logger: SILENT,
    factory: makeDeviceFactory({}, clock),
    devices: [{ name: DEVICE, target: { simulation }, settings: settingsOf(setup) }],
    policies: setup.policies === false ? [] : policiesOf(setup),
    ...(plugIn === undefined ? {} : { plugIn }),
  });
  try {
    return run(clock, memory, parts.host.get(DEVICE)!, setup, rng);
  } finally {
    memory.takeBack();
    await parts.close();
  }
}

function diskBytesOf({ medium }: MachineSetup): number {
  return medium === 'hdd' ? MACHINE.hddBytes : MACHINE.ssdBytes;
}

/** Shares of whatever names arrive. */
function policiesOf({ guests, tags }: MachineSetup): ConfiguredPolicy[] {
  const named =
    tags === 'none'
      ? guests.map(({ name, shares }) => ({ tag: name, shares }))
      : guests.flatMap(({ applications }) => applications);
  return named.map(({ tag, shares }) => ({ device: DEVICE, tag, fields: { shares } }));
}

function plugInOf({ algorithm, guests }: MachineSetup, rng: Rng): AlgorithmFactory | undefined {
  const baseline = BASELINES.find((name) => name === algorithm);
  if (baseline === undefined) return undefined;
  const priorities = new Map(guests.map(({ name, priority }) => [name, priority]));
  return makeBaseline(baseline, {
    seed: rng.fork('draws').below(SEED_WORDS),
    priorityOf: (tag) => priorities.get(tag) ?? CFQ_PRIORITY_DEFAULT,
  });
}

/** @throws SluiceError INVALID_ARGUMENT naming a setting */
export function settingsOf(setup: MachineSetup): typeof DEFAULT_SETTINGS {
  const scheduler = SCHEDULERS.find((name) => name === setup.algorithm);
  return patchSettings(DEFAULT_SETTINGS, {
    // A baseline stands in for whatever is named here.
    ...(scheduler === undefined ? {} : { scheduler }),
    depth: setup.depth,
    // One stride a request, as in the paper.
    costModel: 'requests',
    ...setup.settings,
  });
}

function run(clock: VirtualClock, memory: Memory, served: ServedDevice, setup: MachineSetup, rng: Rng): RunMeasure {
  const pageBytes = Math.min(...setup.guests.map(pageBytesOfGuest));
  const cache = memory.pageCache(MACHINE.hostCacheBytes, pageBytes, diskBytesOf(setup));
  const hypervisor = new Hypervisor(clock, served, cache);
  const endNs = setup.seconds * NS_PER_S;
  const places = diskPlaces(setup.guests.length, rng);
  const measured = new Map<string, Measured>();
  for (const [i, guest] of setup.guests.entries()) {
    const below = new NoopDisk(hypervisor, places[i]!, nameRule(setup.tags, guest.name));
    startGuest(clock, memory, guest, below, rng.fork(guest.name), endNs, measured);
  }
  while (clock.nextDueNs <= endNs) {
    if (!clock.step()) throw new SluiceError('INTERNAL', 'the simulation stands still');
  }
  const measures = [...measured.values()].map(({ name, shares, members, meter, disk }) =>
    meter.measure(name, shares, members, disk.ios, setup.seconds),
  );
  const measure = runMeasure(endNs, hypervisor.totals, measures);
  // What is still out comes back, so that the parts can be closed; nobody counts it.
  while (served.queued + served.outstanding > 0 && clock.step());
  return measure;
}

/** The name that a request of a guest has at the host's scheduler. */
function nameRule(rule: TagRule, guest: string): NameOf {
  switch (rule) {
    case 'all':
      return ({ tag }) => tag;
    case 'reads':
      return ({ tag }, op) => (op === OPS.READ ? tag : UNTAGGED);
    case 'none':
      return () => guest;
  }
}

/** Where each guest's virtual disk begins on the physical one: side by side, in an order drawn from rng, which stays as it was. */
export function diskPlaces(guests: number, rng: Rng): number[] {
  return Array.from(shuffled(guests, rng.fork('places')), (place) => place * MACHINE.virtualDiskBytes);
}
