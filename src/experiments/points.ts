/** From single runs to points with confidence intervals. */
import type { ApplicationMeasure, RunMeasure } from '../simulator/guests/measures.js';
import type { Point, Scenario, ScenarioResult } from './experiment.js';
import { estimate } from './statistics.js';

/** @param runs in the order of seeds */
export function scenarioResult(
  scenario: Scenario,
  seeds: readonly number[],
  runs: readonly RunMeasure[],
): ScenarioResult {
  const first = runs[0]!;
  return {
    id: scenario.id,
    setup: scenario.setup,
    seeds,
    points: first.applications.map((_, i) => point(runs.map(({ applications }) => applications[i]!))),
    diskIosPerS: estimate(runs.map(({ diskIosPerS }) => diskIosPerS)),
    diskMbPerS: estimate(runs.map(({ diskMbPerS }) => diskMbPerS)),
    diskIos: runs.reduce((sum, { diskIos }) => sum + diskIos, 0),
  };
}

function point(runs: readonly ApplicationMeasure[]): Point {
  const { tag, shares } = runs[0]!;
  const over = (of: (run: ApplicationMeasure) => number): number[] => runs.map(of);
  return {
    tag,
    shares,
    opsPerS: estimate(over(({ opsPerS }) => opsPerS)),
    mbPerS: estimate(over(({ mbPerS }) => mbPerS)),
    meanMs: estimate(over(({ meanMs }) => meanMs)),
    p50Ms: estimate(over(({ p50Ms }) => p50Ms)),
    p95Ms: estimate(over(({ p95Ms }) => p95Ms)),
    p99Ms: estimate(over(({ p99Ms }) => p99Ms)),
    ops: runs.reduce((sum, { ops }) => sum + ops, 0),
    diskIos: runs.reduce((sum, { diskIos }) => sum + diskIos, 0),
  };
}
