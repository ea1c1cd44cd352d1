/**
 * A client on a real host through a proxy that cuts its connection again and again: what is answered
 * is what the disk has, usage at the host tells that no write was executed twice, all is answered.
 */
import { describe, expect, it } from 'vitest';
import { SluiceClient, type Handle } from '../../../src/client/index.js';
import { KIB } from '../../../src/core/model/units.js';
import { SeededRng } from '../../../src/core/rng.js';
import { HostRig } from '../../integration/client/host-rig.js';
import { CuttingProxy } from './cutting-proxy.js';

const SEED = 7;
const BLOCKS = 48;
const ROUNDS = 60;
const BLOCK_BYTES = 4 * KIB;

/** What a block holds, byte after byte. */
interface Expected {
  value: number;
}

/** @returns how many writes it did */
async function work(disk: Handle, block: number, rng: SeededRng, expected: Expected): Promise<number> {
  let writes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    if (rng.below(2) === 0) {
      const data = await disk.read(block * BLOCK_BYTES, BLOCK_BYTES);
      expect(data.equals(Buffer.alloc(BLOCK_BYTES, expected.value))).toBe(true);
      continue;
    }
    const value = 1 + ((round * 7 + block) % 250);
    // One host that remembers the session: it can always say.
    await disk.write(block * BLOCK_BYTES, Buffer.alloc(BLOCK_BYTES, value));
    expected.value = value;
    writes += 1;
  }
  return writes;
}

describe('a connection cut at random', () => {
  it('loses no answer, executes no write twice, and reads what was written', async () => {
    const rng = new SeededRng(SEED);
    await using host = await HostRig.start({ limits: { fenceMs: 500 } });
    await using proxy = await CuttingProxy.to(host.port, rng, 1_000_000);
    await using client = await SluiceClient.connect(proxy.address, { backoffInitialMs: 1, backoffMaxMs: 20 });
    const disk = await client.open('disk0', 'acme/cut');
    const blocks = Array.from({ length: BLOCKS }, (): Expected => ({ value: 0 }));
    const writes = await Promise.all(blocks.map((expected, block) => work(disk, block, rng, expected)));
    proxy.peaceful = true;
    expect(proxy.cuts).toBeGreaterThan(5);
    for (const [block, expected] of blocks.entries()) {
      const data = await disk.read(block * BLOCK_BYTES, BLOCK_BYTES);
      expect(data.equals(Buffer.alloc(BLOCK_BYTES, expected.value))).toBe(true);
    }
    let executed = 0;
    for await (const row of client.usage.query({ device: 'disk0' })) {
      for (const op of row.ops) if (op.op === 2) executed += op.count;
    }
    expect(executed).toBe(writes.reduce((sum, each) => sum + each, 0));
  });
});
