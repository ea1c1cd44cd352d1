/** `sluice experiment`: the paper's figures and others, with a report; exit 1 where a checked claim is not as expected. */
import { Command, Option } from 'commander';
import { performance } from 'node:perf_hooks';
import { FIGURES, figuresOf } from '../experiments/catalogue.js';
import { wording } from '../experiments/outcome.js';
import type { FigureResult } from '../experiments/outcome.js';
import { FAULTS } from '../experiments/fault.js';
import type { Fault } from '../experiments/fault.js';
import type { ExperimentsResult } from '../experiments/run.js';
import { parseInteger, parseNumber } from '../workload/quantity.js';
import { note, option, printResult } from './output.js';
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
  return new Command('experiment')
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
    .action(experiment);
}

async function experiment(names: string[], flags: ExperimentFlags, command: Command): Promise<void> {
  const figures = choose(names, command);
  if (flags.list === true) {
    const experiments = figures.map(({ name, title }) => ({ name, title }));
    const text = experiments.map(({ name, title }) => `${name.padEnd(16)}${title}`).join('\n');
    printResult(flags.json === true, text, { experiments });
    return;
  }
  // What draws the plots takes a while to load: no other command is to wait for it.
  const { runExperiments } = await import('../experiments/run.js');
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const from = performance.now();
  const bar = progressBar('experiments', PARTS, '‰');
  try {
    const result = await runExperiments({
      figures,
      out: flags.out,
      seeds: Array.from({ length: flags.seeds }, (_, i) => flags.seed + i),
      seconds: flags.seconds ?? 0,
      fault: flags.break,
      signal: interrupt.signal,
      progress: (done, all, diskIos) =>
        bar.update(
          (done / all) * PARTS,
          `${String(done)} of ${String(all)} runs, ${(diskIos / 1e6).toFixed(1)} M simulated I/Os`,
        ),
    });
    bar.stop();
    finish(result, flags, (performance.now() - from) / 1_000);
  } finally {
    bar.stop();
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

function choose(names: readonly string[], command: Command): ReturnType<typeof figuresOf> {
  try {
    return figuresOf(names);
  } catch (error) {
    command.error(`error: ${(error as Error).message}`);
  }
}

function finish(result: ExperimentsResult, flags: ExperimentFlags, wallSeconds: number): void {
  note(
    `${String(result.runs)} runs, ${(result.diskIos / 1e6).toFixed(2)} M simulated I/Os in ${wallSeconds.toFixed(1)} s: ` +
      `${Math.round(result.diskIos / wallSeconds).toLocaleString('en')} a second; report in ${flags.out}/index.html`,
  );
  printResult(flags.json === true, result.finished.flatMap(lines).join('\n'), object(result, flags));
  const unexpected = result.finished.flatMap(({ claims }) => claims).filter(({ asExpected }) => !asExpected);
  for (const { claim } of unexpected) note(`sluice: claim ${claim.id} is not as expected`);
  if (result.missing.length > 0) note(`sluice: interrupted; not finished: ${result.missing.join(', ')}`);
  if (unexpected.length > 0 || result.missing.length > 0) process.exitCode = 1;
}

function lines({ figure, claims }: FigureResult): string[] {
  return [
    figure.title,
    ...claims.flatMap((result) => [
      `  ${result.asExpected ? 'ok  ' : 'FAIL'} ${result.claim.id}: ${wording(result)}`,
      `       ${result.claim.says} Found: ${result.verdict.found}`,
    ]),
  ];
}

function object({ finished, missing, runs, diskIos }: ExperimentsResult, flags: ExperimentFlags): object {
  return {
    out: flags.out,
    runs,
    diskIos,
    missing,
    claims: finished.flatMap(({ claims }) =>
      claims.map(({ claim, verdict, asExpected }) => ({
        id: claim.id,
        source: claim.source,
        expected: claim.expected.kind,
        holds: verdict.holds,
        asExpected,
        found: verdict.found,
      })),
    ),
  };
}
