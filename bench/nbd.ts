/**
 * 4 KiB random reads over NBD, driven by fio: the null device, scheduled and accounted for, beside
 * nbdkit's memory plug-in and a bare server on Node. Each in a process of its own, on Unix sockets.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, type BenchRow } from './report.js';

const PAIRS = 3;
const RUN_SECONDS = 2;
const SIZE_BYTES = 64 * 1_048_576;

export async function nbdBenchmark(): Promise<BenchRow[]> {
  for (const command of ['fio', 'nbdkit']) {
    if (spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0) continue;
    process.stderr.write(`bench nbd: ${command} is absent (apt-get install fio nbdkit): nothing is measured\n`);
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const config = join(folder, 'sluice.yaml');
  const path = (name: string): string => join(folder, `${name}.sock`);
  const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  writeFileSync(config, `devices: { d: { simulation: { kind: 'null', size_bytes: ${String(SIZE_BYTES)} } } }\n`);
  const serve = ['serve', '--config', config, '--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0', '--log-level', 'warn'];
  const servers: ChildProcess[] = [];
  const start = (command: string, ...args: string[]): void => {
    servers.push(spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] }));
  };
  try {
    start(process.execPath, here('../../bin/sluice.cjs'), ...serve, '--nbd', `unix:${path('sluice')}`);
    start(process.execPath, here('nbd-echo.js'), path('echo'));
    start('nbdkit', '-f', '-U', path('nbdkit'), 'memory', String(SIZE_BYTES));
    await listening(servers, ['sluice', 'echo', 'nbdkit'].map(path));
    const subject = `nbd+unix:///d@bench?socket=${path('sluice')}`;
    const peers = [
      ['nbdkit memory', `nbd+unix:///?socket=${path('nbdkit')}`],
      ['bare server on Node', `nbd+unix:///?socket=${path('echo')}`],
    ] as const;
    return [32, 1].flatMap((depth) => peers.map(([peer, uri]) => compare(depth, subject, peer, uri)));
  } finally {
    for (const server of servers) server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function listening(servers: readonly ChildProcess[], sockets: readonly string[]): Promise<void> {
  while (!sockets.every((socket) => existsSync(socket))) {
    const ended = servers.find((server) => server.exitCode !== null);
    if (ended !== undefined) throw new Error(`${ended.spawnargs.join(' ')} ended with ${String(ended.exitCode)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Medians of pairs run one after the other, who goes first in turn; one pair more goes ahead, uncounted. */
function compare(depth: number, subject: string, peer: string, peerUri: string): BenchRow {
  const pairs: [number, number][] = [];
  for (let pair = -1; pair < PAIRS; pair++) {
    const first = iops(depth, pair % 2 === 0 ? subject : peerUri);
    const second = iops(depth, pair % 2 === 0 ? peerUri : subject);
    if (pair >= 0) pairs.push(pair % 2 === 0 ? [first, second] : [second, first]);
  }
  return {
    name: `nbd 4 KiB random reads, depth ${String(depth)}`,
    value: median(pairs.map(([own]) => own)),
    unit: 'ops/s',
    peer,
    peerValue: median(pairs.map(([, other]) => other)),
    ratio: median(pairs.map(([own, other]) => own / other)),
  };
}

function iops(depth: number, uri: string): number {
  const fio = spawnSync(
    'fio',
    [
      ...['--name=nbd', '--ioengine=nbd', `--uri=${uri}`, '--rw=randread', '--bs=4k', `--iodepth=${String(depth)}`],
      ...[`--size=${String(SIZE_BYTES)}`, '--time_based=1', `--runtime=${String(RUN_SECONDS)}`],
      '--output-format=json',
    ],
    { encoding: 'utf8' },
  );
  if (fio.status !== 0) throw new Error(`fio: ${fio.stderr}`);
  const report = JSON.parse(fio.stdout.slice(fio.stdout.indexOf('{'))) as { jobs: { read: { iops: number } }[] };
  return report.jobs[0]!.read.iops;
}
