/**
 * 4 KiB random reads through the vhost door, driven by a front end without a guest, beside the NBD door of
 * the same service, driven by fio: the null device, scheduled and accounted for. Operations a second, and
 * what the service spends on one. Then the same from within a guest, and beside QEMU's own storage daemon.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, type BenchRow } from './report.js';
import { guestRows } from './vhost/guest-rows.js';

const DEPTHS = [1, 32, 128];
const PAIRS = 3;
const RUN_SECONDS = 2;
const SIZE_BYTES = 64 * 1_048_576;
/** Of the times in /proc; the same wherever Linux runs Node. */
const TICKS_PER_S = 100;

interface Measured {
  readonly iops: number;
  readonly cpuUs: number;
}

export async function vhostBenchmark(): Promise<BenchRow[]> {
  if (spawnSync('fio', ['--version'], { stdio: 'ignore' }).status !== 0) {
    process.stderr.write('bench vhost: fio is absent (apt-get install fio): nothing is measured\n');
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const path = (name: string): string => join(folder, name);
  const disk = `{ socket: '${path('vhost.sock')}', device: d, tag: bench }`;
  writeFileSync(
    path('sluice.yaml'),
    `devices: { d: { simulation: { kind: 'null', size_bytes: ${String(SIZE_BYTES)} } } }\ndoors: { vhost: [${disk}] }\n`,
  );
  const service = spawn(
    process.execPath,
    [
      ...[fileURLToPath(new URL('../../bin/sluice.cjs', import.meta.url)), 'serve', '--config', path('sluice.yaml')],
      ...['--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0', '--log-level', 'warn'],
      ...['--nbd', `unix:${path('nbd.sock')}`],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  try {
    await listening(service, [path('vhost.sock'), path('nbd.sock')]);
    const vhost = (depth: number): Measured => measured(service, () => overVhost(path('vhost.sock'), depth));
    const nbd = (depth: number): Measured => measured(service, () => overNbd(path('nbd.sock'), depth));
    const rows: BenchRow[] = DEPTHS.flatMap((depth) => compare(depth, vhost, nbd));
    return [...rows, ...(await guestRows(folder, SIZE_BYTES))];
  } finally {
    service.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function listening(service: ChildProcess, sockets: readonly string[]): Promise<void> {
  while (!sockets.every((socket) => existsSync(socket))) {
    if (service.exitCode !== null) throw new Error(`the service ended with ${String(service.exitCode)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Medians of pairs run one after the other, who goes first in turn; one pair more goes ahead, uncounted. */
function compare(
  depth: number,
  subject: (depth: number) => Measured,
  other: (depth: number) => Measured,
): [BenchRow, BenchRow] {
  const pairs: [Measured, Measured][] = [];
  for (let pair = -1; pair < PAIRS; pair++) {
    const first = (pair % 2 === 0 ? subject : other)(depth);
    const second = (pair % 2 === 0 ? other : subject)(depth);
    if (pair >= 0) pairs.push(pair % 2 === 0 ? [first, second] : [second, first]);
  }
  const row = (what: string, unit: string, of: (run: Measured) => number): BenchRow => ({
    name: `vhost 4 KiB random reads, depth ${String(depth)}${what}`,
    value: median(pairs.map(([own]) => of(own))),
    unit,
    peer: 'NBD door',
    peerValue: median(pairs.map(([, peer]) => of(peer))),
    ratio: median(pairs.map(([own, peer]) => of(own) / of(peer))),
  });
  return [row('', 'ops/s', ({ iops }) => iops), row(', CPU of the service', 'us/op', ({ cpuUs }) => cpuUs)];
}

/** A run, and the time that the service computed for it. */
function measured(service: ChildProcess, run: () => { operations: number; iops: number }): Measured {
  const before = cpuUsOf(service.pid!);
  const { operations, iops } = run();
  return { iops, cpuUs: (cpuUsOf(service.pid!) - before) / operations };
}

function cpuUsOf(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  // The name, in brackets, can hold anything; user and system time are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_S) * 1e6;
}

function overVhost(socket: string, depth: number): { operations: number; iops: number } {
  const driver = fileURLToPath(new URL('vhost/driver.js', import.meta.url));
  const args = [driver, socket, String(depth), String(RUN_SECONDS), String(SIZE_BYTES)];
  const run = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`driver: ${run.stderr}`);
  const { operations, seconds } = JSON.parse(run.stdout) as { operations: number; seconds: number };
  return { operations, iops: operations / seconds };
}

function overNbd(socket: string, depth: number): { operations: number; iops: number } {
  const run = spawnSync(
    'fio',
    [
      ...['--name=nbd', '--ioengine=nbd', `--uri=nbd+unix:///d@bench?socket=${socket}`, '--rw=randread', '--bs=4k'],
      ...[`--iodepth=${String(depth)}`, `--size=${String(SIZE_BYTES)}`, '--time_based=1'],
      ...[`--runtime=${String(RUN_SECONDS)}`, '--output-format=json'],
    ],
    { encoding: 'utf8' },
  );
  if (run.status !== 0) throw new Error(`fio: ${run.stderr}`);
  const report = JSON.parse(run.stdout.slice(run.stdout.indexOf('{'))) as {
    jobs: { read: { iops: number; total_ios: number } }[];
  };
  const { iops, total_ios: operations } = report.jobs[0]!.read;
  return { operations, iops };
}
