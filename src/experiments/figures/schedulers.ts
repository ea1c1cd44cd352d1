/** Figure 6: this system, CFQ by the priority of virtual machines, CFQ inside the guest. */
import { prefers, rises } from '../claims.js';
import type { Claim, Expectation, Figure, PlotRow, Point, Results, Scenario } from '../experiment.js';
import { HDD_SECONDS, RANDOM, cfqSystem, fiveGuests, oneGuest } from './five.js';
import { scenarioOf } from './same-workload.js';

export const ours = scenarioOf('hdd', RANDOM);
export const cfqHost: Scenario = {
  id: 'hdd/cfq-by-vm/random-read',
  setup: cfqSystem(fiveGuests(RANDOM.setup), HDD_SECONDS),
};
export const cfqGuest: Scenario = {
  id: 'hdd/cfq-in-guest/random-read',
  setup: cfqSystem(oneGuest(RANDOM.setup), HDD_SECONDS),
};
export const cfqDeep: Scenario = {
  id: 'hdd/cfq-by-vm/random-read-8-threads',
  setup: cfqSystem(fiveGuests({ kind: 'random-read', threads: 8 }), HDD_SECONDS),
};

/** Scenarios by what the plot calls them. */
export type Systems = readonly (readonly [Scenario, string])[];

export const SYSTEMS: Systems = [
  [ours, 'Noop+, shares (this system)'],
  [cfqHost, 'Noop, CFQ by priority of the VM'],
  [cfqGuest, 'CFQ by priority in the guest'],
];

/** Shares and priorities, one label for both. */
const X_LABELS = ['100 / 7', '200 / 5', '300 / 4', '400 / 2', '500 / 0'];
/** Of what the highest priority has over what the lowest has: below it there is no preference. */
const RATIO = 1.25;

function points(results: Results, { id }: Scenario): readonly Point[] {
  return results.get(id)!.points;
}

export function systemRows(systems: Systems, results: Results, panel: string): PlotRow[] {
  return systems.flatMap(([scenario, series]) =>
    points(results, scenario).map(({ opsPerS }, i) => ({ x: X_LABELS[i]!, y: opsPerS, series, panel })),
  );
}

const REPRODUCED: Expectation = { kind: 'reproduced' };

/** The paper's on a scheduler by priority. */
export function noPreference(id: string, says: string, scenario: Scenario, expected = REPRODUCED): Claim {
  return {
    id,
    source: 'paper',
    says,
    threshold: `the highest priority has less than ${String(RATIO)} times the lowest, or a lower one has more than a higher one`,
    expected,
    judge: (results) => not(prefers(points(results, scenario), ({ opsPerS }) => opsPerS, RATIO)),
  };
}

/** Ours, of a scheduler by priority that does better than the paper's. */
export function ordersByPriority(
  id: string,
  says: string,
  scenario: Scenario,
  ratio: number,
  expected: Expectation = REPRODUCED,
): Claim {
  return {
    id,
    source: 'ours',
    says,
    threshold: `the highest priority has at least ${ratio === 2 ? 'twice' : `${String(ratio)} times`} the lowest, no lower one more than a higher one`,
    expected,
    judge: (results) => prefers(points(results, scenario), ({ opsPerS }) => opsPerS, ratio),
  };
}

export const sharesClaim: Claim = {
  id: 'figure-6.shares',
  source: 'paper',
  says: 'In this system throughput rises with shares.',
  threshold: 'operations/s in the order of shares, intervals apart, the most at least 3 times the least',
  expected: REPRODUCED,
  judge: (results) => rises(points(results, ours), ({ opsPerS }) => opsPerS, 3),
};

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
      rows: (results) => systemRows(SYSTEMS, results, ''),
    },
  ],
  claims: [
    sharesClaim,
    noPreference('figure-6.cfq-by-vm', 'CFQ by the priority of virtual machines gives no preference.', cfqHost),
    noPreference('figure-6.cfq-in-guest', 'CFQ by priority inside the guest gives no preference.', cfqGuest),
    ordersByPriority(
      'figure-6.cfq-with-deep-queues',
      'With eight threads an application CFQ does order virtual machines by priority: its queues are deep, and have time slices.',
      cfqDeep,
      2,
    ),
  ],
  notes: [
    'Why CFQ gives none to a single thread that reads at random: its queue seeks and is not deep, so CFQ does not wait for its next request; all queues send what they have, up to four or five requests are in the drive, and the drive chooses.',
    'Where the virtual disks lie is drawn from the seed, so that no application has the better place on the platters in every run.',
  ],
};

function not({ holds, found }: { readonly holds: boolean; readonly found: string }): { holds: boolean; found: string } {
  return { holds: !holds, found };
}
