/** Figures 4, 6 and 11 on real parts, each with the points of the same figure in virtual time beside its own. */
import { list, short } from '../claims.js';
import type { Claim, Expectation, Figure, Plot, PlotRow, Results, Scenario, Table } from '../experiment.js';
import { WEB, fiveGuests, HDD_SECONDS, RANDOM, cfqSystem } from '../figures/five.js';
import {
  HDD_WORKLOADS,
  SSD_WORKLOADS,
  figure11,
  figure4,
  plotOf,
  scenarioOf,
  throughput,
} from '../figures/same-workload.js';
import {
  SYSTEMS,
  cfqDeep,
  cfqGuest,
  cfqHost,
  figure6,
  noPreference,
  ordersByPriority,
  ours,
  sharesClaim,
  systemRows,
} from '../figures/schedulers.js';
import type { Systems } from '../figures/schedulers.js';
import type { RealSetup } from './machine.js';
import { APPROXIMATIONS } from './workloads.js';

const THROUGHPUT = 'Throughput (operations/s)';
const REAL = 'real parts';
const VIRTUAL = 'virtual time';

/** What is held against it, by the id of the real one. */
type Counterparts = ReadonlyMap<string, string>;

function same(scenarios: readonly Scenario[]): Counterparts {
  return new Map(scenarios.map(({ id }) => [id, id]));
}

/** Expectations where real parts do not do what the model does, by claim. */
function expecting(claims: readonly Claim[], otherwise: Readonly<Record<string, Expectation>>): Claim[] {
  return claims.map((claim) => ({ ...claim, expected: otherwise[claim.id] ?? claim.expected }));
}

/** Of a plot with one series. */
function besideVirtual(plot: Plot, virtual: Results): Plot {
  const named = (series: string, rows: readonly PlotRow[]): PlotRow[] => rows.map((row) => ({ ...row, series }));
  return {
    ...plot,
    seriesTitle: 'Made with',
    rows: (results) => [...named(REAL, plot.rows(results)), ...named(VIRTUAL, plot.rows(virtual))],
  };
}

function comparison(counterparts: Counterparts, virtual: Results): (results: Results) => readonly Table[] {
  return (results) => [
    {
      caption:
        'Throughput on real parts and in virtual time, and each application’s part of the sum of all: what the simulator foretells of real parts.',
      head: [
        'Scenario',
        'Application',
        'Shares',
        'Real, ops/s',
        'Virtual, ops/s',
        'Real / virtual',
        'Part, real',
        'Part, virtual',
      ],
      rows: [...counterparts].flatMap(([id, counterpart]) => {
        const real = results.get(id)!.points;
        const model = virtual.get(counterpart)!.points;
        const part = (points: typeof real, i: number): string => {
          const sum = points.reduce((total, { opsPerS }) => total + opsPerS.mean, 0);
          return `${((points[i]!.opsPerS.mean / sum) * 100).toFixed(1)} %`;
        };
        return real.map(({ tag, shares, opsPerS }, i) => [
          id,
          tag,
          String(shares),
          list([opsPerS]),
          list([model[i]!.opsPerS]),
          short(opsPerS.mean / model[i]!.opsPerS.mean),
          part(real, i),
          part(model, i),
        ]);
      }),
    },
  ];
}

function realFigure4(virtual: Results): Figure {
  const { scenarios } = figure4;
  return {
    name: 'figure-4',
    title: 'Figure 4: shares against throughput, hard disk',
    about:
      'Five fio clients over NBD, each with its own tag and shares, the same workload. Reads are tagged, writes are not; one request is at the disk at a time, which takes the time that the model of the hard disk says.',
    scenarios,
    plots: [besideVirtual(plotOf('figure-4', 'hdd', HDD_WORKLOADS, THROUGHPUT, throughput), virtual)],
    claims: expecting(figure4.claims, {}),
    tables: comparison(same(scenarios), virtual),
    notes: [...APPROXIMATIONS],
  };
}

