/**
 * The machine of an experiment made of real parts: the same setup that the simulator runs, in real time.
 *
 *   shares    fio ── NBD, DEVICE@TAG ──▶ service, by shares ──▶ drive
 *
 *   CFQ's     fio, ioprio of its VM ──▶ BFQ of a loop device ── FUSE, NBD ──▶ service, fifo ──▶ drive
 *   place     fio, its own ioprio ──▶ BFQ of a loop device, the guest's ──▶ the loop device above, one identity
 *
 *   drive     a binding with `delay` of the model ──▶ loop device, direct I/O ──▶ sparse file of the drive's size
 *
 * Delay is in the service, so BFQ gets a disk as slow as the service's by way of the service: nbdfuse makes an
 * export a file, and a loop device over that file has a queue that the kernel schedules. The service passes on what
 * comes, as many at a time as the drive queues: what BFQ sends is ordered by BFQ and by the drive alone.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../core/model/errors.js';
import { SeededRng } from '../../core/rng.js';
import { diskPlaces, settingsOf } from '../../simulator/guests/machine.js';
import { runMeasure } from '../../simulator/guests/measures.js';
import type { ApplicationMeasure, RunMeasure } from '../../simulator/guests/measures.js';
import { MACHINE } from '../../simulator/guests/parameters.js';
import { UNTAGGED } from '../../simulator/guests/setup.js';
import type { ApplicationSetup, GuestSetup, MachineSetup } from '../../simulator/guests/setup.js';
import { NS_PER_S } from '../../core/model/units.js';
import { ended, oweEnd, start } from './commands.js';
import { onBlockDevice, overNbd, runFio } from './fio.js';
import type { FioCounts, FioJob, FioOptions } from './fio.js';
import { quote } from './janitor.js';
import type { Janitor } from './janitor.js';
import { attachLoop, setLowLatency, useScheduler } from './loop-device.js';
import { ServiceProcess } from './service-process.js';
import { fioWorkload } from './workloads.js';
import type { WorkloadPart } from './workloads.js';

/** What a setup of the simulator's may say besides. */
export interface RealSetup extends MachineSetup {
  /** False: without BFQ's heuristics for processes that it takes for interactive, which are on as it ships. */
  readonly lowLatency?: boolean;
}

const DEVICE = 'disk0';
const MB = 1e6;
/** Sizes are whole pages: direct I/O below a loop device is. */
const PAGE_BYTES = 4_096;
/** Before it counts: connections are made, queues fill. */
const RAMP_SECONDS = 1;
const POLL_MS = 10;
/** The best-effort class, the one that has priorities 0 to 7 and that CFQ's are. */
const BEST_EFFORT = 2;

/**
 * @param seed where the virtual disks lie, as in the simulator, and what fio asks for
 * @throws SluiceError CANCELLED on abort; INTERNAL with what a program said
 */
export async function runRealMachine(
  setup: RealSetup,
  seed: number,
  janitor: Janitor,
  abort: AbortSignal,
): Promise<RunMeasure> {
  const from = janitor.owed;
  try {
    const folder = join(tmpdir(), `sluice-real-${randomBytes(6).toString('hex')}`);
    janitor.owe(`rm -rf --one-file-system ${quote(folder)}`);
    mkdirSync(folder);
    const drive = attachLoop(janitor, sparseFile(folder, setup));
    const socket = join(folder, 'nbd');
    const service = await ServiceProcess.start(JSON.stringify(serviceConfig(setup, drive, socket)), [], {
      folder,
      started: (pid) => oweEnd(janitor, pid),
    });
    const wayOf =
      setup.algorithm === 'cfq' ? await throughBfq(setup, janitor, folder, socket) : throughService(setup, socket);
    const times = { seconds: setup.seconds, rampSeconds: RAMP_SECONDS };
    const counts = await runFio(janitor, folder, times, { randseed: seed }, jobsOf(setup, seed, wayOf), abort);
    if (setup.algorithm !== 'cfq') await service.stop();
    return measureOf(setup, counts);
  } catch (error) {
    if (abort.aborted) throw new SluiceError('CANCELLED', 'the experiments were interrupted');
    throw error;
  } finally {
    await janitor.undoTo(from);
  }
}

/** A file of the drive's size: the same places on platters and the same seeks as in the simulator. */
function sparseFile(folder: string, { medium }: MachineSetup): string {
  const file = join(folder, 'drive');
  const bytes = medium === 'hdd' ? MACHINE.hddBytes : MACHINE.ssdBytes;
  const fd = openSync(file, 'wx');
  ftruncateSync(fd, bytes - (bytes % PAGE_BYTES));
  closeSync(fd);
  return file;
}

