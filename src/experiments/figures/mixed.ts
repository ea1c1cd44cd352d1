/** Figures 7, 8 and 9: different workloads side by side, under several schedulers. */
import { above, prefers } from '../claims.js';
import type { Claim, Figure, Plot, PlotRow, Point, Results, Scenario, Verdict } from '../experiment.js';
import type { GuestSetup, MachineSetup } from '../../simulator/guests/setup.js';
import type { Estimate } from '../statistics.js';
import { DHT, HDD_SECONDS, RANDOM, WEB_LARGE, cfqSystem, guestOf, paperSystem } from './five.js';

/** Load runs against shares: who has the most threads has the fewest shares. */
const APPLICATIONS = [
  { workload: WEB_LARGE, label: 'Web server (100 threads)', shares: 100, priority: 7 },
  { workload: DHT, label: 'DHT reads (8 threads)', shares: 200, priority: 4 },
  { workload: RANDOM, label: 'Random read (1 thread)', shares: 300, priority: 0 },
] as const;
const PRIORITY_DEFAULT = 4;

function guests(priorities: boolean): GuestSetup[] {
  return APPLICATIONS.map(({ workload, shares, priority }, i) =>
    guestOf(`vm${String(i + 1)}`, workload.id, shares, priorities ? priority : PRIORITY_DEFAULT, workload.setup),
  );
}

const shared = paperSystem('hdd', guests(false), HDD_SECONDS);
/** Random reads of one thread against a hundred: what they get differs much with where the disks lie. */
const TIMES = 2;
function scenario(name: string, setup: MachineSetup): Scenario {
  return { id: `hdd/mixed/${name}`, setup, times: TIMES };
}

const fair = scenario('fair', shared);
const noCredit = scenario('fair-no-credit', { ...shared, settings: { fair: { credit: 0 } } });
const stride = scenario('stride', { ...shared, algorithm: 'stride' });
const cfq = scenario('cfq-by-vm', cfqSystem(guests(true), HDD_SECONDS));
const plain = scenario('default', cfqSystem(guests(false), HDD_SECONDS));

const SYSTEMS: readonly (readonly [Scenario, string])[] = [
  [fair, 'Shares (fair)'],
  [stride, 'Shares (stride)'],
  [cfq, 'CFQ by VM priority'],
  [plain, 'Default (CFQ)'],
];
const SCENARIOS = [...SYSTEMS.map(([one]) => one), noCredit];

type Measure = (point: Point) => Estimate;
const throughput: Measure = ({ opsPerS }) => opsPerS;
const latency: Measure = ({ meanMs }) => meanMs;

function points(results: Results, { id }: Scenario): readonly Point[] {
  return results.get(id)!.points;
}

function rows(
  results: Results,
  of: Measure,
  row: (application: string, system: string, y: Estimate) => PlotRow,
): PlotRow[] {
  return SYSTEMS.flatMap(([one, system]) =>
    points(results, one).map((point, i) => row(APPLICATIONS[i]!.label, system, of(point))),
  );
}

const SHORT = ['100 / 7: web server', '200 / 4: DHT reads', '300 / 0: random read'];

function bySystem(name: string, yTitle: string, of: Measure, logY: boolean): Plot {
  return {
    name,
    kind: 'bars',
    xTitle: 'Scheduler',
    yTitle,
    seriesTitle: 'Application',
    logY,
    rows: (results) => rows(results, of, (series, x, y) => ({ x, y, series, panel: '' })),
  };
}

/** Some application of lower priority (fewer shares) has more of the one and less of the other than one of higher. */
function overtaken(found: readonly Point[]): Verdict {
  const pairs: string[] = [];
  for (const [i, low] of found.entries()) {
    for (const high of found.slice(i + 1)) {
      const more = above(low.opsPerS, high.opsPerS);
      const sooner = above(high.meanMs, low.meanMs);
      if (more && sooner) pairs.push(`${low.tag} over ${high.tag}`);
    }
  }
  const figures = found.map(({ tag, opsPerS, meanMs }) => {
    return `${tag} ${opsPerS.mean.toFixed(1)}/s at ${meanMs.mean.toFixed(0)} ms`;
  });
  return { holds: pairs.length > 0, found: `${figures.join(', ')}; ${pairs.join(', ') || 'none is overtaken'}` };
}

const OURS: Claim = {
  id: 'figure-7.shares',
  source: 'paper',
  says: 'This system gives preference as expected among different workloads.',
  threshold: 'operations/s of 300 shares at least twice those of 100, none with fewer shares has more',
  expected: { kind: 'reproduced' },
  judge: (results) => prefers(points(results, fair), throughput, 2),
};

