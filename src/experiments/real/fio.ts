/**
 * fio: jobs side by side in one run of it, each counted over the same seconds.
 *
 * Not by fio's own counts: it measures each job from the end of its own ramp, and one that ends a tenth of a second
 * after the others has the disk to itself for that long, which for a sequential reader is more than it had in seconds
 * before. So each completion is logged with its time, and those within a window in which all jobs ran are counted.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../core/model/errors.js';
import { NS_PER_MS } from '../../core/model/units.js';
import { ended, start } from './commands.js';
import type { Janitor } from './janitor.js';

/** Options as fio's job file has them. */
export type FioOptions = Readonly<Record<string, string | number>>;

export interface FioJob {
  readonly name: string;
  readonly options: FioOptions;
}

/** What a job was served while all ran and were measured, latencies from submission to completion. */
export interface FioCounts {
  readonly ios: number;
  readonly iosPerS: number;
  readonly bytesPerS: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** How a client of the service reaches it. */
export function overNbd(socket: string, device: string, tag: string): FioOptions {
  return { ioengine: 'nbd', uri: `nbd+unix:///${device}@${tag}?socket=${socket}` };
}

/** How a client of a block device reaches it. */
export function onBlockDevice(path: string): FioOptions {
  return { ioengine: 'libaio', filename: path, direct: 1 };
}

/** Of all jobs of a run. */
export interface FioTimes {
  /** Measured. */
  readonly seconds: number;
  /** Before that, from the first completion of any job on. */
  readonly rampSeconds: number;
}

/** Jobs start within less of one another, and go on for as long after what is measured. */
const SLACK_SECONDS = 0.5;

/**
 * Runs the jobs at once, each counted over the same seconds.
 * @param folder for its job file
 * @param abort ends it: it then rejects
 * @returns counts by the jobs' names
 * @throws SluiceError INTERNAL with what it said
 */
export async function runFio(
  janitor: Janitor,
  folder: string,
  { seconds, rampSeconds }: FioTimes,
  common: FioOptions,
  jobs: readonly FioJob[],
  abort?: AbortSignal,
): Promise<ReadonlyMap<string, FioCounts>> {
  const file = join(folder, 'jobs.fio');
  const runtimeMs = Math.round((rampSeconds + seconds + SLACK_SECONDS) * 1_000);
  const log = { per_job_logs: 0, log_unix_epoch: 1, disable_slat: 1, disable_clat: 1 };
  const all = { time_based: 1, runtime: `${String(runtimeMs)}ms`, ...log, ...common };
  const sections = jobs.map(({ name, options }) => section(name, { ...options, write_lat_log: join(folder, name) }));
  writeFileSync(file, [section('global', all), ...sections].join(''));
  abort?.throwIfAborted();
  const from = janitor.owed;
  const child = start(janitor, ['ignore', 'ignore', 'pipe'], 'fio', file);
  const kill = (): void => void process.kill(-child.pid!, 'SIGKILL');
  abort?.addEventListener('abort', kill);
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  try {
    const code = await ended(child);
    if (code !== 0) throw new SluiceError('INTERNAL', `fio failed: ${said.trim()}`);
    return countsOf(folder, jobs, seconds, rampSeconds);
  } finally {
    abort?.removeEventListener('abort', kill);
    await janitor.undoTo(from);
  }
}

function section(name: string, options: FioOptions): string {
  const lines = Object.entries(options).map(([key, value]) => `${key}=${String(value)}\n`);
  return `[${name}]\n${lines.join('')}`;
}

/** Completions of one job, in order: when, how long it took, how much it was. */
interface Completions {
  readonly atMs: readonly number[];
  readonly latencyNs: readonly number[];
  readonly bytes: readonly number[];
}

function completionsOf(log: string): Completions {
  const rows = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  const cells = rows.filter((row) => row !== '').map((row) => row.split(','));
  const column = (i: number): number[] => cells.map((row) => Number(row[i]));
  return { atMs: column(0), latencyNs: column(1), bytes: column(3) };
}

function countsOf(
  folder: string,
  jobs: readonly FioJob[],
  seconds: number,
  rampSeconds: number,
): ReadonlyMap<string, FioCounts> {
  const logs = jobs.map(({ name }) => [name, completionsOf(join(folder, `${name}_lat.log`))] as const);
  const fromMs = Math.min(...logs.map(([, { atMs }]) => atMs[0] ?? Infinity)) + rampSeconds * 1_000;
  return new Map(logs.map(([name, log]) => [name, counted(log, fromMs, seconds)]));
}

function counted({ atMs, latencyNs, bytes }: Completions, fromMs: number, seconds: number): FioCounts {
  const within = (_: number, i: number): boolean => atMs[i]! >= fromMs && atMs[i]! < fromMs + seconds * 1_000;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const latencies = latencyNs.filter(within).sort((a, b) => a - b);
  const ios = latencies.length;
  const quantileMs = (q: number): number => (ios === 0 ? 0 : latencies[Math.ceil(q * ios) - 1]! / NS_PER_MS);
  return {
    ios,
    iosPerS: ios / seconds,
    bytesPerS: sum(bytes.filter(within)) / seconds,
    meanMs: ios === 0 ? 0 : sum(latencies) / ios / NS_PER_MS,
    p50Ms: quantileMs(0.5),
    p95Ms: quantileMs(0.95),
    p99Ms: quantileMs(0.99),
  };
}
