/**
 * Runs figures: every scenario with every seed, side by side; as soon as a figure's scenarios are complete
 * its files are written, and the page with it, so that an interrupted run leaves whole figures behind.
 */
import { SluiceError } from '../core/model/errors.js';
import type { RunMeasure } from '../simulator/guests/measures.js';
import type { MachineSetup } from '../simulator/guests/setup.js';
import type { Figure, Scenario, ScenarioResult } from './experiment.js';
import type { Fault } from './fault.js';
import { judge } from './outcome.js';
import type { FigureResult } from './outcome.js';
import { scenarioResult } from './points.js';
import { figureCsv } from './report/csv.js';
import type { ReportFolder } from './report/folder.js';
import { indexHtml } from './report/html.js';
import type { Preface } from './report/html.js';
import { drawPlot } from './report/plot.js';
import type { Runner } from './runner.js';

export interface ExperimentOptions {
  readonly figures: readonly Figure[];
  /** Closed at the end. */
  readonly runner: Runner;
  readonly preface: Preface;
  readonly folder: ReportFolder;
  readonly seeds: readonly number[];
  /** Time of every run in place of the figure's own; 0: the figure's own. */
  readonly seconds: number;
  /** What is broken on purpose, to see that the checks notice. */
  readonly fault: Fault;
  /** Stops: what is finished is kept. */
  readonly signal: AbortSignal;
  /** Told after each run. */
  readonly progress: (runsDone: number, runsInAll: number, diskIos: number) => void;
}

export interface ExperimentsResult {
  readonly finished: readonly FigureResult[];
  /** Names of the figures that were interrupted. */
  readonly missing: readonly string[];
  /** Requests to the disk of all runs. */
  readonly diskIos: number;
  readonly runs: number;
}

/** @throws SluiceError the error of a run that failed */
export async function runExperiments(options: ExperimentOptions): Promise<ExperimentsResult> {
  const { figures, folder, seeds, signal, runner } = options;
  const stop = (): void => void runner.close();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const scenarios = distinct(figures);
  const runsInAll = scenarios.reduce((sum, scenario) => sum + seedsOf(scenario, seeds).length, 0);
  let runs = 0;
  let diskIos = 0;
  const ran = (measure: RunMeasure): RunMeasure => {
    runs++;
    diskIos += measure.diskIos;
    options.progress(runs, runsInAll, diskIos);
    return measure;
  };
  const done = new Map<Figure, FigureResult>();
  /** In the order of the report. */
  const finished = (): FigureResult[] => figures.flatMap((figure) => done.get(figure) ?? []);
  const missing = (): string[] => figures.filter((figure) => !done.has(figure)).map(({ name }) => name);
  const page = (): void => folder.write('index.html', indexHtml(options.preface, finished(), missing(), seeds));
  try {
    const pending = new Map(
      scenarios.map((scenario) => {
        const changed = { id: scenario.id, setup: changedSetup(scenario.setup, options) };
        const own = seedsOf(scenario, seeds);
        const all = Promise.all(own.map((seed) => runner.run({ setup: changed.setup, seed }).then(ran)));
        const result = all.then((measures) => scenarioResult(changed, own, measures));
        // Looked at figure by figure; one that fails before its turn there is not unhandled.
        result.catch(() => undefined);
        return [scenario.id, result] as const;
      }),
    );
    const writing = figures.map(async (figure) => {
      const result = await figureResult(figure, pending);
      await writeFigure(folder, result);
      done.set(figure, result);
      page();
    });
    await Promise.all(writing).catch(async (error: unknown) => {
      await runner.close();
      // A figure whose runs are complete is written to its end.
      await Promise.allSettled(writing);
      throw error;
    });
  } catch (error) {
    if (!signal.aborted) throw SluiceError.from(error);
    page();
  } finally {
    signal.removeEventListener('abort', stop);
    await runner.close();
  }
  return { finished: finished(), missing: missing(), diskIos, runs };
}

async function figureResult(
  figure: Figure,
  pending: ReadonlyMap<string, Promise<ScenarioResult>>,
): Promise<FigureResult> {
  const results = new Map<string, ScenarioResult>();
  for (const { id } of figure.scenarios) results.set(id, await pending.get(id)!);
  return judge(figure, results);
}

async function writeFigure(folder: ReportFolder, { figure, results }: FigureResult): Promise<void> {
  for (const plot of figure.plots) folder.write(`${plot.name}.svg`, await drawPlot(plot, plot.rows(results)));
  folder.write(`${figure.name}.csv`, figureCsv(figure, results));
}

function distinct(figures: readonly Figure[]): Scenario[] {
  return [
    ...new Map(figures.flatMap(({ scenarios }) => scenarios.map((scenario) => [scenario.id, scenario]))).values(),
  ];
}

/** The seeds asked for, and as many more after them as the scenario wants. */
function seedsOf({ times = 1 }: Scenario, seeds: readonly number[]): number[] {
  const more = seeds.length * (times - 1);
  return [...seeds, ...Array.from({ length: more }, (_, i) => seeds.at(-1)! + 1 + i)];
}

function changedSetup(setup: MachineSetup, { seconds, fault }: ExperimentOptions): MachineSetup {
  const timed = seconds > 0 ? { ...setup, seconds } : setup;
  return fault === 'shares' ? { ...timed, policies: false } : timed;
}