function realFigure11(virtual: Results): Figure {
  // A client without a page cache has no files in memory, and what is answered from there is not about the disk.
  const workloads = SSD_WORKLOADS.filter((workload) => workload !== WEB);
  const scenarios = workloads.map((workload) => scenarioOf('ssd', workload));
  return {
    name: 'figure-11',
    title: 'Figure 11: shares against throughput, SSD',
    about: 'The setup of Figure 4 with the times of flash.',
    scenarios,
    plots: [besideVirtual(plotOf('figure-11', 'ssd', workloads, THROUGHPUT, throughput), virtual)],
    claims: expecting(
      figure11.claims.filter(({ id }) => id !== 'figure-11.web-server'),
      {},
    ),
    tables: comparison(same(scenarios), virtual),
    notes: [
      'The web server whose files lie in memory (figure-11.web-server in virtual time) is not made: fio over NBD has no page cache, so there is nothing of the kind to measure.',
      'A request takes a tenth of a millisecond or two here, and so do the ways between fio, kernel and service: throughput is lower than in virtual time, where ways cost nothing.',
    ],
  };
}

const byVm: Scenario = { id: 'hdd/bfq-by-vm/random-read', setup: cfqHost.setup, algorithm: 'bfq' };
const inGuest: Scenario = { id: 'hdd/bfq-in-guest/random-read', setup: cfqGuest.setup, algorithm: 'bfq' };
const deep: Scenario = { id: 'hdd/bfq-by-vm/random-read-8-threads', setup: cfqDeep.setup, algorithm: 'bfq' };
const strictSetup: RealSetup = { ...cfqSystem(fiveGuests(RANDOM.setup), HDD_SECONDS), lowLatency: false };
const strict: Scenario = { id: 'hdd/bfq-by-vm-low-latency-0/random-read', setup: strictSetup, algorithm: 'bfq' };

const REAL_SYSTEMS: Systems = [
  [ours, SYSTEMS[0]![1]],
  [byVm, 'BFQ by priority of the VM'],
  [inGuest, 'BFQ by priority in the guest'],
  [strict, 'BFQ by VM, low_latency off'],
];

const DEEP: Expectation = {
  kind: 'not reproduced',
  because:
    'that was said of CFQ, and BFQ is another scheduler: priority 4, which is the default, gets most, and priority 7, the lowest, more than 2 and 0. What in BFQ does it has not been looked into',
};

function realFigure6(virtual: Results): Figure {
  return {
    name: 'figure-6',
    title: 'Figure 6: priority and shares against throughput, three schedulers',
    about:
      'Random reads, one thread an application. BFQ, the successor of CFQ in the kernel, by VM: five fio clients with I/O priorities 7 to 0 on one device that BFQ schedules. BFQ in the guest: five clients with those priorities on a device of the guest’s, BFQ there, above a device of the host’s, BFQ there too, which sees one client.',
    scenarios: [...REAL_SYSTEMS.map(([scenario]) => scenario), deep],
    plots: [
      {
        ...figure6.plots[0]!,
        xTitle: 'Shares / I/O priority',
        sharedY: true,
        rows: (results) => [
          ...systemRows(REAL_SYSTEMS, results, 'Real parts: BFQ'),
          ...systemRows(SYSTEMS, virtual, 'Virtual time: CFQ'),
        ],
      },
    ],
    claims: [
      sharesClaim,
      noPreference('figure-6.bfq-by-vm', 'BFQ by the priority of virtual machines gives no preference.', byVm),
      noPreference('figure-6.bfq-in-guest', 'BFQ by priority inside the guest gives no preference.', inGuest),
      ordersByPriority(
        'figure-6.bfq-with-deep-queues',
        'With eight threads an application BFQ does order virtual machines by priority.',
        deep,
        2,
        DEEP,
      ),
    ],
    tables: comparison(
      new Map([
        [ours.id, ours.id],
        [byVm.id, cfqHost.id],
        [inGuest.id, cfqGuest.id],
        [deep.id, cfqDeep.id],
      ]),
      virtual,
    ),
    notes: [
      'BFQ as it ships has low_latency on: it favours for some seconds what it takes for interactive or soft real-time.',
      'The device that BFQ schedules is a loop device over a file that nbdfuse makes of an export of the service, which passes on what comes, up to 31 at a time, to the disk of the other runs: equally slow, and some tenths of a millisecond further away.',
    ],
  };
}

/** The figures that real parts make; the same names in virtual time are what is held against them. */
export const REAL_NAMES = ['figure-4', 'figure-6', 'figure-11'] as const;

/** @param virtual results of the same figures in virtual time, looked at when plots and tables are made */
export function realFigures(virtual: Results): readonly Figure[] {
  return [realFigure4(virtual), realFigure6(virtual), realFigure11(virtual)];
}
