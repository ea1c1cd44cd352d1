/** How fast simulated devices run, and what the file device costs over bare fs.read. */
import * as fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { RealClock } from '../src/clock/real.js';
import { VirtualClock } from '../src/clock/virtual.js';
import type { SimulationKind } from '../src/core/model/device.js';
import { OPS, type DeviceIo, type Op } from '../src/core/model/request.js';
import { GIB, KIB, MIB, NS_PER_S } from '../src/core/model/units.js';
import type { BlockDevice, Clock } from '../src/core/ports.js';
import { SeededRng } from '../src/core/rng.js';
import { makeSimulation } from '../src/devices/factory.js';
import { openFileDevice } from '../src/devices/file/open.js';
import { CheckedDevice } from '../src/devices/filters/checked.js';
import { median, row, type BenchRow } from './report.js';

const IO_BYTES = 4 * KIB;
const SIM_BYTES = 64 * GIB;
const DEPTH = 32;
const FILE_BYTES = 64 * MIB;
const FILE_READS = 20_000;
const PAIRS = 5;

/** A closed loop of `depth` random requests; resolves with the model time that `count` of them took. */
function closedLoop(device: BlockDevice, clock: Clock, op: Op, depth: number, count: number): Promise<number> {
  const rng = new SeededRng(1);
  const blocks = device.sizeBytes / IO_BYTES;
  const zeros = op === OPS.WRITE ? Buffer.alloc(IO_BYTES) : null;
  const startNs = clock.nowNs();
  let sent = 0;
  let ended = 0;
  return new Promise((resolve) => {
    const done = (io: DeviceIo): void => {
      ended += 1;
      if (ended === count) resolve(io.finishedNs - startNs);
      if (sent < count) send(io, io.finishedNs);
    };
    const send = (io: Writable, atNs: number): void => {
      sent += 1;
      io.offset = rng.below(blocks) * IO_BYTES;
      io.submittedNs = atNs;
      io.data = zeros;
      device.submit(io, done);
    };
    for (let i = 0; i < depth; i++) {
      send({ op, offset: 0, lengthBytes: IO_BYTES, fua: false, data: null, submittedNs: 0, finishedNs: 0 }, startNs);
    }
    if (clock instanceof VirtualClock) clock.run();
  });
}

type Writable = { -readonly [K in keyof DeviceIo]: DeviceIo[K] };

function simulated(kind: SimulationKind, clock: Clock): BlockDevice {
  const geometry = { sizeBytes: SIM_BYTES, blockBytes: 512, seed: 1, memoryBytesMax: GIB };
  return new CheckedDevice(makeSimulation({ kind, ...geometry }, clock));
}

/** Requests simulated in a second of the machine's time, and how much more model than machine time passed. */
async function virtualSpeed(kind: SimulationKind, op: Op, count: number): Promise<{ perS: number; timesReal: number }> {
  const perS: number[] = [];
  const timesReal: number[] = [];
  const wall = new RealClock();
  for (let i = 0; i < 3; i++) {
    const clock = new VirtualClock();
    const startNs = wall.nowNs();
    const modelNs = await closedLoop(simulated(kind, clock), clock, op, DEPTH, count);
    const wallNs = wall.nowNs() - startNs;
    perS.push((count / wallNs) * NS_PER_S);
    timesReal.push(modelNs / wallNs);
  }
  return { perS: median(perS), timesReal: median(timesReal) };
}

async function inRealTime(op: Op, count: number): Promise<number> {
  const clock = new RealClock();
  const startNs = clock.nowNs();
  await closedLoop(simulated('ssd', clock), clock, op, DEPTH, count);
  return (count / (clock.nowNs() - startNs)) * NS_PER_S;
}

/** The same reads with nothing around fs.read but a buffer each. */
function bareReads(fd: number, count: number): Promise<number> {
  const clock = new RealClock();
  const rng = new SeededRng(1);
  const blocks = FILE_BYTES / IO_BYTES;
  let sent = 0;
  let ended = 0;
  return new Promise((resolve, reject) => {
    const send = (): void => {
      sent += 1;
      fs.read(fd, Buffer.allocUnsafe(IO_BYTES), 0, IO_BYTES, rng.below(blocks) * IO_BYTES, done);
    };
    const done = (error: Error | null): void => {
      if (error !== null) {
        reject(error);
        return;
      }
      ended += 1;
      if (ended === count) resolve(clock.nowNs());
      if (sent < count) send();
    };
    for (let i = 0; i < DEPTH; i++) send();
  });
}

async function fileReads(): Promise<{ device: number; bare: number; ratio: number }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-bench-'));
  const clock = new RealClock();
  const file = path.join(folder, 'disk');
  const device = new CheckedDevice(await openFileDevice({ path: file, create: true, sizeBytes: FILE_BYTES }, clock));
  const fd = fs.openSync(file, 'r');
  try {
    fs.writeFileSync(file, Buffer.alloc(FILE_BYTES, 1), { flag: 'r+' });
    const ofDevice: number[] = [];
    const ofBare: number[] = [];
    const ratios: number[] = [];
    for (let pair = 0; pair <= PAIRS; pair++) {
      const deviceNs = await closedLoop(device, clock, OPS.READ, DEPTH, FILE_READS);
      const bareNs = await bareReads(fd, FILE_READS);
      // The first pair warms up.
      if (pair === 0) continue;
      ofDevice.push((FILE_READS / deviceNs) * NS_PER_S);
      ofBare.push((FILE_READS / bareNs) * NS_PER_S);
      ratios.push(bareNs / deviceNs);
    }
    return { device: median(ofDevice), bare: median(ofBare), ratio: median(ratios) };
  } finally {
    fs.closeSync(fd);
    await device.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export async function devicesBenchmark(): Promise<BenchRow[]> {
  const ssdReads = await virtualSpeed('ssd', OPS.READ, 500_000);
  const ssdWrites = await virtualSpeed('ssd', OPS.WRITE, 500_000);
  const hddReads = await virtualSpeed('hdd', OPS.READ, 50_000);
  const realReads = await inRealTime(OPS.READ, 35_000);
  const realWrites = await inRealTime(OPS.WRITE, 85_000);
  const file = await fileReads();
  const paper = (value: number, of: number) => ({ peer: 'the model', peerValue: of, ratio: value / of });
  return [
    row('simulated SSD, reads, virtual clock', ssdReads.perS, 'I/Os a second'),
    row('simulated SSD, writes, virtual clock', ssdWrites.perS, 'I/Os a second'),
    row('simulated HDD, depth 32, virtual clock', hddReads.timesReal, 'times real time'),
    { name: 'simulated SSD, reads, real clock', value: realReads, unit: 'I/Os a second', ...paper(realReads, 35_000) },
    {
      name: 'simulated SSD, writes, real clock',
      value: realWrites,
      unit: 'I/Os a second',
      ...paper(realWrites, 85_000),
    },
    {
      name: 'file, random 4 KiB reads, depth 32',
      value: file.device,
      unit: 'I/Os a second',
      peer: 'bare fs.read',
      peerValue: file.bare,
      ratio: file.ratio,
    },
  ];
}
