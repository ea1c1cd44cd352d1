import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { RealClock } from '../../src/clock/real.js';
import { VirtualClock } from '../../src/clock/virtual.js';
import type { SimulationKind } from '../../src/core/model/device.js';
import { KIB, MIB } from '../../src/core/model/units.js';
import { makeSimulation } from '../../src/devices/factory.js';
import { openFileDevice } from '../../src/devices/file/open.js';
import { FaultyDevice } from '../../src/devices/filters/fault.js';
import { SeededRng } from '../../src/core/rng.js';
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

deviceConformance(
  'file',
  async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-device-'));
    const clock = new RealClock();
    const device = await openFileDevice({ path: path.join(folder, 'disk'), create: true, sizeBytes: 64 * MIB }, clock);
    return {
      device,
      clock,
      settle: () => undefined,
      dispose: () => rm(folder, { recursive: true, force: true }),
    };
  },
  { keepsData: true, trim: 'unsupported', runs: 15 },
);
