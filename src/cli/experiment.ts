/** `sluice experiment`: the paper's figures and others, with a report; exit 1 where a checked claim is not as expected. */
import { Command, Option } from 'commander';
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { FIGURES } from '../experiments/catalogue.js';
import { FAULTS } from '../experiments/fault.js';
import type { Fault } from '../experiments/fault.js';
import { parseInteger, parseNumber } from '../workload/quantity.js';
import { realCommand } from './experiment-real.js';
import { choose, finish, printList, untilSignal } from './experiment-result.js';
import { note, option } from './output.js';
import { progressBar } from './progress.js';

const SEED_MAX = 2 ** 32 - 1;
const SEEDS_MAX = 1_000;
/** Of the progress bar. */
const PARTS = 1_000;

interface ExperimentFlags {
  out: string;
  seed: number;
  seeds: number;
  seconds?: number;
  break: Fault;
  json?: boolean;
  list?: boolean;
}

export function experimentCommand(): Command {
  return (
    new Command('experiment')
      .description('run the experiments of the paper in virtual time, check its claims, write a report')
      .argument('[name...]', `all, or of: ${FIGURES.map(({ name }) => name).join(', ')}`, ['all'])
      .option('--out <dir>', 'folder of the report', 'report')
      .option(
        '--seed <n>',
        'first seed; the same seeds give the same bytes',
        option((text) => parseInteger(text, 0, SEED_MAX - SEEDS_MAX, '--seed')),
        1,
      )
      .option(
        '--seeds <n>',
        'runs of every point',
        option((text) => parseInteger(text, 1, SEEDS_MAX, '--seeds')),
        5,
      )
      .option(
        '--seconds <s>',
        'virtual time of every run (default: that of the figure)',
        option((text) => parseNumber(text, 0.1, 86_400, '--seconds')),
      )
      .addOption(
        new Option('--break <what>', 'break something, to see that the checks notice').choices(FAULTS).default('none'),
      )
      .option('--list', 'say what there is, and stop')
      .option('--json', 'the result as one object, the last line of stdout')
      .addHelpText(
        'after',
        '\nExamples:\n  sluice experiment all --out report\n  sluice experiment figure-4 --seeds 10 --out report',
      )
      .action(experiment)
      // What stands behind `real` is for it.
      .enablePositionalOptions()
      .addCommand(realCommand())
  );
}

async function experiment(names: string[], flags: ExperimentFlags, command: Command): Promise<void> {
  const figures = choose(names, FIGURES, command);
  if (flags.list === true) {
    printList(figures, flags.json === true);
    return;
  }
  // What draws the plots takes a while to load: no other command is to wait for it.
  const [{ runExperiments }, { ReportFolder }, { RunPool }, { VIRTUAL_TIME }] = await Promise.all([
    import('../experiments/run.js'),
    import('../experiments/report/folder.js'),
    import('../experiments/pool.js'),
    import('../experiments/preface.js'),
  ]);
  const folder = new ReportFolder(flags.out);
  const from = performance.now();
  const bar = progressBar('experiments', PARTS, '‰');
  try {
    const result = await untilSignal((signal) =>
      runExperiments({
        figures,
        runner: new RunPool(availableParallelism()),
        preface: VIRTUAL_TIME,
        folder,
        seeds: Array.from({ length: flags.seeds }, (_, i) => flags.seed + i),
        seconds: flags.seconds ?? 0,
        fault: flags.break,
        signal,
        progress: (done, all, diskIos) =>
          bar.update(
            (done / all) * PARTS,
            `${String(done)} of ${String(all)} runs, ${(diskIos / 1e6).toFixed(1)} M simulated I/Os`,
          ),
      }),
    );
    bar.stop();
    const wallSeconds = (performance.now() - from) / 1_000;
    note(
      `${String(result.runs)} runs, ${(result.diskIos / 1e6).toFixed(2)} M simulated I/Os in ${wallSeconds.toFixed(1)} s: ` +
        `${Math.round(result.diskIos / wallSeconds).toLocaleString('en')} a second; report in ${flags.out}/index.html`,
    );
    finish(result, flags);
  } finally {
    bar.stop();
  }
}
