/** Figure 6: this system, CFQ by the priority of virtual machines, CFQ inside the guest. */
import { prefers, rises } from '../claims.js';
import type { Figure, Point, Results, Scenario } from '../experiment.js';
import { HDD_SECONDS, RANDOM, cfqSystem, fiveGuests, oneGuest } from './five.js';
import { scenarioOf } from './same-workload.js';

const ours = scenarioOf('hdd', RANDOM);
const cfqHost: Scenario = {
  id: 'hdd/cfq-by-vm/random-read',
  setup: cfqSystem(fiveGuests(RANDOM.setup), HDD_SECONDS),
};
const cfqGuest: Scenario = {
  id: 'hdd/cfq-in-guest/random-read',
  setup: cfqSystem(oneGuest(RANDOM.setup), HDD_SECONDS),
};
const cfqDeep: Scenario = {
  id: 'hdd/cfq-by-vm/random-read-8-threads',
  setup: cfqSystem(fiveGuests({ kind: 'random-read', threads: 8 }), HDD_SECONDS),
};

const SYSTEMS: readonly (readonly [Scenario, string])[] = [
  [ours, 'Noop+, shares (this system)'],
  [cfqHost, 'Noop, CFQ by priority of the VM'],
  [cfqGuest, 'CFQ by priority in the guest'],
];

/** Shares and priorities, one label for both. */
const X_LABELS = ['100 / 7', '200 / 5', '300 / 4', '400 / 2', '500 / 0'];
const RATIO = 1.25;

function points(results: Results, { id }: Scenario): readonly Point[] {
  return results.get(id)!.points;
}

export const figure6: Figure = {
  name: 'figure-6',
  title: 'Figure 6: priority and shares against throughput, three schedulers',
  about:
    'Random reads, one thread an application. CFQ by VM: five guests whose virtual machines have priorities 7 to 0 in the host. CFQ in the guest: five applications in one guest, with priorities there, and CFQ in the host, which sees one virtual machine.',
  scenarios: [...SYSTEMS.map(([scenario]) => scenario), cfqDeep],
  plots: [
    {
      name: 'figure-6',
      kind: 'lines',
      xTitle: 'Shares / CFQ priority',
      yTitle: 'Throughput (operations/s)',
      seriesTitle: 'System',
      rows: (results) =>
        SYSTEMS.flatMap(([scenario, series]) =>
          points(results, scenario).map(({ opsPerS }, i) => ({ x: X_LABELS[i]!, y: opsPerS, series, panel: '' })),
        ),
    },
  ],
  claims: [
    {
      id: 'figure-6.shares',
      source: 'paper',
      says: 'In this system throughput rises with shares.',
      threshold: 'operations/s in the order of shares, intervals apart, the most at least 3 times the least',
      expected: { kind: 'reproduced' },
      judge: (results) => rises(points(results, ours), ({ opsPerS }) => opsPerS, 3),
    },
    {
      id: 'figure-6.cfq-by-vm',
      source: 'paper',
      says: 'CFQ by the priority of virtual machines gives no preference.',
      threshold: `the highest priority has less than ${String(RATIO)} times the lowest, or a lower one has more than a higher one`,
      expected: { kind: 'reproduced' },
      judge: (results) => not(prefers(points(results, cfqHost), ({ opsPerS }) => opsPerS, RATIO)),
    },
    {
      id: 'figure-6.cfq-in-guest',
      source: 'paper',
      says: 'CFQ by priority inside the guest gives no preference.',
      threshold: `the highest priority has less than ${String(RATIO)} times the lowest, or a lower one has more than a higher one`,
      expected: { kind: 'reproduced' },
      judge: (results) => not(prefers(points(results, cfqGuest), ({ opsPerS }) => opsPerS, RATIO)),
    },
    {
      id: 'figure-6.cfq-with-deep-queues',
      source: 'ours',
      says: 'With eight threads an application CFQ does order virtual machines by priority: its queues are deep, and have time slices.',
      threshold: 'the highest priority has at least twice the lowest, no lower one more than a higher one',
      expected: { kind: 'reproduced' },
      judge: (results) => prefers(points(results, cfqDeep), ({ opsPerS }) => opsPerS, 2),
    },
  ],
  notes: [
    'Why CFQ gives none to a single thread that reads at random: its queue seeks and is not deep, so CFQ does not wait for its next request; all queues send what they have, up to four or five requests are in the drive, and the drive chooses.',
    'Where the virtual disks lie is drawn from the seed, so that no application has the better place on the platters in every run.',
  ],
};

function not({ holds, found }: { readonly holds: boolean; readonly found: string }): { holds: boolean; found: string } {
  return { holds: !holds, found };
}
