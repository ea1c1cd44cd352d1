/**
 * Shares on a real disk: a loop device over a file with direct I/O, five fio clients with weights 1 to 5, each
 * 4 KiB random reads with 1 and with 16 outstanding. Over NBD through the service with those shares, and in the
 * same run straight on the same loop device under the kernel's BFQ with those weights (cgroup v1,
 * blkio.bfq.weight). The service, its clients and the loop device's own thread share the cores, as the
 * clients and BFQ do.
 *
 * The service's depth is 16. Of that a client of 5/15 of the shares is owed a third, 5 of its 16; were the
 * depth that of all clients together, nobody would wait here and nothing would be scheduled. Where cores are
 * scarcer than the disk, a client that does not get to run has nothing waiting, and shares of the cores show
 * instead of shares of the disk, on either side: run it on a machine that does nothing else.
 *
 * Needs root, for the loop device and the cgroups. Puts back what it finds, killed by a signal too.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { rmdirSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MIB } from '../src/core/model/units.js';
import { median, type BenchRow } from './report.js';

const WEIGHTS = [1, 2, 3, 4, 5];
const OUTSTANDING = [1, 16];
const DEPTH = 16;
const FILE_BYTES = 512 * MIB;
const SECONDS = 6;
const RAMP_SECONDS = 1;
const PAIRS = 3;
const PEER = 'BFQ';
const NS_PER_MS = 1_000_000;
const SLUICE = fileURLToPath(new URL('../../bin/sluice.cjs', import.meta.url));

/** What one run of five clients gives. */
interface Run {
  readonly shareError: number;
  readonly totalPerS: number;
  /** Of the client with the least and with the most shares. */
  readonly p99MsLeast: number;
  readonly p99MsMost: number;
}

/** What has to be undone, the last first. */
type Undo = (() => void)[];

export async function fairnessBenchmark(): Promise<BenchRow[]> {
  const undo: Undo = [];
  const undoAll = (): void => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) step();
  };
  const onSignal = (): void => {
    undoAll();
    process.exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  try {
    const disk = prepare(undo);
    const rows: BenchRow[] = [];
    for (const outstanding of OUTSTANDING) rows.push(...(await compare(disk, outstanding, undo)));
    return rows;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, onSignal);
    undoAll();
  }
}

interface Disk {
  readonly folder: string;
  readonly device: string;
  readonly schedulerFile: string;
  readonly cgroups: string;
}

function prepare(undo: Undo): Disk {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-fairness-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'disk');
  fill(file);
  const device = run('losetup', '--find', '--show', '--direct-io=on', file);
  undo.push(() => run('losetup', '--detach', device));
  const schedulerFile = path.join('/sys/block', path.basename(device), 'queue/scheduler');
  const found = readFileSync(schedulerFile, 'utf8');
  if (!found.includes('bfq')) throw new Error(`this kernel has no BFQ to compare with: ${found.trim()}`);
  const before = /\[(.+)\]/.exec(found)![1]!;
  undo.push(() => writeFileSync(schedulerFile, before));
  return { folder, device, schedulerFile, cgroups: blkioCgroups(folder, undo) };
}

/** Where cgroup v1's blkio is mounted; it is mounted for the run where it is not. */
function blkioCgroups(folder: string, undo: Undo): string {
  const mounted = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type, options = '']) => type === 'cgroup' && options.split(',').includes('blkio'));
  if (mounted !== undefined) return mounted[1]!;
  const at = path.join(folder, 'blkio');
  mkdirSync(at);
  run('mount', '-t', 'cgroup', '-o', 'blkio', 'sluice-fairness', at);
  undo.push(() => run('umount', at));
  return at;
}

/** Medians of runs one after the other, who goes first in turn; one run of ours goes ahead, uncounted, so that its code is warm. */
async function compare(disk: Disk, outstanding: number, undo: Undo): Promise<BenchRow[]> {
  const ours: Run[] = [];
  const theirs: Run[] = [];
  const service = await serve(disk, undo);
  const throughService = (): Promise<Run> => {
    writeFileSync(disk.schedulerFile, 'none');
    return fios(outstanding, undo, (weight) => ({
      command: [],
      engine: ['--ioengine=nbd', `--uri=nbd+unix:///disk0@${tagOf(weight)}?socket=${service.socket}`],
    }));
  };
  await throughService();
  for (let pair = 0; pair < PAIRS; pair++) {
    if (pair % 2 === 0) ours.push(await throughService());
    theirs.push(await underBfq(disk, outstanding, undo));
    if (pair % 2 === 1) ours.push(await throughService());
  }
  await service.stop();
  const row = (name: string, unit: string, of: (each: Run) => number): BenchRow => ({
    name: `${String(outstanding)} outstanding: ${name}`,
    value: median(ours.map(of)),
    unit,
    peer: PEER,
    peerValue: median(theirs.map(of)),
    ratio: median(ours.map((each, i) => of(each) / of(theirs[i]!))),
  });
  return [
    row('largest share error', '%', ({ shareError }) => shareError * 100),
    row('total', 'reads a second', ({ totalPerS }) => totalPerS),
    row('p99, 1 share', 'ms', ({ p99MsLeast }) => p99MsLeast),
    row('p99, 5 shares', 'ms', ({ p99MsMost }) => p99MsMost),
  ];
}

