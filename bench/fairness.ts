/**
 * Shares on a real disk: a loop device over a file with direct I/O, five fio clients with weights 1 to 5, each
 * 4 KiB random reads with 1 and with 16 outstanding. Over NBD through the service with those shares, and in the
 * same run
 *
 *   BFQ       straight on the same loop device, under the kernel's BFQ with those weights (cgroup v1,
 *             blkio.bfq.weight): what the service is held against;
 *   qemu-nbd  over NBD through QEMU's server, in C and without shares: what NBD alone costs.
 *
 * The server, its clients and the loop device's own thread share the cores, as the clients and BFQ do.
 *
 * The service's depth is 16. Of that a client of 5/15 of the shares is owed a third, 5 of its 16; were the
 * depth that of all clients together, nobody would wait here and nothing would be scheduled. Where cores are
 * scarcer than the disk, a client that does not get to run has nothing waiting, and shares of the cores show
 * instead of shares of the disk, on any side: run it on a machine that does nothing else.
 *
 * Needs root, for the loop device and the cgroups. Puts back what it finds, however it ends.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MIB } from '../src/core/model/units.js';
import { ended, oweEnd, run, start } from '../src/experiments/real/commands.js';
import { onBlockDevice, overNbd, runFio, type FioOptions } from '../src/experiments/real/fio.js';
import { Janitor, quote } from '../src/experiments/real/janitor.js';
import { attachLoop, useScheduler } from '../src/experiments/real/loop-device.js';
import { ServiceProcess } from '../src/experiments/real/service-process.js';
import { median, type BenchRow } from './report.js';

const WEIGHTS = [1, 2, 3, 4, 5];
const WEIGHTS_SUM = 15;
const OUTSTANDING = [1, 16];
const DEPTH = 16;
const FILE_BYTES = 512 * MIB;
const TIMES = { seconds: 6, rampSeconds: 1 };
const ROUNDS = 3;
const POLL_MS = 20;
const DEVICE = 'disk0';

/** What one run of five clients gives. */
interface Run {
  /** Of a client's part of the total from its part of the weights, the largest, relative. */
  readonly shareError: number;
  readonly totalPerS: number;
  /** Of the client with the least and with the most shares. */
  readonly p99MsLeast: number;
  readonly p99MsMost: number;
}

/** The disk, its clients' cgroups and whoever undoes them. */
interface Bench {
  readonly janitor: Janitor;
  readonly folder: string;
  readonly device: string;
}

/** Where a run goes: it is measured between what it sets up and what the janitor undoes. */
type Side = (bench: Bench, outstanding: number) => Promise<Run>;

export async function fairnessBenchmark(): Promise<BenchRow[]> {
  const janitor = new Janitor();
  try {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-fairness-'));
    janitor.owe(`rm -rf --one-file-system ${quote(folder)}`);
    const file = path.join(folder, 'disk');
    fill(file);
    const bench = { janitor, folder, device: attachLoop(janitor, file) };
    makeCgroups(bench);
    const service = await throughService(bench);
    const rows: BenchRow[] = [];
    for (const outstanding of OUTSTANDING) rows.push(...(await compare(bench, service, outstanding)));
    return rows;
  } finally {
    await janitor.close();
  }
}

/** Medians of rounds, who goes first in turn; one run of ours goes ahead, uncounted, so that its code is warm. */
async function compare(bench: Bench, service: Side, outstanding: number): Promise<BenchRow[]> {
  const sides: [Run[], Side][] = [
    [[], service],
    [[], underBfq],
    [[], overNbdAlone],
  ];
  await service(bench, outstanding);
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const [runs, side] = sides[(round + turn) % sides.length]!;
      runs.push(await side(bench, outstanding));
    }
  }
  const [ours, bfq, nbdAlone] = sides.map(([runs]) => runs) as [Run[], Run[], Run[]];
  const row = (name: string, unit: string, peer: string, theirs: Run[], of: (each: Run) => number): BenchRow => ({
    name: `${String(outstanding)} outstanding: ${name}`,
    value: median(ours.map(of)),
    unit,
    peer,
    peerValue: median(theirs.map(of)),
    ratio: median(ours.map((each, i) => of(each) / of(theirs[i]!))),
  });
  const total = ({ totalPerS }: Run): number => totalPerS;
  return [
    row('largest share error', '%', 'BFQ', bfq, ({ shareError }) => shareError * 100),
    row('total', 'reads a second', 'BFQ', bfq, total),
    row('total', 'reads a second', 'qemu-nbd, no shares', nbdAlone, total),
    row('p99, 1 share', 'ms', 'BFQ', bfq, ({ p99MsLeast }) => p99MsLeast),
    row('p99, 5 shares', 'ms', 'BFQ', bfq, ({ p99MsMost }) => p99MsMost),
  ];
}

