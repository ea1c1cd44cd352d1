/**
 * 4 KiB random direct reads at depth 32 of one file, beside fio with libaio on the same file in the
 * same run: of the file device alone, and of the whole service behind the doors, scheduling and usage
 * on; each through io_uring, which is what the device takes where it can, and on libuv's threads, as many
 * as bin/sluice.cjs sets. Also on what libuv itself does with io_uring, which takes part only where
 * UV_USE_IO_URING=1 was in the environment before the process began. Each round in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { assemble } from '../src/app/assemble.js';
import { RealClock } from '../src/clock/real.js';
import { DEFAULT_SETTINGS } from '../src/core/model/device.js';
import { OPS, type DeviceIo } from '../src/core/model/request.js';
import { KIB, MIB, NS_PER_S } from '../src/core/model/units.js';
import { PendingIo } from '../src/core/pending-io.js';
import type { Logger } from '../src/core/ports.js';
import { SeededRng } from '../src/core/rng.js';
import { makeDeviceFactory } from '../src/devices/factory.js';
import { median, type BenchRow } from './report.js';

const IO_BYTES = 4 * KIB;
const DEPTH = 32;
const FILE_BYTES = 256 * MIB;
const SECONDS = 1.5;
/** Not counted: code is compiled and memory touched for the first time. */
const WARM_SECONDS = 0.5;
const PAIRS = 5;
const THREADS = '16';
const PEER = 'fio libaio';

type Engine = 'ring' | 'threads';
type What = 'device' | 'service';
interface Subject {
  readonly name: string;
  readonly what: What;
  readonly engine: Engine;
  readonly libuvRing?: true;
}
const SUBJECTS: readonly Subject[] = [
  { name: `file device, direct 4 KiB random reads, depth ${String(DEPTH)}`, what: 'device', engine: 'ring' },
  { name: 'file device, threads', what: 'device', engine: 'threads' },
  { name: 'file device, threads and UV_USE_IO_URING=1', what: 'device', engine: 'threads', libuvRing: true },
  { name: 'dispatcher and file device, 4 tags', what: 'service', engine: 'ring' },
  { name: 'dispatcher and file device, threads', what: 'service', engine: 'threads' },
];

/** Reads a second over SECONDS; `start` sends one, `send` is called with when it may send the next. */
function closedLoop(start: (offset: number, atNs: number, again: (error: string | null) => void) => void) {
  const clock = new RealClock();
  const rng = new SeededRng(1);
  const blocks = FILE_BYTES / IO_BYTES;
  const bornNs = clock.nowNs();
  const startNs = bornNs + WARM_SECONDS * NS_PER_S;
  const untilNs = startNs + SECONDS * NS_PER_S;
  let ended = 0;
  let out = 0;
  return new Promise<number>((resolve, reject) => {
    const again = (error: string | null): void => {
      out -= 1;
      const nowNs = clock.nowNs();
      if (nowNs >= startNs) ended += 1;
      if (error !== null) reject(new Error(error));
      else if (nowNs < untilNs) send(nowNs);
      else if (out === 0) resolve((ended / (nowNs - startNs)) * NS_PER_S);
    };
    const send = (nowNs: number): void => {
      out += 1;
      start(rng.below(blocks) * IO_BYTES, nowNs, again);
    };
    for (let i = 0; i < DEPTH; i++) send(bornNs);
  });
}

async function readDevice(file: string, engine: Engine): Promise<number> {
  const factory = makeDeviceFactory({ disk: { type: 'file', path: file, direct: true, engine } }, new RealClock());
  const device = await factory.open('disk0', { binding: 'disk' });
  const perS = await closedLoop((offset, atNs, again) => {
    const io: DeviceIo = {
      op: OPS.READ,
      offset,
      lengthBytes: IO_BYTES,
      fua: false,
      data: null,
      submittedNs: atNs,
      finishedNs: -1,
    };
    device.submit(io, (_io, code, message) => again(code === 'OK' ? null : message));
  });
  await device.close();
  return perS;
}

