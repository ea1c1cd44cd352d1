/** The paper's first setup: five guests, one application each, the same workload, different shares. */
import type { GuestSetup, MachineSetup, WorkloadSetup } from '../../simulator/guests/setup.js';

/** The paper shows five and does not say which shares: 1 to 5 parts of a device. */
export const SHARES = [100, 200, 300, 400, 500];
/** CFQ's levels in the place of shares, over its whole range. */
const PRIORITIES = [7, 5, 4, 2, 0];
const PRIORITY_DEFAULT = 4;

/** The paper's runs on a hard disk. */
export const HDD_SECONDS = 180;
/** What CFQ is given to work with: native command queuing's 31 tags. */
export const NCQ_DEPTH = 31;
/** No bound: more than is ever out. */
export const UNBOUNDED_DEPTH = 4_096;

export interface Workload {
  readonly id: string;
  readonly label: string;
  readonly setup: WorkloadSetup;
}

/** sysbench's and Voldemort's threads are the tools' defaults, as are filebench's. */
export const SEQUENTIAL: Workload = {
  id: 'sequential-read',
  label: 'Sequential read',
  setup: { kind: 'sequential-read', threads: 1 },
};
export const RANDOM: Workload = { id: 'random-read', label: 'Random read', setup: { kind: 'random-read', threads: 1 } };
/** Ten times filebench's 1,000 files: those are in memory within a minute. 160 MB, which a guest's memory holds in the end. */
export const WEB: Workload = {
  id: 'web-server',
  label: 'Web server',
  setup: { kind: 'web-server', threads: 100, files: 10_000 },
};
/** A set of 1.6 GB, more than a guest's memory ever holds. */
export const WEB_LARGE: Workload = {
  id: 'web-server-large',
  label: 'Web server, 1.6 GB',
  setup: { kind: 'web-server', threads: 100, files: 100_000 },
};
export const MAIL: Workload = {
  id: 'mail-server',
  label: 'Mail server',
  setup: { kind: 'mail-server', threads: 16, files: 1_000 },
};
export const DHT: Workload = { id: 'dht', label: 'DHT reads', setup: { kind: 'dht', threads: 8 } };

/** Each in a guest of its own. */
export function fiveGuests(workload: WorkloadSetup): GuestSetup[] {
  return SHARES.map((shares, i) =>
    guestOf(`vm${String(i + 1)}`, `app${String(i + 1)}`, shares, PRIORITIES[i]!, workload),
  );
}

export function guestOf(
  name: string,
  tag: string,
  shares: number,
  priority: number,
  workload: WorkloadSetup,
): GuestSetup {
  const applications = [{ tag, shares, priority: PRIORITY_DEFAULT, workload }];
  return { name, priority, shares, scheduler: 'noop', applications };
}

/** All in one guest, whose own scheduler knows their priorities. */
export function oneGuest(workload: WorkloadSetup): GuestSetup[] {
  const applications = SHARES.map((shares, i) => {
    return { tag: `app${String(i + 1)}`, shares, priority: PRIORITIES[i]!, workload };
  });
  return [{ name: 'vm1', priority: PRIORITY_DEFAULT, shares: 100, scheduler: 'cfq', applications }];
}

/**
 * The paper's system: one request at the disk, reads tagged, the production scheduler at one unit a request. A credit of
 * one request is the setting for applications that have one out: the moment between a reply and the next
 * request does not count as having left (figure 7 shows what it does without).
 */
export function paperSystem(medium: 'hdd' | 'ssd', guests: readonly GuestSetup[], seconds: number): MachineSetup {
  const settings = { fair: { credit: 1 } };
  return { medium, algorithm: 'fair', depth: 1, tags: 'reads', guests, seconds, settings };
}

/** CFQ in the host, which sees one identity a virtual machine. */
export function cfqSystem(guests: readonly GuestSetup[], seconds: number): MachineSetup {
  return { medium: 'hdd', algorithm: 'cfq', depth: NCQ_DEPTH, tags: 'none', guests, seconds };
}
