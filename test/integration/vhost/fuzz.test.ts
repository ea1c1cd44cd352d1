/**
 * Rings with something changed in them, over and over: indices, heads, descriptors, indirect tables,
 * headers. Each is served, refused or stops its ring; nothing crashes, nothing hangs, nothing outside of
 * the shared memory is written, and a guest beside it is served as ever. A failure prints its seed.
 */
import { afterAll, expect, test } from 'vitest';
import type { DriverQueue } from '../../../bench/vhost/driver-queue.js';
import { GUEST_ADDRESS, USER_ADDRESS, type FrontEnd } from '../../../bench/vhost/front-end.js';
import { SeededRng } from '../../../src/core/rng.js';
import { BLK_TYPES } from '../../../src/wire/vhost/blk.js';
import { REQUESTS } from '../../../src/wire/vhost/protocol.js';
import { DESCRIPTOR_BYTES } from '../../../src/wire/vhost/virtqueue.js';
import { VhostRig, count, perform, until } from './rig.js';

const LONG = process.env['SLUICE_LONG'] === '1';
const MUTATIONS = LONG ? 100_000 : 5_000;
const MESSAGES = LONG ? 20_000 : 1_000;
const TURNS_MAX = 2_000;
const SECTORS = 2_048;
const SEEDS = [1, 2, 3, 4];
const PAGE = 4_096;
/** Regions leave out the last page of the file: nobody may write there. */
const CANARY = 0x5c;

const outcomes = { answered: 0, stopped: 0 };
afterAll(() => {
  // Mutations that all miss, or all stop the ring, would show nothing.
  expect(outcomes.answered).toBeGreaterThan(MUTATIONS / 20);
  expect(outcomes.stopped).toBeGreaterThan(MUTATIONS / 20);
});

test.each(SEEDS)(
  'mutations of rings, seed %i',
  async (seed) => {
    await using rig = await VhostRig.overService({
      devices: { disk0: { simulation: { kind: 'null', size_bytes: SECTORS * 512 } } },
    });
    const neighbour = `${rig.socket}-2`;
    await rig.door.attach({ socket: neighbour, device: 'disk0', tag: 'other', map: {} });
    const innocent = rig.frontEnd();
    innocent.connect(neighbour);
    await innocent.start();
    const guest = rig.frontEnd({ indirect: seed % 2 === 0, eventIndex: seed < 3, segments: 3, size: 32 });
    guest.connect(rig.socket);
    await guest.start();
    const shared = guest.memory.length - PAGE;
    guest.memory.fill(CANARY, shared);
    guest.setMemory([{ ...guest.region, sizeBytes: shared }]);
    const rng = new SeededRng(seed);
    for (let i = 0; i < MUTATIONS / SEEDS.length; i++) {
      await mutate(rng, guest, rig);
      if (i % 500 === 0) expect((await perform(innocent, { receive: 512 })).status).toBe(0);
    }
    expect(guest.memory.subarray(shared).every((byte) => byte === CANARY)).toBe(true);
    expect((await perform(innocent, { receive: 512 })).status).toBe(0);
    guest.hangUp();
    await until(() => !rig.door.list()[0]!.connected);
  },
  120_000,
);

