/** Front ends and guests that break the rules: each harms itself alone, and is told why. */
import { describe, expect, test } from 'vitest';
import { FrontEnd, GUEST_ADDRESS, USER_ADDRESS } from '../../../bench/vhost/front-end.js';
import { ChainReader } from '../../../src/doors/vhost/chain.js';
import { InflightMemory } from '../../../src/doors/vhost/inflight.js';
import { GuestMemory } from '../../../src/doors/vhost/memory.js';
import { loadNative } from '../../../src/doors/vhost/native.js';
import {
  encodeInflight,
  encodeMemoryTable,
  encodeMessage,
  encodeRingState,
  encodeU64,
  type MemoryRegion,
} from '../../../src/wire/vhost/messages.js';
import { REQUESTS } from '../../../src/wire/vhost/protocol.js';
import { DESCRIPTOR_INDIRECT, DESCRIPTOR_NEXT, DESCRIPTOR_WRITE } from '../../../src/wire/vhost/virtqueue.js';
import { VhostRig, count, perform, post, until } from './rig.js';

describe('memory that is not to be had', () => {
  const PAGE = 4_096;
  const region: MemoryRegion = { guestAddress: 0, userAddress: USER_ADDRESS, sizeBytes: 4 * PAGE, fileOffset: 0 };

  test.each([
    ['a file that can shrink', [region], false, 'sealed against shrinking'],
    ['a region past the end of its file', [{ ...region, fileOffset: PAGE }], true, 'of a file of 16384 bytes'],
    ['half a page', [{ ...region, sizeBytes: PAGE / 2 }], true, 'begin and end at a page'],
    ['nothing', [{ ...region, sizeBytes: 0 }], true, 'begin and end at a page'],
    ['the end of all addresses', [{ ...region, guestAddress: 2 ** 53 - PAGE }], true, 'below 2^53'],
    ['guest addresses twice', [region, { ...region, userAddress: 2 * USER_ADDRESS }], true, 'must not overlap'],
    ['user addresses twice', [region, { ...region, guestAddress: 2 ** 30 }], true, 'must not overlap'],
  ] as const)('%s', async (_, regions, sealed, message) => {
    const system = await loadNative();
    const file = system.memoryFile('guest', 4 * PAGE, sealed);
    const files = regions.map(() => file);
    expect(() => GuestMemory.map(system, regions, files)).toThrow(message);
    expect(() => GuestMemory.map(system, regions, [...files, file])).toThrow('files');
    system.close(file);
  });

  test('what is mapped ends where the last of its users lets go', async () => {
    const system = await loadNative();
    const file = system.memoryFile('guest', 4 * PAGE, true);
    const memory = GuestMemory.map(system, [region], [file]);
    system.close(file);
    memory.retain();
    memory.release();
    expect(memory.unmapped).toBe(false);
    expect(memory.find(4 * PAGE - 1)!.u8[4 * PAGE - 1]).toBe(0);
    expect(memory.find(4 * PAGE)).toBeNull();
    expect(memory.findRing(USER_ADDRESS + 3 * PAGE, PAGE)).not.toBeNull();
    expect(memory.findRing(USER_ADDRESS + 3 * PAGE, PAGE + 1)).toBeNull();
    memory.release();
    expect(memory.unmapped).toBe(true);
  });

  test('more than a view can hold: what crosses from one window into the next is in two pieces', async () => {
    const system = await loadNative();
    const GIB = 2 ** 30;
    const sizeBytes = 2 * GIB + 4 * PAGE;
    // Pages that nobody touches are not there.
    const file = system.memoryFile('guest', sizeBytes, true);
    const memory = GuestMemory.map(system, [{ ...region, sizeBytes }], [file]);
    system.close(file);
    const ring = memory.findRing(USER_ADDRESS + GIB - 64, 128)!;
    expect([ring.guestAddress, ring.sizeBytes]).toEqual([0, GIB + 64 * 1_024]);
    const first = memory.find(0)!;
    const descriptor = (index: number, address: number, bytes: number, flags: number): void => {
      first.u32.set([address % 2 ** 32, Math.floor(address / 2 ** 32), bytes], 4 * index);
      first.u16.set([flags, index + 1], 8 * index + 6);
    };
    descriptor(0, PAGE, 16, DESCRIPTOR_NEXT);
    descriptor(1, 2 * GIB - 512, 1_024, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE);
    descriptor(2, 2 * PAGE, 1, DESCRIPTOR_WRITE);
    const chain = new ChainReader(memory, first, 0, 4);
    chain.read(0);
    chain.into.dropLast();
    expect([chain.into.bytes, chain.into.whole()]).toEqual([1_024, null]);
    chain.into.copyFrom(Buffer.alloc(1_024, 'across'));
    const [low, high] = [memory.find(2 * GIB - 1)!, memory.find(2 * GIB)!];
    expect([low.guestAddress, high.guestAddress]).toEqual([GIB, 2 * GIB]);
    const seen = Buffer.concat([low.u8.subarray(GIB - 512, GIB), high.u8.subarray(0, 512)]);
    expect(seen.equals(Buffer.alloc(1_024, 'across'))).toBe(true);
    memory.release();
  });

  test('memory of requests in flight that can shrink, or is too small', async () => {
    const system = await loadNative();
    const shape = { sizeBytes: PAGE, fileOffset: 0, queues: 1, queueSize: 128 };
    const loose = system.memoryFile('inflight', PAGE, false);
    expect(() => InflightMemory.map(system, shape, loose, PAGE)).toThrow('sealed');
    const small = system.memoryFile('inflight', PAGE, true);
    expect(() => InflightMemory.map(system, { ...shape, queues: 2 }, small, PAGE)).toThrow('too small');
    expect(() => InflightMemory.map(system, { ...shape, queues: 100_000 }, small, PAGE)).toThrow('at most');
    system.close(loose);
    system.close(small);
  });
});