interface Service {
  readonly socket: string;
  stop(): Promise<void>;
}

async function serve(disk: Disk, undo: Undo): Promise<Service> {
  const socket = path.join(disk.folder, 'nbd');
  const config = path.join(disk.folder, 'sluice.yaml');
  const ready = path.join(disk.folder, 'ready');
  const policies = WEIGHTS.map((weight) => ({ device: 'disk0', tag: tagOf(weight), shares: weight * 100 }));
  const listen = { grpc: '127.0.0.1:0', http: '127.0.0.1:0', nbd: `unix:${socket}` };
  const bindings = { disk: { type: 'file', path: disk.device } };
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({ listen, bindings, devices: { disk0: { binding: 'disk', depth: DEPTH } }, policies }),
  );
  rmSync(ready, { force: true });
  const service = spawn(process.execPath, [SLUICE, 'serve', '--config', config, '--ready-file', ready], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...withoutSluice(), SLUICE_LOG_LEVEL: 'error' },
  });
  undo.push(() => service.kill('SIGKILL'));
  while (!existsSync(ready)) {
    if (service.exitCode !== null) throw new Error(`the service ended with ${String(service.exitCode)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    socket,
    stop: async () => {
      service.kill('SIGTERM');
      await ended(service);
      undo.pop();
    },
  };
}

async function underBfq(disk: Disk, outstanding: number, undo: Undo): Promise<Run> {
  writeFileSync(disk.schedulerFile, 'bfq');
  const groups = WEIGHTS.map((weight) => {
    const group = path.join(disk.cgroups, `sluice-fairness-${String(weight)}`);
    mkdirSync(group);
    undo.push(() => rmdirSync(group));
    writeFileSync(path.join(group, 'blkio.bfq.weight'), String(weight * 100));
    return group;
  });
  const run = await fios(outstanding, undo, (weight) => ({
    // In its cgroup before it does anything.
    command: ['sh', '-c', 'echo $$ > "$0/tasks" && exec "$@"', groups[WEIGHTS.indexOf(weight)]!],
    engine: ['--ioengine=libaio', `--filename=${disk.device}`, '--direct=1'],
  }));
  for (const group of groups) {
    rmdirSync(group);
    undo.pop();
  }
  writeFileSync(disk.schedulerFile, 'none');
  return run;
}

interface Client {
  /** What starts fio, and which way it takes to the disk. */
  readonly command: readonly string[];
  readonly engine: readonly string[];
}

/**
 * All clients at once, each counted by fio over seconds of its own: whoever ends last has the disk to itself
 * for a moment, which adds a few per cent to a client of few shares, on either side.
 */
async function fios(outstanding: number, undo: Undo, clientOf: (weight: number) => Client): Promise<Run> {
  const children: ChildProcess[] = [];
  undo.push(() => children.forEach((child) => child.kill('SIGKILL')));
  const found = await Promise.all(
    WEIGHTS.map(async (weight) => {
      const { command, engine } = clientOf(weight);
      const [program, ...args] = [
        ...[...command, 'fio', '--name=client', ...engine, '--rw=randread', '--bs=4k', '--norandommap'],
        ...[`--iodepth=${String(outstanding)}`, `--size=${String(FILE_BYTES)}`, '--randrepeat=0', '--time_based=1'],
        ...[`--runtime=${String(SECONDS)}`, `--ramp_time=${String(RAMP_SECONDS)}`, '--output-format=json'],
      ] as [string, ...string[]];
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      if ((await ended(child)) !== 0) throw new Error(`fio failed: ${printed}`);
      const report = JSON.parse(printed.slice(printed.indexOf('{'))) as Report;
      const { read } = report.jobs[0]!;
      return { perS: read.iops, p99Ms: read.clat_ns.percentile['99.000000'] / NS_PER_MS };
    }),
  );
  undo.pop();
  const totalPerS = found.reduce((sum, { perS }) => sum + perS, 0);
  const shares = WEIGHTS.reduce((sum, weight) => sum + weight, 0);
  const errors = found.map(({ perS }, i) => Math.abs(perS / totalPerS / (WEIGHTS[i]! / shares) - 1));
  const [p99MsLeast, p99MsMost] = [found[0]!.p99Ms, found.at(-1)!.p99Ms];
  return { shareError: Math.max(...errors), totalPerS, p99MsLeast, p99MsMost };
}

interface Report {
  readonly jobs: readonly {
    readonly read: { readonly iops: number; readonly clat_ns: { readonly percentile: Record<'99.000000', number> } };
  }[];
}

function tagOf(weight: number): string {
  return `shares-${String(weight)}`;
}

function withoutSluice(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('SLUICE_')));
}

/** The exit code, when all that it printed has been read. */
function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** Written throughout: a hole is read without asking the disk. */
function fill(file: string): void {
  const fd = openSync(file, 'wx');
  const chunk = Buffer.alloc(MIB, 0xa5);
  for (let at = 0; at < FILE_BYTES; at += chunk.length) writeSync(fd, chunk, 0, chunk.length, at);
  fsyncSync(fd);
  closeSync(fd);
}
