/** From a guest's setup to its running threads. */
import type { VirtualClock } from '../../clock/virtual.js';
import type { Rng } from '../../core/ports.js';
import type { Application, Measured } from './application.js';
import { CfqDisk } from './cfq-disk.js';
import { Guest } from './guest.js';
import { DiskCounts } from './hypervisor.js';
import type { Memory } from './memory.js';
import { OperationMeter } from './measures.js';
import { MACHINE } from './parameters.js';
import type { ApplicationSetup, GuestSetup } from './setup.js';
import { Thread } from './thread.js';
import type { VirtualDisk } from './virtual-disk.js';
import { pageBytesOf, programsOf } from './workload.js';

export function pageBytesOfGuest({ applications }: GuestSetup): number {
  return Math.min(...applications.map(({ workload }) => pageBytesOf(workload)));
}

/**
 * Starts all threads of a guest.
 * @param below its virtual disk
 * @param measured by group, or by tag where there is no group: added to
 */
export function startGuest(
  clock: VirtualClock,
  memory: Memory,
  setup: GuestSetup,
  below: VirtualDisk,
  rng: Rng,
  endNs: number,
  measured: Map<string, Measured>,
): void {
  const applications = setup.applications.map((application, index): Application => {
    const { meter, disk } = measuredAs(application, measured);
    return { tag: application.tag, index, meter, disk };
  });
  const threadsInAll = setup.applications.reduce((sum, { workload }) => sum + workload.threads, 0);
  const cache = memory.pageCache(MACHINE.guestCacheBytes, pageBytesOfGuest(setup), MACHINE.virtualDiskBytes);
  const guest = new Guest(clock, diskOf(clock, setup, below), cache, threadsInAll);
  for (const [i, { tag, workload }] of setup.applications.entries()) {
    for (const program of programsOf(workload, rng.fork(tag))) {
      new Thread(guest, applications[i]!, program, threadsInAll === 1, endNs).start();
    }
  }
}

function measuredAs({ tag, shares, group }: ApplicationSetup, measured: Map<string, Measured>): Measured {
  const name = group ?? tag;
  let one = measured.get(name);
  if (one === undefined) {
    one = { name, shares, members: 0, meter: new OperationMeter(), disk: new DiskCounts() };
    measured.set(name, one);
  }
  one.members++;
  return one;
}

function diskOf(clock: VirtualClock, { scheduler, applications }: GuestSetup, below: VirtualDisk): VirtualDisk {
  switch (scheduler) {
    case 'noop':
      return below;
    case 'cfq': {
      const priorities = new Map(applications.map(({ tag, priority }) => [tag, priority]));
      return new CfqDisk(clock, below, (tag) => priorities.get(tag)!);
    }
  }
}