describe('a front end that does not speak vhost-user is cut off with a reason, and the next is let in', () => {
  const state = (index: number, value: number): Buffer => encodeRingState({ index, value });
  const cases: [string, (guest: FrontEnd) => void, string][] = [
    ['another version', (g) => g.raw(Buffer.from([1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0])), 'version 1'],
    ['a payload without end', (g) => g.raw(Buffer.from([1, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255])), 'at most 4096'],
    ['a request that is none', (g) => g.say(99), 'request 99 is not served'],
    ['too short a payload', (g) => g.say(REQUESTS.SET_VRING_NUM, Buffer.alloc(4)), 'at least 8 bytes'],
    ['features that were not offered', (g) => g.say(REQUESTS.SET_FEATURES, encodeU64(1n << 34n)), '0x400000000'],
    ['queue 64', (g) => g.say(REQUESTS.SET_VRING_BASE, state(64, 0)), 'got queue 64'],
    ['a queue of 100', (g) => g.say(REQUESTS.SET_VRING_NUM, state(0, 100)), 'power of two'],
    ['no counter', (g) => g.say(REQUESTS.SET_VRING_CALL, encodeU64(0n)), 'come with its descriptor'],
    ['no kick', (g) => g.say(REQUESTS.SET_VRING_KICK, encodeU64(0x100n)), 'polled for ever'],
    ['a kick without a queue', (g) => g.say(REQUESTS.SET_VRING_KICK, encodeU64(0n), [g.errors[0]!]), ''],
    ['more regions than there are', (g) => g.say(REQUESTS.SET_MEM_TABLE, Buffer.from([9, 0, 0, 0, 0, 0, 0, 0])), '8'],
    ['regions without files', (g) => g.say(REQUESTS.SET_MEM_TABLE, encodeMemoryTable([g.region])), '0 files'],
    [
      'queues in flight without end',
      (g) => {
        const shape = { sizeBytes: 0, fileOffset: 0, queues: 65_535, queueSize: 65_535 };
        g.say(REQUESTS.GET_INFLIGHT_FD, encodeInflight(shape));
      },
      'at most 64 queues',
    ],
  ];
  test.each(cases)('%s', async (_, say, why) => {
    await using rig = await VhostRig.overFake();
    const guest = rig.frontEnd();
    guest.connect(rig.socket);
    say(guest);
    if (why === '') guest.say(REQUESTS.SET_VRING_ENABLE, state(0, 1));
    await guest.hungUp();
    expect(rig.warnings).toHaveLength(1);
    expect(rig.warnings[0]).toContain(why);
    expect(rig.door.list()[0]!.complaint).toContain(why);
    const next = await rig.started();
    expect((await perform(next, { receive: 512 })).status).toBe(0);
  });

  test('half a message, then silence, holds nothing up', async () => {
    await using rig = await VhostRig.overFake();
    const guest = rig.frontEnd();
    guest.connect(rig.socket);
    guest.raw(encodeMessage(REQUESTS.GET_FEATURES, Buffer.alloc(8), 'plain').subarray(0, 15));
    await until(() => rig.door.list()[0]!.connected);
    guest.hangUp();
    const next = await rig.started();
    expect((await perform(next, { receive: 512 })).status).toBe(0);
  });

  test('descriptors that nobody asked for are closed', async () => {
    await using rig = await VhostRig.overFake();
    const guest = rig.frontEnd();
    guest.connect(rig.socket);
    const { readdirSync } = await import('node:fs');
    const open = (): number => readdirSync('/proc/self/fd').length;
    await guest.ask(REQUESTS.GET_FEATURES);
    const before = open();
    for (let i = 0; i < 50; i++) guest.say(REQUESTS.SET_OWNER, Buffer.alloc(0), [guest.errors[0]!, guest.calls[0]!]);
    await guest.ask(REQUESTS.GET_FEATURES);
    expect(open()).toBe(before);
  });
});