async function readService(file: string, engine: Engine): Promise<number> {
  const quiet: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const clock = new RealClock();
  const service = await assemble({
    clock,
    logger: quiet,
    factory: makeDeviceFactory({ disk: { type: 'file', path: file, direct: true, engine } }, clock),
    devices: [{ name: 'disk0', target: { binding: 'disk' }, settings: { ...DEFAULT_SETTINGS, depth: DEPTH } }],
    policies: [],
  });
  const device = service.host.get('disk0')!;
  let sent = 0;
  const perS = await closedLoop((offset, _atNs, again) => {
    const completed = (io: PendingIo): void => again(io.code === 'OK' ? null : io.message);
    const io = new PendingIo(OPS.READ, offset, IO_BYTES, null, false, 0, sent, 0, { completed });
    device.submit(io, `tag${String(sent++ % 4)}`);
  });
  await service.close();
  return perS;
}

const READERS: Record<What, (file: string, engine: Engine) => Promise<number>> = {
  device: readDevice,
  service: readService,
};

function ours({ what, engine, libuvRing }: Subject, file: string): number {
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), what, engine, file], {
    encoding: 'utf8',
    env: { ...process.env, UV_THREADPOOL_SIZE: THREADS, UV_USE_IO_URING: libuvRing === true ? '1' : '0' },
  });
  if (child.status !== 0) throw new Error(`the measuring process failed: ${child.stderr}`);
  return Number(child.stdout);
}

/** null where there is no fio. */
function fio(file: string): number | null {
  const child = spawnSync(
    'fio',
    [
      ['--name=peer', `--filename=${file}`, '--rw=randread', `--bs=${String(IO_BYTES)}`, '--direct=1'],
      ['--ioengine=libaio', `--iodepth=${String(DEPTH)}`, '--norandommap', '--time_based'],
      [`--runtime=${String(SECONDS)}s`, '--output-format=json'],
    ].flat(),
    { encoding: 'utf8', cwd: path.dirname(file) },
  );
  if (child.error !== undefined) return null;
  if (child.status !== 0) throw new Error(`fio failed: ${child.stderr}`);
  const report = JSON.parse(child.stdout) as { jobs: { read: { iops: number } }[] };
  return report.jobs[0]!.read.iops;
}

/** Written throughout: a hole is read without asking the disk. */
function fill(file: string): void {
  const fd = openSync(file, 'wx');
  const chunk = Buffer.alloc(MIB, 0xa5);
  for (let at = 0; at < FILE_BYTES; at += chunk.length) writeSync(fd, chunk, 0, chunk.length, at);
  fsyncSync(fd);
  closeSync(fd);
}

function medianOf(name: string, rates: readonly number[], peers: readonly number[]): BenchRow {
  const found = { name, value: median(rates), unit: 'reads a second' };
  if (peers.length === 0) return { ...found, peer: null, peerValue: null, ratio: null };
  const ratio = median(rates.map((rate, i) => rate / peers[i]!));
  return { ...found, peer: PEER, peerValue: median(peers), ratio };
}

export function fileBenchmark(): BenchRow[] {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-bench-'));
  try {
    const file = path.join(folder, 'disk');
    fill(file);
    // The first round of fio warms the disk up, and tells whether there is one.
    const hasFio = fio(file) !== null;
    if (!hasFio) process.stderr.write('fio is absent: there is no peer to hold the file device against\n');
    const rates = SUBJECTS.map((): number[] => []);
    const peers: number[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      const peerFirst = pair % 2 === 0;
      if (hasFio && peerFirst) peers.push(fio(file)!);
      for (const [i, subject] of SUBJECTS.entries()) rates[i]!.push(ours(subject, file));
      if (hasFio && !peerFirst) peers.push(fio(file)!);
    }
    return SUBJECTS.map(({ name }, i) => medianOf(name, rates[i]!, peers));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , what, engine, file] = process.argv as [string, string, What, Engine, string];
  process.stdout.write(`${String(await READERS[what](file, engine))}\n`);
}
