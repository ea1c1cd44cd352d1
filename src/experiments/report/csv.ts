/** A figure's points as CSV: a row a point, each mean with half the width of its 95 % interval. */
import type { Estimate } from '../statistics.js';
import type { Figure, Point, Results } from '../experiment.js';

const COLUMNS: readonly (readonly [string, (point: Point) => Estimate])[] = [
  ['ops_per_s', ({ opsPerS }) => opsPerS],
  ['mb_per_s', ({ mbPerS }) => mbPerS],
  ['latency_mean_ms', ({ meanMs }) => meanMs],
  ['latency_p50_ms', ({ p50Ms }) => p50Ms],
  ['latency_p95_ms', ({ p95Ms }) => p95Ms],
  ['latency_p99_ms', ({ p99Ms }) => p99Ms],
];

/** Six significant digits: more than any interval leaves, fewer than a rounding difference shows. */
function digits(value: number): string {
  return String(Number(value.toPrecision(6)));
}

export function figureCsv(figure: Figure, results: Results): string {
  const heads = COLUMNS.flatMap(([name]) => [name, `${name}_ci95`]);
  const lines = [
    [
      'scenario',
      'algorithm',
      'depth',
      'application',
      'shares',
      'seconds',
      'runs',
      'operations',
      'disk_ios',
      ...heads,
    ].join(','),
  ];
  for (const { id, algorithm } of figure.scenarios) {
    const { setup, seeds, points } = results.get(id)!;
    for (const point of points) {
      const values = COLUMNS.flatMap(([, of]) => [digits(of(point).mean), digits(of(point).half)]);
      const { tag, shares, ops, diskIos } = point;
      lines.push(
        [
          id,
          algorithm ?? setup.algorithm,
          setup.depth,
          tag,
          shares,
          setup.seconds,
          seeds.length,
          ops,
          diskIos,
          ...values,
        ].join(','),
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