/** One to four requests, something changed in them, and then what comes of it. */
async function mutate(rng: SeededRng, guest: FrontEnd, rig: VhostRig): Promise<void> {
  const queue = guest.queues[0]!;
  const requests = 1 + rng.below(4);
  for (let slot = 0; slot < requests; slot++) {
    queue.describe(slot, {
      type: Object.values(BLK_TYPES)[rng.below(6)]!,
      ioprio: rng.below(65_536),
      sector: rng.below(SECTORS),
      reads: rng.below(2) === 0,
      data: Array.from({ length: rng.below(4) }, (_, j) => ({ at: j * 1_024, bytes: 512 * rng.below(3) })),
    });
    queue.push(slot);
  }
  for (let changes = rng.below(4); changes > 0; changes--) change(rng, guest, queue);
  queue.show();
  // What the door wrote last may have been changed too: the index of the used ring is made right again below.
  if (rng.below(20) === 0) guest.memory.writeUInt16LE(rng.below(65_536), queue.availableAt + 2);
  guest.kick();
  let answered = 0;
  for (let turns = 0; answered < requests; turns++) {
    answered += queue.reap(() => undefined);
    if (count(guest.errors[0]!) > 0) {
      outcomes.stopped += 1;
      break;
    }
    // Changed indices leave requests unseen, or answers: that is the guest's own loss.
    if (turns === 20) break;
    expect(turns).toBeLessThan(TURNS_MAX);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (answered === requests) outcomes.answered += 1;
  else await reset(guest, rig);
}

async function reset(guest: FrontEnd, rig: VhostRig): Promise<void> {
  await guest.stopQueue(0);
  count(guest.errors[0]!);
  expect(rig.door.list()[0]!.connected).toBe(true);
  guest.queues[0]!.reset();
  guest.forgetInflight();
  await guest.setInflight();
  guest.startQueue(0, 0);
}

/** A number of some length somewhere in the rings, the tables or a header becomes another. */
function change(rng: SeededRng, guest: FrontEnd, queue: DriverQueue): void {
  const { memory } = guest;
  const area = queue.dataAt(rng.below(4)) - 576;
  const places = [
    queue.descriptorsAt + rng.below(16) * DESCRIPTOR_BYTES,
    queue.descriptorsAt + rng.below(16) * DESCRIPTOR_BYTES,
    queue.availableAt,
    queue.usedAt,
    area,
    area + 64 + rng.below(5) * DESCRIPTOR_BYTES,
  ];
  const at = places[rng.below(places.length)]! + rng.below(DESCRIPTOR_BYTES);
  switch (rng.below(5)) {
    case 0:
      memory[at] = rng.below(256);
      return;
    case 1:
      memory.writeUInt16LE([0, 1, 2, 3, 4, 5, 7, 31, 32, 33, 65_535, 32_768][rng.below(12)]!, at & ~1);
      return;
    case 2:
      memory.writeUInt32LE([0, 1, 16, 511, 512, 2 ** 31, 2 ** 32 - 1][rng.below(7)]!, at & ~3);
      return;
    case 3: {
      // Addresses at and past the edges of the memory, and of everything.
      const edges = [GUEST_ADDRESS, GUEST_ADDRESS + memory.length - PAGE, GUEST_ADDRESS + memory.length, 0, 2 ** 53];
      const near = edges[rng.below(edges.length)]! + rng.below(1_025) - 512;
      memory.writeBigUInt64LE(BigInt.asUintN(64, BigInt(near)), at & ~15);
      return;
    }
    default:
      memory.writeBigUInt64LE(BigInt(rng.below(2 ** 32)) << 32n, at & ~7);
  }
}

test('messages with something changed in them', async () => {
  await using rig = await VhostRig.overFake();
  const rng = new SeededRng(5);
  const requests = Object.values(REQUESTS);
  for (let i = 0; i < MESSAGES; i++) {
    const guest = rig.frontEnd({ size: 16 });
    guest.connect(rig.socket);
    if (rng.below(2) === 0) await guest.start();
    try {
      for (let said = rng.below(6); said > 0; said--) {
        const payload = Buffer.alloc(rng.below(80));
        for (let at = 0; at < payload.length; at += 8) {
          const value = [0n, 1n, 63n, 256n, BigInt(USER_ADDRESS), BigInt(PAGE), 2n ** 64n - 1n][rng.below(7)]!;
          if (at + 8 <= payload.length) payload.writeBigUInt64LE(value, at);
        }
        const descriptors = [[], [guest.errors[0]!], [guest.errors[0]!, guest.calls[0]!]][rng.below(3)]!;
        guest.say(requests[rng.below(requests.length)]!, payload, descriptors);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch {
      // It was cut off before it had said everything.
    }
    guest.close();
    await until(() => !rig.door.list()[0]!.connected);
  }
  const next = await rig.started();
  expect((await perform(next, { receive: 512 })).status).toBe(0);
}, 120_000);
