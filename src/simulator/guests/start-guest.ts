/** From a guest's setup to its running threads. */
import type { Clock, Rng } from '../../core/ports.js';
import type { Application } from './application.js';
import { CfqDisk } from './cfq-disk.js';
import { Guest } from './guest.js';
import { DiskCounts } from './hypervisor.js';
import { OperationMeter } from './measures.js';
import type { GuestSetup } from './setup.js';
import { Thread } from './thread.js';
import type { VirtualDisk } from './virtual-disk.js';
import { pageBytesOf, programsOf } from './workload.js';

export function pageBytesOfGuest({ applications }: GuestSetup): number {
  return Math.min(...applications.map(({ workload }) => pageBytesOf(workload)));
}

/**
 * Starts all threads of a guest.
 * @param below its virtual disk
 * @returns what its applications are measured by, an element an application
 */
export function startGuest(
  clock: Clock,
  setup: GuestSetup,
  below: VirtualDisk,
  rng: Rng,
  endNs: number,
): readonly Application[] {
  const applications = setup.applications.map(({ tag, shares, priority }): Application => {
    return { tag, shares, priority, meter: new OperationMeter(), disk: new DiskCounts() };
  });
  const guest = new Guest(clock, diskOf(clock, setup, below), pageBytesOfGuest(setup));
  const threadsInAll = setup.applications.reduce((sum, { workload }) => sum + workload.threads, 0);
  for (const [i, { tag, workload }] of setup.applications.entries()) {
    for (const program of programsOf(workload, rng.fork(tag))) {
      new Thread(clock, guest, applications[i]!, program, threadsInAll === 1, endNs).start();
    }
  }
  return applications;
}

function diskOf(clock: Clock, { scheduler, applications }: GuestSetup, below: VirtualDisk): VirtualDisk {
  switch (scheduler) {
    case 'noop':
      return below;
    case 'cfq': {
      const priorities = new Map(applications.map(({ tag, priority }) => [tag, priority]));
      return new CfqDisk(clock, below, (tag) => priorities.get(tag)!);
    }
  }
}
