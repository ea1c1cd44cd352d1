/**
 * Shares over hosts, wherever the tags' requests come in, and what all hosts together get out of the disk.
 *
 * Four `sluice serve` on one Redis bind the same disks, which this process simulates and serves over NBD;
 * an embedded service has disks like them, and the same load in its turn. So that the disk is what
 * there is too little of, not the processors, it is a slow one: the model of a hard disk behind a command
 * queue (a hundred and fifty requests a second), or one that takes the same time for each request however
 * many there are: what such a disk serves a second says how many slots were in use.
 */
import { row, type BenchRow } from '../report.js';
import { PlacementCluster, type DiskPlan, type Shares } from './cluster.js';
import { measure, type Measured, type Placement, type Timing } from './measure.js';

const SHARED: Timing = { warmSeconds: 1, seconds: 6, outstanding: 64 };
const EMBEDDED: Timing = { ...SHARED, seconds: 1.5 };

const FIVE: Shares = { one: 1, two: 2, three: 3, four: 4, five: 5 };
const TWO: Shares = { small: 100, large: 1000 };

export const PLANS: readonly DiskPlan[] = [
  { name: 'five1', medium: 4, depth: 1, shares: FIVE },
  { name: 'five4', medium: 10, depth: 4, shares: FIVE },
  { name: 'two4', medium: 10, depth: 4, shares: TWO },
  { name: 'five32', medium: 100, depth: 32, shares: FIVE },
  { name: 'two32', medium: 100, depth: 32, shares: TWO },
  { name: 'disk32', medium: 'hdd', depth: 32, shares: FIVE },
];

const ALL = [0, 1, 2, 3];
export const PLACEMENTS: Readonly<Record<string, Placement>> = {
  // Five tags, four hosts: one has two.
  'each tag on a host of its own': { one: [0], two: [1], three: [2], four: [3], five: [0], small: [0], large: [1] },
  'all tags on one host': { one: [2], two: [2], three: [2], four: [2], five: [2] },
  'each tag on every host': { one: ALL, two: ALL, three: ALL, four: ALL, five: ALL },
};

const PARTS: Readonly<Record<string, keyof typeof PLACEMENTS>> = {
  own: 'each tag on a host of its own',
  one: 'all tags on one host',
  every: 'each tag on every host',
};

/** @param part '' = all */
export async function placementsBenchmark(part: string): Promise<BenchRow[]> {
  const names = Object.entries(PARTS).flatMap(([short, name]) => (part === '' || part === short ? [name] : []));
  if (names.length === 0) throw new Error(`placements has the parts ${Object.keys(PARTS).join(', ')}, not ${part}`);
  await using cluster = await PlacementCluster.start(ALL.length, PLANS);
  const rows: BenchRow[] = [];
  for (const name of names) {
    const placement = PLACEMENTS[name]!;
    for (const plan of PLANS) {
      if (Object.keys(plan.shares).some((tag) => placement[tag] === undefined)) continue;
      // A disk that chooses by itself whom to serve next takes longer to even out.
      const shared = plan.medium === 'hdd' ? { ...SHARED, seconds: 2 * SHARED.seconds } : SHARED;
      const embedded = await measure(cluster, plan, null, EMBEDDED);
      rows.push(...rowsOf(name, plan, await measure(cluster, plan, placement, shared), embedded));
    }
  }
  return rows;
}

function rowsOf(placement: string, plan: DiskPlan, shared: Measured, embedded: Measured): BenchRow[] {
  const medium = plan.medium === 'hdd' ? 'hdd' : `${String(plan.medium)} ms a request`;
  const shares = Object.values(plan.shares).join(':');
  const name = `${medium}, depth ${String(plan.depth)}, ${shares}, ${placement}`;
  const counted = `${String(shared.served)} requests, ${shared.mean.toFixed(2)} at the disk, at most ${String(shared.most)}`;
  const [perSecond, embeddedPerSecond] = [shared, embedded].map(({ served, seconds }) => served / seconds);
  return [
    row(`${name}: share error over ${counted}`, shared.shareError * 100, '%'),
    {
      name: `${name}: throughput`,
      value: perSecond!,
      unit: 'ops/s',
      peer: 'embedded store',
      peerValue: embeddedPerSecond!,
      ratio: perSecond! / embeddedPerSecond!,
    },
  ];
}
