/** Figure 10: the dispatch number, how many requests may be at the disk, against throughput and preference. */
import { list, prefers } from '../claims.js';
import type { Claim, Figure, Results, Scenario, ScenarioResult } from '../experiment.js';
import { HDD_SECONDS, UNBOUNDED_DEPTH, fiveGuests, paperSystem } from './five.js';

const DEPTHS = [1, 3, 5, UNBOUNDED_DEPTH] as const;
/** sysbench's default, and what fills any of the bounded depths by itself. */
const THREADS = [1, 2, 8] as const;
/** Below it there is no preference worth the name; shares are as 5 to 1. */
const RATIO = 1.5;

function label(depth: number): string {
  return depth === UNBOUNDED_DEPTH ? 'unbounded' : String(depth);
}

function idOf(threads: number, depth: number): string {
  // Depth 1 with one thread is the random read of Figure 4.
  if (threads === 1 && depth === 1) return 'hdd/random-read';
  return `hdd/dispatch-${label(depth)}/random-read-${String(threads)}`;
}

function scenario(threads: number, depth: number): Scenario {
  const guests = fiveGuests({ kind: 'random-read', threads });
  return { id: idOf(threads, depth), setup: { ...paperSystem('hdd', guests, HDD_SECONDS), depth } };
}

function resultOf(results: Results, threads: number, depth: number): ScenarioResult {
  return results.get(idOf(threads, depth))!;
}

function panel(threads: number): string {
  return threads === 1 ? '1 thread each' : `${String(threads)} threads each`;
}

function keeps(threads: number, depth: number, says: string, source: 'paper' | 'ours', ratio = RATIO): Claim {
  return {
    id: `figure-10.depth-${label(depth)}${source === 'ours' ? `-with-${String(threads)}-threads` : ''}`,
    source,
    says,
    threshold: `the most shares have at least ${String(ratio)} times the operations/s of the least, none with fewer shares clearly more`,
    expected: { kind: 'reproduced' },
    judge: (results) => prefers(resultOf(results, threads, depth).points, ({ opsPerS }) => opsPerS, ratio),
  };
}

function loses(threads: number, depth: number, says: string): Claim {
  const kept = keeps(threads, depth, says, 'paper');
  return {
    ...kept,
    threshold: `the most shares have less than ${String(RATIO)} times the operations/s of the least, or fewer shares clearly more`,
    judge: (results) => {
      const { holds, found } = kept.judge(results);
      return { holds: !holds, found };
    },
  };
}

export const figure10: Figure = {
  name: 'figure-10',
  title: 'Figure 10: throughput for different dispatch numbers',
  about:
    'Random reads on the hard disk with at most 1, 3, 5 or any number of requests at the drive, whose own queue (shortest positioning time first, with ageing) decides among those. Parts of a bar are applications.',
  scenarios: THREADS.flatMap((threads) => DEPTHS.map((depth) => scenario(threads, depth))),
  plots: [
    {
      name: 'figure-10',
      kind: 'stacked',
      xTitle: 'Dispatch number',
      yTitle: 'Throughput (operations/s)',
      seriesTitle: 'Shares',
      rows: (results) =>
        THREADS.flatMap((threads) =>
          DEPTHS.flatMap((depth) =>
            resultOf(results, threads, depth).points.map(({ shares, opsPerS }) => {
              return { x: label(depth), y: opsPerS, series: String(shares), panel: panel(threads) };
            }),
          ),
        ),
    },
  ],
  claims: [
    keeps(1, 1, 'With a dispatch number of 1 the system gives preference.', 'paper'),
    keeps(1, 3, 'With a dispatch number of 3 the system gives preference.', 'paper'),
    loses(1, 5, 'With a dispatch number of 5 preference is not obtained.'),
    loses(1, UNBOUNDED_DEPTH, 'With an unbounded dispatch number preference is not obtained.'),
    {
      id: 'figure-10.throughput',
      source: 'paper',
      says: 'Throughput of the disk is higher with 5 and unbounded than with 1 and 3.',
      threshold: 'requests/s at the disk with 5 and unbounded above those with 1 and 3, intervals apart',
      expected: { kind: 'reproduced' },
      judge: (results) => {
        const totals = DEPTHS.map((depth) => resultOf(results, 1, depth).diskIosPerS);
        const low = Math.max(...totals.slice(0, 2).map(({ mean, half }) => mean + half));
        const high = Math.min(...totals.slice(2).map(({ mean, half }) => mean - half));
        return { holds: high > low, found: list(totals) };
      },
    },
    keeps(
      8,
      5,
      'With eight threads an application a dispatch number of 5 keeps shares: what is lost at 5 is not lost to the depth, but to having no more than 5 requests in all.',
      'ours',
      4.5,
    ),
  ],
  notes: [
    'The paper does not say how many threads sysbench had; its default is one. Five applications with one request each have five: at a dispatch number of 5 nobody ever waits in the scheduler, and it decides nothing. At 3 it decides little.',
    'With more requests waiting than the disk takes, shares hold at any depth, and a deeper queue costs nothing but the wait in the drive; unbounded, all wait there.',
  ],
};