export const figure7: Figure = {
  name: 'figure-7',
  title: 'Figure 7: priority and shares against throughput, mixed workloads',
  about:
    'Three guests: a web server with 100 threads and 100 shares, DHT reads with 8 threads and 200, random reads with one thread and 300. So load runs against shares, and whoever ignores shares serves the loudest.',
  scenarios: SCENARIOS,
  plots: [
    {
      name: 'figure-7',
      kind: 'lines',
      xTitle: 'Shares / CFQ priority: application',
      yTitle: 'Throughput (operations/s)',
      seriesTitle: 'Scheduler',
      rows: (results) =>
        SYSTEMS.flatMap(([one, series]) =>
          points(results, one).map((point, i) => ({ x: SHORT[i]!, y: point.opsPerS, series, panel: '' })),
        ),
    },
  ],
  claims: [
    OURS,
    {
      id: 'figure-7.stride',
      source: 'ours',
      says: "The paper's own algorithm, stride, does the same.",
      threshold: 'operations/s of 300 shares at least twice those of 100, none with fewer shares has more',
      expected: { kind: 'reproduced' },
      judge: (results) => prefers(points(results, stride), throughput, 2),
    },
    {
      id: 'figure-7.cfq-by-vm',
      source: 'paper',
      says: 'In CFQ with priority a process of lower priority gets higher throughput than one of higher priority.',
      threshold: 'an application of lower priority has more operations/s than one of higher, intervals apart',
      expected: { kind: 'reproduced' },
      judge: (results) => notPreferred(points(results, cfq)),
    },
    {
      id: 'figure-7.default',
      source: 'paper',
      says: 'The default system gives no differentiated service.',
      threshold: 'an application of fewer shares has more operations/s than one of more, intervals apart',
      expected: { kind: 'reproduced' },
      judge: (results) => notPreferred(points(results, plain)),
    },
    {
      id: 'figure-7.credit',
      source: 'ours',
      says: 'Without credit for the moment between a reply and the next request, fair takes the single thread for gone each time, and it gets no more than the application with 200 shares.',
      threshold: 'operations/s of random reads at most 5 % above those of DHT reads',
      expected: { kind: 'reproduced' },
      judge: (results) => {
        const [, dht, random] = points(results, noCredit);
        return {
          holds: random!.opsPerS.mean <= 1.05 * dht!.opsPerS.mean,
          found: `${random!.opsPerS.mean.toFixed(1)}/s and ${dht!.opsPerS.mean.toFixed(1)}/s`,
        };
      },
    },
  ],
  notes: [
    'The paper does not say which three workloads it mixed, nor with which shares.',
    'The web server has 1.6 GB of files here: with a set that memory holds, the systems without shares let it read all of it within the run, and it would then be measured by its processor.',
    'CFQ and the default may have 31 requests in the drive, this system one: their total throughput is higher (Figure 10).',
  ],
};

function notPreferred(found: readonly Point[]): Verdict {
  const verdict = prefers(found, throughput, 1);
  return { holds: !verdict.holds, found: verdict.found };
}

export const figure8: Figure = {
  name: 'figure-8',
  title: 'Figure 8: schedulers against throughput, mixed workloads',
  about: 'The runs of Figure 7 by scheduler.',
  scenarios: SCENARIOS,
  plots: [bySystem('figure-8', 'Throughput (operations/s)', throughput, false)],
  claims: [],
  notes: [
    'Shares of the applications: web server 100, DHT reads 200, random read 300. The claims on throughput stand at Figure 7.',
  ],
};

export const figure9: Figure = {
  name: 'figure-9',
  title: 'Figure 9: schedulers against latency, mixed workloads',
  about: 'The runs of Figure 7 by the mean latency that the applications see; logarithmic.',
  scenarios: SCENARIOS,
  plots: [bySystem('figure-9', 'Mean latency (ms)', latency, true)],
  claims: [
    {
      id: 'figure-9.shares',
      source: 'paper',
      says: 'In this system latency falls as shares rise.',
      threshold: 'mean latency against the order of shares, intervals apart, and nobody overtaken',
      expected: { kind: 'reproduced' },
      judge: (results) => {
        const { holds, found } = overtaken(points(results, fair));
        const [web, dht, random] = points(results, fair).map(({ meanMs }) => meanMs);
        return { holds: !holds && above(web!, dht!) && above(dht!, random!), found };
      },
    },
    {
      id: 'figure-9.cfq-by-vm',
      source: 'paper',
      says: 'In CFQ with priority a process of lower priority gets higher throughput and less latency than one of higher priority.',
      threshold:
        'an application of lower priority has more operations/s and less mean latency than one of higher, intervals apart',
      expected: {
        kind: 'not reproduced',
        because:
          'the throughput is so (figure-7.cfq-by-vm), the latency is not. With a fixed number of threads mean latency is threads / throughput: the web server has five times the throughput of the random reads, but a hundred times the threads. Both at once take an application of lower priority with hardly more threads; which applications the paper mixed it does not say',
      },
      judge: (results) => overtaken(points(results, cfq)),
    },
  ],
  notes: [],
};
