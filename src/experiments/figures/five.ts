/** The paper's first setup: five guests, one application each, the same workload, different shares. */
import type { MachineSetup, WorkloadSetup } from '../../simulator/guests/setup.js';

/** The paper shows five and does not say which shares: 1 to 5 parts of a device. */
export const SHARES = [100, 200, 300, 400, 500];

export function fiveGuests(workload: WorkloadSetup): MachineSetup['guests'] {
  return SHARES.map((shares, i) => ({
    name: `vm${String(i + 1)}`,
    priority: 4,
    shares,
    scheduler: 'noop',
    applications: [{ tag: `app${String(i + 1)}`, shares, priority: 4, workload }],
  }));
}

/** The paper's system: `fair`, one request at the disk, reads tagged. */
export function paperSystem(medium: 'hdd' | 'ssd', workload: WorkloadSetup, seconds: number): MachineSetup {
  return { medium, algorithm: 'fair', depth: 1, tags: 'reads', guests: fiveGuests(workload), seconds };
}
