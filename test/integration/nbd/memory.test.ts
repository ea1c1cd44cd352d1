/** What all clients of the door hold together is bounded, and who stays within his part is served meanwhile. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { FakeRig, until } from './rig.js';
import { RawNbd } from './raw-client.js';

const MIB = 1_048_576;
const BUDGET = 64 * MIB;
const DEAF = 64;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Of this process, which has both ends of each connection. */
function payloadBytes(): number {
  gc();
  return process.memoryUsage().arrayBuffers;
}

test('many clients that never read hold no more than the budget; others go on, large requests wait and are served', async () => {
  await using rig = await FakeRig.start({ bytesMax: BUDGET });
  const before = payloadBytes();
  const deaf = await Promise.all(Array.from({ length: DEAF }, () => RawNbd.open(rig.port, 'disk0@deaf')));
  for (const client of deaf) {
    client.socket.pause();
    for (let i = 0; i < 32; i++) client.read(0, MIB).catch(() => undefined);
  }
  // Each alone may hold 4 MiB unsent and 16 MiB at work: 64 of them are stopped by the budget alone.
  await until(() => rig.door.waiting > DEAF / 2);
  expect(payloadBytes() - before).toBeLessThan(BUDGET + 8 * MIB);

  using small = await RawNbd.open(rig.port, 'disk0@small');
  for (let i = 0; i < 40; i++) expect(await small.read(0, 16_384)).toMatchObject({ errno: 0 });
  for (let i = 0; i < 40; i++) expect(await small.write(0, Buffer.alloc(16_384))).toMatchObject({ errno: 0 });

  using large = await RawNbd.open(rig.port, 'disk0@large');
  let served = 0;
  const wait = [
    large.read(0, 32 * MIB).then(({ errno, data }) => (served += errno === 0 ? data.length : NaN)),
    large.write(0, Buffer.alloc(32 * MIB, 7)).then(({ errno }) => (served += errno === 0 ? 32 * MIB : NaN)),
  ];
  expect(await small.read(0, 512)).toMatchObject({ errno: 0 });
  expect(served).toBe(0);
  for (const client of deaf) client.socket.destroy();
  await Promise.all(wait);
  expect(served).toBe(64 * MIB);
  expect(rig.door.waiting).toBe(0);
});

test('writes whose payload never comes hold no more than the budget', async () => {
  await using rig = await FakeRig.start({ bytesMax: BUDGET });
  const before = payloadBytes();
  const half = Buffer.alloc(16 * MIB);
  const clients = await Promise.all(Array.from({ length: 16 }, () => RawNbd.open(rig.port, 'disk0@a')));
  for (const client of clients) client.request(1, 0, 32 * MIB, { data: half }).catch(() => undefined);
  await until(() => rig.door.waiting === 15);
  using other = await RawNbd.open(rig.port, 'disk0@b');
  for (let i = 0; i < 40; i++) expect(await other.write(0, Buffer.alloc(16_384))).toMatchObject({ errno: 0 });
  expect(payloadBytes() - before - half.length).toBeLessThan(BUDGET);
  for (const client of clients.slice(0, 15)) client.socket.destroy();
  // The last of them finishes what it began, though it waited behind all others.
  clients[15]!.socket.write(half);
  await until(() => rig.device.submitted.some(({ lengthBytes }) => lengthBytes === MIB));
  clients[15]!.socket.destroy();
});

test('requests of one client in any mix of sizes are all served at the smallest budget', async () => {
  await using rig = await FakeRig.start({ bytesMax: BUDGET });
  using one = await RawNbd.open(rig.port, 'disk0@a');
  using two = await RawNbd.open(rig.port, 'disk0@b', false);
  const sizes = [512, 32 * MIB, 4_096, 65_536, MIB, 31 * MIB];
  const reads = [one, two].flatMap((client) => sizes.map((size) => client.read(0, size)));
  const writes = [one, two].flatMap((client) => sizes.map((size) => client.write(0, Buffer.alloc(size))));
  const lengths = (await Promise.all(reads)).map(({ errno, data }) => (errno === 0 ? data.length : NaN));
  expect(lengths).toEqual([...sizes, ...sizes]);
  expect((await Promise.all(writes)).every(({ errno }) => errno === 0)).toBe(true);
});
