import { describe, expect, it } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import type { SimulationKind } from '../../../src/core/model/device.js';
import { OPS, type Op } from '../../../src/core/model/request.js';
import { GIB, KIB, NS_PER_S } from '../../../src/core/model/units.js';
import { SeededRng } from '../../../src/core/rng.js';
import { makeSimulation } from '../../../src/devices/factory.js';
import { ioOf } from '../../conformance/device-suite.js';

/** Ends a second of model time, in requests, under a backlog of `depth` on the real clock; nothing here depends on how late timers are. */
async function iops(kind: SimulationKind, op: Op, depth: number, warmUp: number, count: number): Promise<number> {
  const sizeBytes = 4 * GIB;
  const clock = new RealClock();
  const device = makeSimulation({ kind, sizeBytes, blockBytes: 512, seed: 1, memoryBytesMax: GIB }, clock);
  const rng = new SeededRng(1);
  const data = op === OPS.WRITE ? Buffer.alloc(4 * KIB) : null;
  let ended = 0;
  let fromNs = 0;
  let toNs = 0;
  await new Promise<void>((resolve) => {
    const send = (atNs: number): void =>
      device.submit(ioOf(op, rng.below(sizeBytes / (4 * KIB)) * 4 * KIB, 4 * KIB, atNs, data), (io) => {
        ended += 1;
        expect(io.finishedNs).toBeLessThanOrEqual(clock.nowNs());
        if (ended === warmUp) fromNs = io.finishedNs;
        if (ended === warmUp + count) {
          toNs = io.finishedNs;
          resolve();
        } else if (ended + depth <= warmUp + count) send(io.finishedNs);
      });
    const startNs = clock.nowNs();
    for (let i = 0; i < depth; i++) send(startNs);
  });
  await device.close();
  return (count / (toNs - fromNs)) * NS_PER_S;
}

describe('simulated devices on the real clock', () => {
  it('SSD: 35,000 reads and 85,000 writes a second at depth 32, within 2 %', async () => {
    const reads = await iops('ssd', OPS.READ, 32, 500, 10_000);
    expect(Math.abs(reads / 35_000 - 1)).toBeLessThan(0.02);
    const writes = await iops('ssd', OPS.WRITE, 32, 10_000, 30_000);
    expect(Math.abs(writes / 85_000 - 1)).toBeLessThan(0.02);
  });

  it('HDD: as many as a 7200 rpm disk serves', async () => {
    const reads = await iops('hdd', OPS.READ, 4, 5, 40);
    expect(reads).toBeGreaterThan(75);
    expect(reads).toBeLessThan(160);
  });
});