describe('a driver that breaks the rules of its ring stops that ring, until it is reset', () => {
  const AREA = 4_096;
  const cases: [string, (guest: FrontEnd) => void, string][] = [
    ['a chain that is a circle', (g) => g.queues[0]!.descriptor(0, 1, AREA, 512, DESCRIPTOR_NEXT, 1), 'no end'],
    ['a descriptor that is not there', (g) => g.queues[0]!.descriptor(0, 0, AREA, 16, DESCRIPTOR_NEXT, 128), '128'],
    [
      'an address outside',
      (g) => g.queues[0]!.descriptor(0, 1, 2 ** 40, 512, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2),
      'outside',
    ],
    [
      'an address below',
      (g) => g.queues[0]!.descriptor(0, 1, -GUEST_ADDRESS, 512, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2),
      'outside',
    ],
    [
      'a length past the memory',
      (g) => g.queues[0]!.descriptor(0, 1, AREA, 2 ** 32 - 1, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2),
      'outside',
    ],
    ['nowhere to answer to', (g) => g.queues[0]!.descriptor(0, 0, AREA, 16, 0, 0), 'a byte for its status'],
    ['no header', (g) => g.queues[0]!.descriptor(0, 0, AREA, 8, DESCRIPTOR_NEXT, 2), 'a header of 16 bytes'],
    [
      'what the driver fills behind what the device fills',
      (g) => g.queues[0]!.descriptor(0, 2, AREA, 16, 0, 0),
      'must come first',
    ],
    ['an indirect table outside', (g) => g.queues[0]!.descriptor(0, 0, 2 ** 40, 64, DESCRIPTOR_INDIRECT, 0), 'outside'],
    ['half an indirect table', (g) => g.queues[0]!.descriptor(0, 0, AREA, 40, DESCRIPTOR_INDIRECT, 0), 'got 40 bytes'],
    [
      'an indirect table between numbers',
      (g) => g.queues[0]!.descriptor(0, 0, AREA + 2, 64, DESCRIPTOR_INDIRECT, 0),
      'multiple of 4',
    ],
    [
      'an indirect table with a successor',
      (g) => g.queues[0]!.descriptor(0, 0, AREA, 64, DESCRIPTOR_INDIRECT | DESCRIPTOR_NEXT, 1),
      'nothing may follow',
    ],
    [
      'an indirect table in an indirect table',
      (g) => {
        g.queues[0]!.descriptor(0, 0, AREA, 64, DESCRIPTOR_INDIRECT, 0);
        g.queues[0]!.descriptor(AREA, 0, AREA, 64, DESCRIPTOR_INDIRECT, 0);
      },
      'must not name another',
    ],
    ['an index that jumps', (g) => g.memory.writeUInt16LE(1_000, g.queues[0]!.availableAt + 2), 'jumped by 999'],
    ['a head that is none', (g) => g.memory.writeUInt16LE(5_000, g.queues[0]!.availableAt + 6), 'descriptor 5000'],
  ];
  test.each(cases)('%s', async (_, spoil, why) => {
    await using rig = await VhostRig.overFake();
    const guest = await rig.started({ queues: 2 });
    expect((await perform(guest, { receive: 512 })).status).toBe(0);
    const queue = guest.queues[0]!;
    queue.push(0);
    spoil(guest);
    if (why !== 'jumped by 999') queue.show();
    guest.kick();
    await until(() => count(guest.errors[0]!) === 1);
    expect(rig.warnings).toHaveLength(1);
    expect(rig.warnings[0]).toContain(why);
    // The other queue of the same guest goes on, and this one once it is reset.
    expect((await perform(guest, { queue: 1, receive: 512 })).status).toBe(0);
    await guest.stopQueue(0);
    queue.reset();
    guest.startQueue(0, 0);
    guest.forgetInflight();
    expect((await perform(guest, { receive: 512 })).status).toBe(0);
  });

  test('a head that is in flight already', async () => {
    await using rig = await VhostRig.overFake();
    rig.device.mode = 'hold';
    const guest = await rig.started();
    post(guest, { receive: 512 });
    await until(() => rig.device.submitted.length === 1);
    guest.queues[0]!.push(0);
    guest.queues[0]!.show();
    guest.kick();
    await until(() => count(guest.errors[0]!) === 1);
    expect(rig.warnings[0]).toContain('in flight already');
    rig.device.finishAll();
    await until(() => guest.queues[0]!.reap(() => undefined) === 1);
  });
});
