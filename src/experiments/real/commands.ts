/** Programs of the system: run to their end, or started and ended with whoever started them. */
import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process';
import { SluiceError } from '../../core/model/errors.js';
import type { Janitor } from './janitor.js';

/** Runs it, and returns what it printed. @throws SluiceError INTERNAL with what it said */
export function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  const why = error?.message ?? stderr.trim();
  throw new SluiceError('INTERNAL', `${[command, ...args].join(' ')}: ${why}`);
}

/** Starts it in a group of its own, which is killed when it is undone: Ctrl-C at the terminal is not for it. */
export function start(
  janitor: Janitor,
  stdio: StdioOptions,
  command: string,
  ...args: readonly string[]
): ChildProcess {
  const child = spawn(command, args, { stdio, detached: true });
  if (child.pid !== undefined) oweEnd(janitor, child.pid);
  return child;
}

/** @param pid of the leader of a process group */
export function oweEnd(janitor: Janitor, pid: number): void {
  janitor.owe(`kill -KILL -${String(pid)} 2>/dev/null || :`);
}

/** The exit code, when all that it printed has been read; null where a signal ended it. */
export function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}
