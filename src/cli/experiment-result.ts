/** What experiments in virtual time and on real parts have in common at the command line. */
import type { Command } from 'commander';
import { figuresOf } from '../experiments/catalogue.js';
import type { Figure } from '../experiments/experiment.js';
import { wording } from '../experiments/outcome.js';
import type { FigureResult } from '../experiments/outcome.js';
import type { ExperimentsResult } from '../experiments/run.js';
import { note, printResult } from './output.js';

/** Told by SIGINT and SIGTERM to stop. */
export async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return await work(interrupt.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** A name that is not there is wrong use. */
export function choose(names: readonly string[], of: readonly Figure[], command: Command): readonly Figure[] {
  try {
    return figuresOf(names, of);
  } catch (error) {
    command.error(`error: ${(error as Error).message}`);
  }
}

export function printList(figures: readonly Figure[], json: boolean): void {
  const experiments = figures.map(({ name, title }) => ({ name, title }));
  const text = experiments.map(({ name, title }) => `${name.padEnd(16)}${title}`).join('\n');
  printResult(json, text, { experiments });
}

/** Prints the claims; the command fails where one is not as expected, or a figure is missing. */
export function finish(result: ExperimentsResult, flags: { readonly out: string; readonly json?: boolean }): void {
  printResult(flags.json === true, result.finished.flatMap(lines).join('\n'), object(result, flags.out));
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

function object({ finished, missing, runs, diskIos }: ExperimentsResult, out: string): object {
  return {
    out,
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