/** JSON is YAML. */
function serviceConfig(setup: MachineSetup, drive: string, socket: string): object {
  const { scheduler, depth, costModel, fair } = settingsOf(setup);
  const bfq = setup.algorithm === 'cfq';
  const device = { depth, cost_model: costModel, scheduler: bfq ? 'fifo' : scheduler, fair: { credit: fair.credit } };
  const shared = bfq || setup.policies === false ? [] : setup.guests.flatMap(({ applications }) => applications);
  return {
    listen: { nbd: `unix:${socket}` },
    bindings: { drive: { type: 'file', path: drive, delay: setup.medium } },
    devices: { [DEVICE]: { binding: 'drive', ...device } },
    policies: shared.map(({ tag, shares }) => ({ device: DEVICE, tag, shares })),
  };
}

/** How a part of an application's workload reaches the disk. */
type WayOf = (guest: GuestSetup, application: ApplicationSetup, part: WorkloadPart) => FioOptions;

function throughService({ tags }: MachineSetup, socket: string): WayOf {
  return (_guest, { tag }, { writes }) => overNbd(socket, DEVICE, writes && tags === 'reads' ? UNTAGGED : tag);
}

async function throughBfq(setup: RealSetup, janitor: Janitor, folder: string, socket: string): Promise<WayOf> {
  const host = bfqOn(janitor, await exportAsFile(janitor, folder, socket), setup);
  const inGuest = setup.guests.some(({ scheduler }) => scheduler === 'cfq');
  const priority = (prio: number): FioOptions => ({ prioclass: BEST_EFFORT, prio });
  if (!inGuest) return (guest) => ({ ...onBlockDevice(host), ...priority(guest.priority) });
  // One guest alone has such a disk: it begins where the drive does.
  const inside = bfqOn(janitor, host, setup, MACHINE.virtualDiskBytes);
  return (_guest, application) => ({ ...onBlockDevice(inside), ...priority(application.priority) });
}

function bfqOn(janitor: Janitor, file: string, { lowLatency = true }: RealSetup, sizeBytes?: number): string {
  const device = attachLoop(janitor, file, sizeBytes);
  useScheduler(janitor, device, 'bfq');
  setLowLatency(device, lowLatency);
  return device;
}

/** The service's export as a file, by FUSE. */
async function exportAsFile(janitor: Janitor, folder: string, socket: string): Promise<string> {
  const at = join(folder, 'export');
  mkdirSync(at);
  const file = join(at, 'disk');
  const uri = `nbd+unix:///${DEVICE}@host?socket=${socket}`;
  const nbdfuse = start(janitor, ['ignore', 'ignore', 'pipe'], 'nbdfuse', file, uri);
  janitor.owe(`! mountpoint --quiet ${quote(at)} || umount --lazy ${quote(at)}`);
  let said = '';
  nbdfuse.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  // Looked at below, where it has ended too early.
  ended(nbdfuse).catch((error: unknown) => (said += String(error)));
  while (!existsSync(file)) {
    if (nbdfuse.exitCode !== null || nbdfuse.signalCode !== null || nbdfuse.pid === undefined) {
      throw new SluiceError('INTERNAL', `nbdfuse ended: ${said.trim()}`);
    }
    await sleep(POLL_MS);
  }
  return file;
}

function jobsOf(setup: MachineSetup, seed: number, wayOf: WayOf): FioJob[] {
  const rng = new SeededRng(seed);
  const inGuest = setup.guests.some(({ scheduler }) => scheduler === 'cfq');
  const places = inGuest ? [0] : diskPlaces(setup.guests.length, rng);
  return setup.guests.flatMap((guest, i) =>
    guest.applications.flatMap((application) =>
      fioWorkload(application.workload).parts.map((part) => ({
        name: jobName(application, part),
        options: { ...wayOf(guest, application, part), ...part.options, offset: places[i]! + part.offset },
      })),
    ),
  );
}

function jobName({ tag }: ApplicationSetup, { name }: WorkloadPart): string {
  return `${tag}-${name}`;
}

function measureOf(setup: MachineSetup, counts: ReadonlyMap<string, FioCounts>): RunMeasure {
  const applications = setup.guests.flatMap(({ applications: all }) =>
    all.map((one) => applicationMeasure(one, counts)),
  );
  const all = [...counts.values()];
  const disk = {
    ios: all.reduce((sum, { ios }) => sum + ios, 0),
    bytes: all.reduce((sum, { bytesPerS }) => sum + bytesPerS * setup.seconds, 0),
  };
  return runMeasure(setup.seconds * NS_PER_S, disk, applications);
}

function applicationMeasure(application: ApplicationSetup, counts: ReadonlyMap<string, FioCounts>): ApplicationMeasure {
  const { parts, operationsAnIo } = fioWorkload(application.workload);
  const [counted] = parts;
  const { ios, iosPerS, bytesPerS, meanMs, p50Ms, p95Ms, p99Ms } = counts.get(jobName(application, counted))!;
  return {
    tag: application.tag,
    shares: application.shares,
    ops: Math.round(ios * operationsAnIo),
    opsPerS: iosPerS * operationsAnIo,
    mbPerS: bytesPerS / MB,
    meanMs,
    p50Ms,
    p95Ms,
    p99Ms,
    diskIos: parts.reduce((sum, part) => sum + counts.get(jobName(application, part))!.ios, 0),
  };
}
