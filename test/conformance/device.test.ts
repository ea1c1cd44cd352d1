import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { RealClock } from '../../src/clock/real.js';
import { VirtualClock } from '../../src/clock/virtual.js';
import { HddModel } from '../../src/core/media/hdd.js';
import { SsdModel } from '../../src/core/media/ssd.js';
import type { SimulationKind } from '../../src/core/model/device.js';
import { KIB, MIB } from '../../src/core/model/units.js';
import { makeSimulation } from '../../src/devices/factory.js';
import { openFileDevice } from '../../src/devices/file/open.js';
import { DelayDevice } from '../../src/devices/filters/delay.js';
import { FaultyDevice } from '../../src/devices/filters/fault.js';
import { SeededRng } from '../../src/core/rng.js';
import { takesDirect, takesRing } from '../integration/devices/perform.js';
import { LoopDevice, canLoop } from '../support/loop.js';
import { deviceConformance, type DeviceUnderTest } from './device-suite.js';

function simulated(kind: SimulationKind, blockBytes: number): Promise<DeviceUnderTest> {
  const clock = new VirtualClock();
  const device = makeSimulation({ kind, sizeBytes: 64 * MIB, blockBytes, seed: 3, memoryBytesMax: 64 * MIB }, clock);
  return Promise.resolve({ device, clock, settle: () => clock.run(), dispose: () => Promise.resolve() });
}

deviceConformance('null', () => simulated('null', 512), { keepsData: false, trim: 'zeros', runs: 100 });
deviceConformance('sim:hdd', () => simulated('hdd', 512), { keepsData: true, trim: 'zeros', runs: 200 });
deviceConformance('sim:ssd', () => simulated('ssd', 512), { keepsData: true, trim: 'zeros', runs: 200 });
deviceConformance('sim:ssd, blocks of 8 KiB', () => simulated('ssd', 8 * KIB), {
  keepsData: true,
  trim: 'zeros',
  runs: 50,
});

deviceConformance(
  'a filter that delays some of sim:ssd',
  async () => {
    const made = await simulated('ssd', 512);
    const faults = { lateRate: 0.3, lateNs: 1_000_000 };
    return { ...made, device: new FaultyDevice(made.device, made.clock, new SeededRng(1), faults) };
  },
  { keepsData: true, trim: 'zeros', runs: 50 },
);

for (const kind of ['hdd', 'ssd'] as const) {
  // Both ways about: the medium is the slower one, the device inside is.
  for (const inner of ['null', 'ssd', 'hdd'] as const) {
    const delayed = async (): Promise<DeviceUnderTest> => {
      const made = await simulated(inner, 512);
      const medium = kind === 'hdd' ? new HddModel(64 * MIB, new SeededRng(1)) : new SsdModel();
      return { ...made, device: new DelayDevice(made.device, made.clock, medium) };
    };
    deviceConformance(`sim:${inner} with the times of the ${kind}`, delayed, {
      keepsData: inner !== 'null',
      trim: 'zeros',
      runs: 30,
    });
  }
}

async function file(direct: boolean, engine?: 'ring' | 'threads'): Promise<DeviceUnderTest> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-device-'));
  const clock = new RealClock();
  const spec = { path: path.join(folder, 'disk'), create: true, sizeBytes: 64 * MIB, direct };
  const device = await openFileDevice(engine === undefined ? spec : { ...spec, engine }, clock);
  return { device, clock, settle: () => undefined, dispose: () => rm(folder, { recursive: true, force: true }) };
}

const onDisk = { keepsData: true, trim: 'unsupported', runs: 15 } as const;
deviceConformance('file', () => file(false), onDisk);
if (takesDirect) deviceConformance('file, direct', () => file(true, 'threads'), onDisk);
if (takesRing) deviceConformance('file, direct, io_uring', () => file(true, 'ring'), onDisk);

async function loop(...options: readonly string[]): Promise<DeviceUnderTest> {
  const made = new LoopDevice(64 * MIB, ...options);
  const clock = new RealClock();
  const device = await openFileDevice({ path: made.path }, clock);
  const dispose = (): Promise<void> => {
    made[Symbol.dispose]();
    return Promise.resolve();
  };
  return { device, clock, settle: () => undefined, dispose };
}

if (canLoop) {
  deviceConformance('block device', () => loop(), onDisk);
  deviceConformance('block device, blocks of 4 KiB', () => loop('--sector-size', '4096'), onDisk);
}
