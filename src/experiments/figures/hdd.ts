/** Figure 4: shares against throughput on a hard disk. */
import { rises } from '../claims.js';
import type { Figure, Scenario } from '../experiment.js';
import { paperSystem } from './five.js';

const SECONDS = 180;

const sequential: Scenario = {
  id: 'hdd/sequential-read',
  setup: paperSystem('hdd', { kind: 'sequential-read', threads: 1 }, SECONDS),
};

export const figure4: Figure = {
  name: 'figure-4',
  title: 'Figure 4: shares against throughput, hard disk',
  about:
    'Five applications, each in a guest of its own, run the same workload with different shares. The paper: throughput rises with shares for sequential reads.',
  scenarios: [sequential],
  plots: [
    {
      name: 'figure-4',
      kind: 'lines',
      xTitle: 'Shares',
      yTitle: 'Throughput (operations/s)',
      seriesTitle: 'Workload',
      rows: (results) =>
        results
          .get(sequential.id)!
          .points.map(({ shares, opsPerS }) => ({ x: shares, y: opsPerS, series: 'Sequential read', panel: '' })),
    },
  ],
  claims: [
    {
      id: 'figure-4.sequential-read',
      source: 'paper',
      says: 'Throughput of sequential reads rises with shares.',
      threshold: 'operations/s in the order of shares, intervals apart, most shares at least 3 times the least',
      expected: { kind: 'reproduced' },
      judge: (results) => rises(results.get(sequential.id)!.points, ({ opsPerS }) => opsPerS, 3),
    },
  ],
  notes: [],
};
