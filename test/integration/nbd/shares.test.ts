/** Shares hold over NBD: two disks of different tags on one simulated device. */
import { expect, test } from 'vitest';
import { allRows } from '../../../src/control/usage.js';
import { WholeRig } from './rig.js';
import { RawNbd } from './raw-client.js';

/** On a disk slow enough that both queues stay filled however busy this machine is. */
const REQUESTS = 400;

test('two guests with shares 1 and 3, each with 16 requests out, get 1 and 3 parts of the device', async () => {
  await using rig = await WholeRig.start({
    devices: { d: { simulation: { kind: 'hdd' }, depth: 4 } },
    policies: [
      { device: 'd', tag: 'low', shares: 100 },
      { device: 'd', tag: 'high', shares: 300 },
    ],
  });
  let answered = 0;
  let atEnd: Promise<Map<string, number>> | null = null;
  const work = async (client: RawNbd, lane: number): Promise<void> => {
    for (let i = 0; atEnd === null; i++) {
      const { errno } = await client.read((((i * 16 + lane) * 7_919) % 600_000) * 4_096, 4_096);
      expect(errno).toBe(0);
      answered += 1;
      // Counted while both are backlogged still: the last of either is not part of the race.
      if (answered === REQUESTS) atEnd = counted(rig);
    }
  };
  const clients = [await RawNbd.open(rig.port, 'd@low'), await RawNbd.open(rig.port, 'd@high', false)];
  await Promise.all(clients.flatMap((client) => Array.from({ length: 16 }, (_, lane) => work(client, lane))));
  for (const client of clients) client[Symbol.dispose]();
  const counts = await atEnd!;
  const high = counts.get('high')! / (counts.get('high')! + counts.get('low')!);
  expect(Math.abs(high / 0.75 - 1)).toBeLessThan(0.03);
});

async function counted(rig: WholeRig): Promise<Map<string, number>> {
  const rows = await rig.assembled.usage.query({
    ...{ device: 'd', tagPrefix: '', fromMs: 0, toMs: 0, stepMs: 0, groupLevel: 0 },
    ...{ orderBy: 'tag', topN: 0, apart: [], quantiles: [] },
  });
  return new Map((await allRows(rows)).map((row) => [row.tag, row.ops.reduce((sum, op) => sum + op.cost, 0)]));
}
