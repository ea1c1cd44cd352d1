/** `sluice experiment real`: three of the paper's figures with real processes on a delayed loop device. */
import { Command, Option } from 'commander';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { figuresOf } from '../experiments/catalogue.js';
import type { ScenarioResult } from '../experiments/experiment.js';
import { FAULTS } from '../experiments/fault.js';
import type { Fault } from '../experiments/fault.js';
import { REAL_NAMES, realFigures } from '../experiments/real/figures.js';
import { checkNeeds } from '../experiments/real/needs.js';
import { parseInteger } from '../workload/quantity.js';
import { choose, finish, printList, untilSignal } from './experiment-result.js';
import { note, option } from './output.js';
import { progressBar } from './progress.js';

const RUNS_MAX = 100;
/** Of the progress bar. */
const PARTS = 1_000;
/** Runs of the model that stand beside, of every point. */
const VIRTUAL_RUNS = 5;

interface RealFlags {
  out: string;
  runs: number;
  seconds: number;
  break: Fault;
  json?: boolean;
  list?: boolean;
}

export function realCommand(): Command {
  return new Command('real')
    .description(
      'figures 4, 6 and 11 with real processes: the service on a loop device slowed down to the times of a hard disk or SSD, fio over NBD, ' +
        "the kernel's BFQ in the place of CFQ; not part of `all`. Takes about 9 minutes, and needs root, fio, losetup and nbdfuse",
    )
    .argument('[name...]', `all, or of: ${REAL_NAMES.join(', ')}`, ['all'])
    .option('--out <dir>', 'folder of the report', 'report-real')
    .option(
      '--runs <n>',
      'runs of every point; with one there is no interval',
      option((text) => parseInteger(text, 1, RUNS_MAX, '--runs')),
      3,
    )
    .option(
      '--seconds <s>',
      'real time that every run is measured for; 42 runs at 3 a point, each takes some 4 s more',
      option((text) => parseInteger(text, 1, 3_600, '--seconds')),
      8,
    )
    .addOption(
      new Option('--break <what>', 'break something, to see that the checks notice').choices(FAULTS).default('none'),
    )
    .option('--list', 'say what there is, and stop')
    .option('--json', 'the result as one object, the last line of stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice experiment real --out report-real\n  sluice experiment real figure-6 --seconds 30 --out report-real',
    )
    .action(experimentReal);
}

async function experimentReal(names: string[], flags: RealFlags, command: Command): Promise<void> {
  const virtual = new Map<string, ScenarioResult>();
  const figures = choose(names, realFigures(virtual), command);
  if (flags.list === true) {
    printList(figures, flags.json === true);
    return;
  }
  checkNeeds(figures);
  // What draws the plots takes a while to load: no other command is to wait for it.
  const [{ runExperiments }, { ReportFolder }, { RunPool }, { RealRunner }, { REAL_PARTS, VIRTUAL_TIME }] =
    await Promise.all([
      import('../experiments/run.js'),
      import('../experiments/report/folder.js'),
      import('../experiments/pool.js'),
      import('../experiments/real/runner.js'),
      import('../experiments/preface.js'),
    ]);
  const folder = new ReportFolder(flags.out);
  const seedsOf = (runs: number): number[] => Array.from({ length: runs }, (_, i) => i + 1);
  const common = { seconds: flags.seconds, fault: flags.break };
  const bar = progressBar('runs', PARTS, '‰');
  const progress =
    (what: string) =>
    (done: number, all: number): void =>
      bar.update((done / all) * PARTS, `${what}, ${String(done)} of ${String(all)} runs`);
  try {
    const result = await untilSignal(async (signal) => {
      // First, and to its end: what runs beside real parts would take their processors.
      const model = await runExperiments({
        ...common,
        figures: figuresOf(figures.map(({ name }) => name)),
        runner: new RunPool(availableParallelism()),
        preface: VIRTUAL_TIME,
        folder: new ReportFolder(join(flags.out, 'virtual')),
        seeds: seedsOf(VIRTUAL_RUNS),
        signal,
        progress: progress('virtual time'),
      });
      for (const { results } of model.finished) for (const [id, found] of results) virtual.set(id, found);
      return runExperiments({
        ...common,
        figures,
        runner: new RealRunner(),
        preface: REAL_PARTS,
        folder,
        seeds: seedsOf(flags.runs),
        signal,
        progress: progress('real parts'),
      });
    });
    bar.stop();
    note(`${String(result.runs)} runs, ${result.diskIos.toLocaleString('en')} I/Os; report in ${flags.out}/index.html`);
    finish(result, flags);
  } finally {
    bar.stop();
  }
}
