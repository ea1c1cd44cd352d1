/** Whatever a server does to its connections and its cache, what is read is what was written last. */
import { describe, expect, test } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import { OPS, OP_NAMES, type Op } from '../../../src/core/model/request.js';
import { SeededRng } from '../../../src/core/rng.js';
import { CheckedDevice } from '../../../src/devices/filters/checked.js';
import { openNbdDevice } from '../../../src/devices/nbd/open.js';
import { ioOf } from '../../conformance/device-suite.js';
import { BrokenServer, type Misdeeds } from '../../support/broken-nbd-server.js';

const BLOCK = 512;
const BLOCKS = 24;
const OUT = 6;
const SEEDS = process.env['SLUICE_LONG'] === '1' ? 300 : 12;
const STEPS = 150;

class History {
  readonly rng: SeededRng;
  readonly model = Buffer.alloc(BLOCKS * BLOCK);
  /** Blocks that a request is out on: one at a time each, so that what is read is known. */
  readonly busy = new Set<number>();
  readonly clock = new RealClock();
  readonly name: string;
  left = STEPS;
  fill = 0;

  constructor(seed: number, kind: string) {
    this.rng = new SeededRng(seed);
    this.name = `${kind}, seed ${String(seed)}`;
  }

  /** One request after the other until all have been made. */
  async lane(device: CheckedDevice): Promise<void> {
    while (this.left > 0) {
      this.left -= 1;
      const at = this.rng.below(BLOCKS - 3);
      const blocks = Array.from({ length: 1 + this.rng.below(3) }, (_, i) => at + i);
      if (blocks.some((block) => this.busy.has(block))) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      for (const block of blocks) this.busy.add(block);
      await this.#step(device, at, blocks.length);
      for (const block of blocks) this.busy.delete(block);
    }
  }

  async #step(device: CheckedDevice, at: number, blocks: number): Promise<void> {
    const ops = [OPS.READ, OPS.READ, OPS.WRITE, OPS.WRITE, OPS.WRITE, OPS.WRITE_ZEROES, OPS.TRIM, OPS.FLUSH] as const;
    const op: Op = ops[this.rng.below(ops.length)]!;
    const part = this.model.subarray(at * BLOCK, (at + blocks) * BLOCK);
    const data = op === OPS.WRITE ? Buffer.alloc(part.length, (this.fill = (this.fill % 250) + 1)) : null;
    const flush = op === OPS.FLUSH;
    const io = ioOf(op, flush ? 0 : at * BLOCK, flush ? 0 : part.length, this.clock.nowNs(), data);
    io.fua = this.rng.below(4) === 0;
    const code = await new Promise((resolve) => device.submit(io, (_io, ended) => resolve(ended)));
    expect(code, `${this.name}: ${OP_NAMES[op]}`).toBe('OK');
    if (op === OPS.READ) {
      expect([...new Set(io.data)], `${this.name}: read at block ${String(at)}`).toEqual([...new Set(part)]);
      expect(part.equals(io.data!)).toBe(true);
    } else if (data !== null) part.set(data);
    else if (!flush) part.fill(0);
  }
}

async function run(kind: string, misdeeds: Misdeeds, seed: number, connections: number): Promise<void> {
  const sizeBytes = BLOCKS * BLOCK;
  const structured = seed % 2 === 0;
  await using server = await BrokenServer.start({ sizeBytes, seed, misdeeds, structured, delayMs: 3, lateMs: 80 });
  const history = new History(seed, kind);
  // A request takes 83 ms there at most: what is out on a lost connection is over within the fence.
  const spec = { uri: server.uri, connections, fenceMs: 120, reconnectMsMax: 20 };
  const device = new CheckedDevice(await openNbdDevice(spec, history.clock));
  await Promise.all(Array.from({ length: OUT }, () => history.lane(device)));
  server.misdeeds = {};
  const flush = ioOf(OPS.FLUSH, 0, 0, history.clock.nowNs());
  expect(await new Promise((resolve) => device.submit(flush, (_io, code) => resolve(code)))).toBe('OK');
  expect(server.durable.equals(history.model), `${history.name}: what is durable in the end`).toBe(true);
  await device.close();
}

describe('an nbd device on a server that', () => {
  const kinds: Record<string, Misdeeds> = {
    'cuts connections': { cut: 0.03 },
    'dies and forgets what was not flushed': { die: 0.03 },
    'does everything wrong': { cut: 0.01, die: 0.01, tear: 0.01, garbage: 0.01, shutdown: 0.01 },
  };
  test.each(Object.keys(kinds))(
    '%s',
    async (kind) => {
      const seeds = Array.from({ length: SEEDS }, (_, i) => i + 1);
      await Promise.all(seeds.map((seed) => run(kind, kinds[kind]!, seed, 1 + (seed % 3))));
    },
    600_000,
  );
});
