/** Virtual machines in front of the parts of the service: what each layer does to what applications get. */
import { describe, expect, test } from 'vitest';
import type { GuestSetup, MachineSetup, WorkloadSetup } from '../../../src/simulator/guests/setup.js';
import { runMachine } from '../../../src/simulator/guests/machine.js';
import type { RunMeasure } from '../../../src/simulator/guests/measures.js';

function guest(i: number, shares: number, workload: WorkloadSetup, priority = 4): GuestSetup {
  const applications = [{ tag: `app${String(i)}`, shares, priority: 4, workload }];
  return { name: `vm${String(i)}`, priority, shares, scheduler: 'noop', applications };
}

function pair(workload: WorkloadSetup): GuestSetup[] {
  return [guest(1, 100, workload), guest(2, 300, workload)];
}

function setup(guests: GuestSetup[], more: Partial<MachineSetup> = {}): MachineSetup {
  return { medium: 'hdd', algorithm: 'fair', depth: 1, tags: 'reads', guests, seconds: 60, ...more };
}

function ratio({ applications }: RunMeasure): number {
  return applications[1]!.opsPerS / applications[0]!.opsPerS;
}

const RANDOM = { kind: 'random-read', threads: 4 } as const;
const MAIL = { kind: 'mail-server', threads: 4, files: 200 } as const;

describe('virtual machines', () => {
  test('the same setup and seed give the same measures, another seed others', async () => {
    const one = await runMachine(setup(pair(RANDOM)), 7);
    expect(await runMachine(setup(pair(RANDOM)), 7)).toEqual(one);
    expect(await runMachine(setup(pair(RANDOM)), 8)).not.toEqual(one);
  });

  test('tagged reads follow shares; without policies, or under fifo, they do not', async () => {
    expect(ratio(await runMachine(setup(pair(RANDOM)), 1))).toBeCloseTo(3, 1);
    expect(ratio(await runMachine(setup(pair(RANDOM), { policies: false }), 1))).toBeCloseTo(1, 1);
    expect(ratio(await runMachine(setup(pair(RANDOM), { algorithm: 'fifo' }), 1))).toBeCloseTo(1, 1);
  });

  test('where tags are lost, shares of virtual machines count, and applications of one get the same', async () => {
    const [first, second] = pair(RANDOM);
    const both: GuestSetup = {
      ...first!,
      applications: [...first!.applications, { ...second!.applications[0]!, tag: 'other' }],
    };
    const { applications } = await runMachine(setup([both, second!], { tags: 'none' }), 1);
    const [one, other, alone] = applications.map(({ opsPerS }) => opsPerS);
    expect(other! / one!).toBeCloseTo(1, 1);
    expect(alone! / (one! + other!)).toBeCloseTo(3, 1);
  });

  test('writes that are not tagged get the same whatever the shares; tagged ones follow them', async () => {
    expect(ratio(await runMachine(setup(pair(MAIL)), 1))).toBeCloseTo(1, 1);
    expect(ratio(await runMachine(setup(pair(MAIL), { tags: 'all' }), 1))).toBeGreaterThan(2);
  });

  test('operations and latency agree with the number of threads (Little)', async () => {
    const { applications } = await runMachine(setup(pair(RANDOM)), 3);
    for (const { opsPerS, meanMs } of applications) expect((opsPerS * meanMs) / 1_000).toBeCloseTo(4, 0);
  });

  test('a sequential reader is answered from memory seven times of eight, and keeps the disk at 128 KiB', async () => {
    const { applications, diskIos, diskMbPerS } = await runMachine(
      setup([guest(1, 100, { kind: 'sequential-read', threads: 1 })]),
      1,
    );
    expect(applications[0]!.ops / diskIos).toBeGreaterThan(7.5);
    expect(applications[0]!.ops / diskIos).toBeLessThanOrEqual(8);
    expect(applications[0]!.p50Ms).toBeLessThan(0.02);
    // The drive reads 65 MB/s at its outer edge and has to wait for no one else.
    expect(diskMbPerS).toBeGreaterThan(50);
    expect(diskMbPerS).toBeLessThan(66);
  });

  test('a set of files that memory holds is read once, then the processor is what is waited for', async () => {
    const workload = { kind: 'web-server', threads: 20, files: 500 } as const;
    const { applications, diskIos } = await runMachine(
      setup([guest(1, 100, workload)], { medium: 'ssd', seconds: 20 }),
      1,
    );
    expect(diskIos).toBeLessThan(2_000);
    // 40 microseconds an operation.
    expect(applications[0]!.opsPerS).toBeGreaterThan(20_000);
    expect(applications[0]!.opsPerS).toBeLessThan(25_000);
  });

  test('CFQ in a guest orders sequential readers by priority, with the same load below it', async () => {
    const workload = { kind: 'sequential-read', threads: 1 } as const;
    const applications = [7, 0].map((priority) => ({ tag: `p${String(priority)}`, shares: 100, priority, workload }));
    const one: GuestSetup = { name: 'vm1', priority: 4, shares: 100, scheduler: 'cfq', applications };
    const cfq = await runMachine(setup([one], { algorithm: 'fifo', depth: 31, tags: 'none' }), 1);
    const noop = await runMachine(
      setup([{ ...one, scheduler: 'noop' }], { algorithm: 'fifo', depth: 31, tags: 'none' }),
      1,
    );
    expect(ratio(cfq)).toBeGreaterThan(2);
    expect(ratio(noop)).toBeLessThan(1.2);
  });

  test('applications of a group are measured as their mean', async () => {
    const grouped = [1, 2, 3].map((i) => {
      const one = guest(i, 100, RANDOM);
      return { ...one, applications: one.applications.map((application) => ({ ...application, group: 'all' })) };
    });
    const together = await runMachine(setup(grouped), 5);
    const apart = await runMachine(setup([1, 2, 3].map((i) => guest(i, 100, RANDOM))), 5);
    expect(together.applications).toHaveLength(1);
    const mean = apart.applications.reduce((sum, { opsPerS }) => sum + opsPerS, 0) / 3;
    expect(together.applications[0]!.opsPerS).toBeCloseTo(mean, 6);
    expect(together.applications[0]!.tag).toBe('all');
  });

  test('no time is refused', async () => {
    await expect(runMachine(setup(pair(RANDOM), { seconds: 0 }), 1)).rejects.toThrow(/seconds must be above 0, got 0/);
  });
});