/** A service for all its runs. */
async function throughService({ janitor, folder, device }: Bench): Promise<Side> {
  const socket = path.join(mkdtempSync(path.join(folder, 'service-')), 'nbd');
  const config = {
    listen: { nbd: `unix:${socket}` },
    bindings: { disk: { type: 'file', path: device } },
    devices: { [DEVICE]: { binding: 'disk', depth: DEPTH } },
    policies: WEIGHTS.map((weight) => ({ device: DEVICE, tag: nameOf(weight), shares: weight * 100 })),
  };
  const started = (pid: number): void => oweEnd(janitor, pid);
  // JSON is YAML.
  await ServiceProcess.start(JSON.stringify(config), [], { folder: path.dirname(socket), started });
  return (bench, outstanding) => fios(bench, outstanding, (weight) => overNbd(socket, DEVICE, nameOf(weight)));
}

async function underBfq(bench: Bench, outstanding: number): Promise<Run> {
  const { janitor, device } = bench;
  const from = janitor.owed;
  useScheduler(janitor, device, 'bfq');
  const clients = await fios(bench, outstanding, (weight) => ({
    ...onBlockDevice(device),
    cgroup: nameOf(weight),
    cgroup_nodelete: 1,
  }));
  await janitor.undoTo(from);
  return clients;
}

async function overNbdAlone(bench: Bench, outstanding: number): Promise<Run> {
  const { janitor, folder, device } = bench;
  const from = janitor.owed;
  const socket = path.join(folder, 'qemu-nbd');
  const clients = String(WEIGHTS.length);
  const direct = ['--format=raw', '--cache=none', '--aio=native'];
  const server = start(janitor, 'inherit', 'qemu-nbd', ...direct, '-t', '-e', clients, '-k', socket, device);
  janitor.owe(`rm -f ${quote(socket)}`);
  while (!existsSync(socket)) {
    if (server.pid === undefined || server.exitCode !== null) throw new Error('qemu-nbd did not start');
    await sleep(POLL_MS);
  }
  const measured = await fios(bench, outstanding, () => ({ ioengine: 'nbd', uri: `nbd+unix:///?socket=${socket}` }));
  const gone = ended(server);
  await janitor.undoTo(from);
  await gone;
  return measured;
}

/** All clients at once. @param wayOf how the client of a weight reaches the disk */
async function fios(
  { janitor, folder }: Bench,
  outstanding: number,
  wayOf: (weight: number) => FioOptions,
): Promise<Run> {
  const common = { rw: 'randread', bs: '4k', norandommap: 1, iodepth: outstanding, size: FILE_BYTES, randrepeat: 0 };
  const jobs = WEIGHTS.map((weight) => ({ name: nameOf(weight), options: wayOf(weight) }));
  // Logs are appended to.
  const counts = await runFio(janitor, mkdtempSync(path.join(folder, 'run-')), TIMES, common, jobs);
  const found = WEIGHTS.map((weight) => counts.get(nameOf(weight))!);
  const totalPerS = found.reduce((sum, { iosPerS }) => sum + iosPerS, 0);
  const errors = found.map(({ iosPerS }, i) => Math.abs(iosPerS / totalPerS / (WEIGHTS[i]! / WEIGHTS_SUM) - 1));
  return { shareError: Math.max(...errors), totalPerS, p99MsLeast: found[0]!.p99Ms, p99MsMost: found.at(-1)!.p99Ms };
}

/** A client's tag, its job and its cgroup. */
function nameOf(weight: number): string {
  return `sluice-shares-${String(weight)}`;
}

/** One a client, of its weight, where cgroup v1's blkio is mounted; it is mounted for the run where it is not. */
function makeCgroups({ janitor, folder }: Bench): void {
  let root = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type, options = '']) => type === 'cgroup' && options.split(',').includes('blkio'))?.[1];
  if (root === undefined) {
    root = path.join(folder, 'blkio');
    mkdirSync(root);
    janitor.owe(`umount ${quote(root)}`);
    run('mount', '-t', 'cgroup', '-o', 'blkio', 'sluice-fairness', root);
  }
  for (const weight of WEIGHTS) {
    const group = path.join(root, nameOf(weight));
    janitor.owe(`rmdir ${quote(group)}`);
    mkdirSync(group);
    writeFileSync(path.join(group, 'blkio.bfq.weight'), String(weight * 100));
  }
}

/** Written throughout: a hole is read without asking the disk. */
function fill(file: string): void {
  const fd = openSync(file, 'wx');
  const chunk = Buffer.alloc(MIB, 0xa5);
  for (let at = 0; at < FILE_BYTES; at += chunk.length) writeSync(fd, chunk, 0, chunk.length, at);
  fsyncSync(fd);
  closeSync(fd);
}
