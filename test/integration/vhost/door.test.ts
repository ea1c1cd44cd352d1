/** The vhost door, held to by a front end without a guest. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { OPS } from '../../../src/core/model/request.js';
import {
  BLK_FEATURE_BITS,
  BLK_STATUS,
  BLK_TYPES,
  encodeBlkRange,
  encodePriority,
} from '../../../src/wire/vhost/blk.js';
import { decodeConfig, decodeU64, encodeConfig } from '../../../src/wire/vhost/messages.js';
import { REQUESTS, hasBit } from '../../../src/wire/vhost/protocol.js';
import { VhostRig, count, dataOf, perform, post, until, unanswered } from './rig.js';

const HDD_FREE = { devices: { disk0: { simulation: { kind: 'ssd', size_bytes: 16 * 1_048_576 } } } };
const bytesOf = (length: number, seed: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7) & 0xff));

describe('requests', () => {
  test.each([
    { name: 'direct descriptors, flags', indirect: false, eventIndex: false },
    { name: 'direct descriptors, event index', indirect: false, eventIndex: true },
    { name: 'indirect tables, event index', indirect: true, eventIndex: true },
  ])('what is written is read again: $name', async ({ indirect, eventIndex }) => {
    await using rig = await VhostRig.overService(HDD_FREE);
    const guest = await rig.started({ indirect, eventIndex, segments: 4, areaBytes: 256 * 1_024 });
    const whole = bytesOf(4_096, 1);
    expect(await perform(guest, { type: BLK_TYPES.OUT, sector: 8, send: whole })).toMatchObject({
      status: 0,
      bytes: 1,
    });
    const read = await perform(guest, { sector: 8, receive: 4_096 });
    expect(read).toMatchObject({ status: BLK_STATUS.OK, bytes: 4_097 });
    expect(read.data.equals(whole)).toBe(true);
    // Memory in pieces, none of them a block; and longer than a piece of the device's schedule.
    const pieces = [
      { at: 0, bytes: 700 },
      { at: 5_000, bytes: 324 },
      { at: 8_192, bytes: 99_328 },
    ];
    const long = bytesOf(100_352, 2);
    expect(await perform(guest, { type: BLK_TYPES.OUT, sector: 100, send: long, pieces, slot: 1 })).toMatchObject({
      status: 0,
    });
    const again = await perform(guest, { sector: 100, receive: long.length, pieces, slot: 2 });
    expect(again).toMatchObject({ status: 0, bytes: long.length + 1 });
    expect(again.data.equals(long)).toBe(true);
    expect((await perform(guest, { type: BLK_TYPES.FLUSH })).status).toBe(BLK_STATUS.OK);
    guest.memory.fill(0xff, guest.queues[0]!.dataAt(0), guest.queues[0]!.dataAt(0) + 32);
    const id = await perform(guest, { type: BLK_TYPES.GET_ID, receive: 20 });
    expect(id.data.toString('latin1')).toMatch(/^disk0-[0-9a-f]{8}\0*$/);
    expect(id.bytes).toBe(21);
  });

  test('discard and write zeroes, of several ranges', async () => {
    await using rig = await VhostRig.overService(HDD_FREE);
    const guest = await rig.started();
    await perform(guest, { type: BLK_TYPES.OUT, sector: 0, send: bytesOf(4_096, 3) });
    for (const [type, sector] of [
      [BLK_TYPES.DISCARD, 0],
      [BLK_TYPES.WRITE_ZEROES, 4],
    ] as const) {
      const ranges = [sector, sector + 2].map((at) => encodeBlkRange({ sector: at, sectors: 1, flags: 0 }));
      expect(await perform(guest, { type, send: Buffer.concat(ranges) })).toMatchObject({ status: 0, bytes: 1 });
    }
    const { data } = await perform(guest, { sector: 0, receive: 4_096 });
    const written = bytesOf(4_096, 3);
    for (const sector of [0, 2, 4, 6]) written.fill(0, sector * 512, (sector + 1) * 512);
    expect(data.equals(written)).toBe(true);
  });

  test('what cannot be is answered with an error, and the ring goes on', async () => {
    await using rig = await VhostRig.overService(HDD_FREE);
    const guest = await rig.started();
    expect((await perform(guest, { sector: 2 ** 40, receive: 512 })).status).toBe(BLK_STATUS.IOERR);
    expect((await perform(guest, { sector: 0, receive: 100 })).status).toBe(BLK_STATUS.IOERR);
    expect((await perform(guest, { sector: 0 })).status).toBe(BLK_STATUS.IOERR);
    expect((await perform(guest, { type: 99, receive: 512 })).status).toBe(BLK_STATUS.UNSUPP);
    expect((await perform(guest, { type: BLK_TYPES.DISCARD, send: Buffer.alloc(15) })).status).toBe(BLK_STATUS.IOERR);
    expect((await perform(guest, { sector: 0, receive: 512 })).status).toBe(BLK_STATUS.OK);
  });

  test('each request carries the tag that its priority names', async () => {
    await using rig = await VhostRig.overFake({ 'be:0': 'db', 'be:7:3': 'hinted', idle: 'scrub', '*': 'rest' });
    const guest = await rig.started();
    for (const ioprio of [
      encodePriority('be', 0),
      encodePriority('be', 7),
      encodePriority('be', 7, 3),
      encodePriority('idle', 5),
      0xffff_ffff,
    ]) {
      await perform(guest, { ioprio, receive: 512 });
    }
    expect(rig.device.tags).toEqual(['acme/db', 'acme/rest', 'acme/hinted', 'acme/scrub', 'acme/rest']);
  });

  test('several queues, each with its own ring', async () => {
    await using rig = await VhostRig.overService(HDD_FREE);
    const guest = await rig.started({ queues: 3 });
    for (const queue of [0, 1, 2]) {
      await perform(guest, { queue, type: BLK_TYPES.OUT, sector: queue, send: bytesOf(512, queue) });
    }
    for (const queue of [0, 1, 2]) {
      const { data } = await perform(guest, { queue, sector: 2 - queue, receive: 512 });
      expect(data.equals(bytesOf(512, 2 - queue))).toBe(true);
    }
  });

  test('memory of the guest is what the device is given, where it is in one piece', async () => {
    await using rig = await VhostRig.overFake();
    rig.device.mode = 'hold';
    const guest = await rig.started();
    post(guest, { type: BLK_TYPES.OUT, send: bytesOf(512, 1) });
    await until(() => rig.device.submitted.length === 1);
    const [io] = rig.device.submitted;
    guest.memory[guest.queues[0]!.dataAt(0)] = 0x5a;
    expect(io!.data![0]).toBe(0x5a);
    rig.device.finishAll();
  });
});

describe('requests that do not end as they should', () => {
  test('a queue that is full is waited for, whatever the guest does meanwhile', async () => {
    await using rig = await VhostRig.overFake();
    rig.device.mode = 'hold';
    const guest = await rig.started();
    post(guest, { receive: 512, slot: 0 });
    await until(() => rig.device.submitted.length === 1);
    rig.device.finish(rig.device.submitted[0]!, 'QUEUE_FULL', 'full');
    post(guest, { receive: 512, slot: 1 });
    await until(() => rig.device.submitted.length === 3);
    expect([unanswered(guest, 0), unanswered(guest, 1)]).toEqual([true, true]);
    rig.device.finishAll();
    const statuses: number[] = [];
    await until(
      () => guest.queues[0]!.reap((slot) => statuses.push(guest.queues[0]!.status(slot))) >= 0 && statuses.length === 2,
    );
    expect(statuses).toEqual([BLK_STATUS.OK, BLK_STATUS.OK]);
  });

  test('past its timeout a request is answered when the device has let go of the memory', async () => {
    await using rig = await VhostRig.overFake();
    rig.device.mode = 'hold';
    const guest = await rig.started();
    post(guest, { receive: 512, slot: 0 });
    post(guest, { type: BLK_TYPES.FLUSH, slot: 1 });
    await until(() => rig.device.submitted.length === 2);
    for (const io of rig.device.submitted) {
      io.abandoned = true;
      rig.device.finish(io, 'DEVICE_IO', 'timed out');
    }
    const answered: number[] = [];
    await until(() => guest.queues[0]!.reap((slot) => answered.push(slot)) === 1);
    // The flush lent nothing.
    expect(answered).toEqual([1]);
    expect(unanswered(guest, 0)).toBe(true);
    rig.device.submitted[0]!.sink.returned!(rig.device.submitted[0]!);
    await until(() => guest.queues[0]!.reap((slot) => answered.push(slot)) === 1);
    expect(guest.queues[0]!.status(0)).toBe(BLK_STATUS.IOERR);
  });
});

describe('who is told when', () => {
  test('a driver that wants no interrupt gets none; with event indices only at its place', async () => {
    await using rig = await VhostRig.overFake();
    const plain = await rig.started({ eventIndex: false });
    // One comes as the queue begins, whatever was there before.
    await until(() => count(plain.calls[0]!) === 1);
    plain.queues[0]!.refuseInterrupts();
    await perform(plain, { receive: 512 });
    expect(count(plain.calls[0]!)).toBe(0);
    plain.queues[0]!.askForInterrupt();
    await perform(plain, { receive: 512 });
    await until(() => count(plain.calls[0]!) === 1);
    plain.hangUp();
    const exact = await rig.started();
    await perform(exact, { receive: 512 });
    count(exact.calls[0]!);
    await perform(exact, { receive: 512 });
    expect(count(exact.calls[0]!)).toBe(0);
    exact.queues[0]!.askForInterrupt();
    await perform(exact, { receive: 512 });
    expect(count(exact.calls[0]!)).toBe(1);
  });

  test('a kick is asked for again once the ring has been quiet', async () => {
    await using rig = await VhostRig.overFake();
    const guest = await rig.started();
    for (let i = 0; i < 20; i++) {
      await perform(guest, { receive: 512 });
      // Well beyond the time for which the ring is looked at without one, on a slow machine too.
      const from = performance.now();
      await until(() => performance.now() - from > 30);
      guest.queues[0]!.push(0);
      expect(guest.queues[0]!.show()).toBe(true);
      guest.kick();
      await until(() => guest.queues[0]!.reap(() => undefined) === 1);
    }
  });
});

describe('the configuration of the disk', () => {
  test('tells size, blocks and what it can do', async () => {
    await using rig = await VhostRig.overFake();
    rig.device.blockBytes = 4_096;
    const guest = rig.frontEnd();
    guest.connect(rig.socket);
    const features = decodeU64((await guest.ask(REQUESTS.GET_FEATURES)).payload);
    expect(hasBit(features, BLK_FEATURE_BITS.DISCARD)).toBe(true);
    expect(hasBit(features, BLK_FEATURE_BITS.RO)).toBe(false);
    const asked = encodeConfig({ offset: 0, flags: 0, data: new Uint8Array(60) });
    const config = Buffer.from(decodeConfig((await guest.ask(REQUESTS.GET_CONFIG, asked)).payload).data);
    expect(config.readBigUInt64LE(0)).toBe(2n ** 21n);
    expect(config.readUInt32LE(20)).toBe(4_096);
    expect(config.readUInt32LE(44)).toBe(8);
    const past = encodeConfig({ offset: 56, flags: 0, data: new Uint8Array(200) });
    const end = Buffer.from(decodeConfig((await guest.ask(REQUESTS.GET_CONFIG, past)).payload).data);
    expect([end.length, end[0], end[199]]).toEqual([200, 1, 0]);
    rig.device.readOnly = true;
    const less = decodeU64((await guest.ask(REQUESTS.GET_FEATURES)).payload);
    expect(hasBit(less, BLK_FEATURE_BITS.RO)).toBe(true);
    expect(hasBit(less, BLK_FEATURE_BITS.DISCARD)).toBe(false);
  });
});

describe('lives of a guest', () => {
  test('a reboot: the queue is stopped, described anew in memory mapped anew, and begins at 0', async () => {
    await using rig = await VhostRig.overFake();
    const guest = await rig.started();
    for (let i = 0; i < 5; i++) await perform(guest, { receive: 512 });
    expect(await guest.stopQueue(0)).toBe(5);
    guest.queues[0]!.reset();
    guest.forgetInflight();
    await guest.setInflight();
    guest.setMemory();
    guest.startQueue(0, 0);
    expect((await perform(guest, { receive: 512 })).status).toBe(0);
    expect(await guest.stopQueue(0)).toBe(1);
  });

  test('memory is mapped anew under a running ring, with a request out', async () => {
    await using rig = await VhostRig.overFake();
    rig.device.mode = 'hold';
    const guest = await rig.started();
    post(guest, { receive: 512, slot: 1 });
    await until(() => rig.device.submitted.length === 1);
    guest.setMemory();
    post(guest, { receive: 512, slot: 2 });
    await until(() => rig.device.submitted.length === 2);
    rig.device.finishAll();
    let answered = 0;
    await until(() => (answered += guest.queues[0]!.reap(() => undefined)) === 2);
    expect(dataOf(guest, { receive: 512, slot: 1 }).every((byte) => byte === rig.device.submitted[0]!.id)).toBe(true);
  });

  test('a pause leaves what is queued to the time after it, once each; what is at the device is waited for', async () => {
    await using rig = await VhostRig.overFake();
    const guest = await rig.started();
    rig.device.mode = 'queue';
    post(guest, { receive: 512, slot: 0 });
    await until(() => rig.device.submitted.length === 1);
    rig.device.mode = 'hold';
    post(guest, { receive: 512, slot: 1 });
    await until(() => rig.device.submitted.length === 2);
    const stopped = guest.stopQueue(0);
    await until(() => rig.device.submitted[0]!.state === 'completed');
    rig.device.finish(rig.device.submitted[1]!);
    expect(await stopped).toBe(2);
    expect([unanswered(guest, 0), unanswered(guest, 1)]).toEqual([true, false]);
    rig.device.mode = 'serve';
    await guest.setInflight();
    guest.startQueue(0, 2);
    const order: number[] = [];
    await until(() => guest.queues[0]!.reap((slot) => order.push(slot)) >= 0 && order.length === 2);
    expect(order).toEqual([1, 0]);
    expect(rig.device.submitted).toHaveLength(3);
    expect((await perform(guest, { receive: 512, slot: 2 })).status).toBe(0);
  });

  test('a guest that is killed: what is queued is taken back, and the disk waits for what the device has', async () => {
    await using rig = await VhostRig.overFake();
    const guest = await rig.started();
    rig.device.mode = 'queue';
    post(guest, { receive: 512, slot: 0 });
    await until(() => rig.device.submitted.length === 1);
    rig.device.mode = 'hold';
    post(guest, { receive: 512, slot: 1 });
    await until(() => rig.device.submitted.length === 2);
    guest.hangUp();
    await until(() => rig.device.submitted[0]!.state === 'completed');
    expect(rig.door.list()[0]!.connected).toBe(true);
    rig.device.finish(rig.device.submitted[1]!);
    await until(() => !rig.door.list()[0]!.connected);
    rig.device.mode = 'serve';
    const next = await rig.started();
    expect((await perform(next, { receive: 512 })).status).toBe(0);
  });

  test('a second front end is heard when the first has left', async () => {
    await using rig = await VhostRig.overFake();
    const first = await rig.started();
    const second = rig.frontEnd();
    second.connect(rig.socket);
    let heard = false;
    const started = second.start().then(() => (heard = true));
    for (let i = 0; i < 20; i++) expect((await perform(first, { receive: 512 })).status).toBe(0);
    expect(heard).toBe(false);
    first.hangUp();
    await started;
    expect((await perform(second, { receive: 512 })).status).toBe(0);
  });

  test('detach ends the disk and takes its socket away', async () => {
    await using rig = await VhostRig.overFake();
    const guest = await rig.started();
    await rig.door.detach(rig.socket);
    await guest.hungUp();
    expect(existsSync(rig.socket)).toBe(false);
    expect(rig.door.list()).toEqual([]);
    await rig.attach({});
  });

  test('one socket is one disk, and whatever else lies there is left alone', async () => {
    await using rig = await VhostRig.overFake();
    await expect(rig.attach({})).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    const file = { socket: import.meta.filename, device: 'disk0', tag: 'acme', map: {} };
    await expect(rig.door.attach(file)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('the service ends under a running guest', () => {
  test.each(['killed', 0, 1_000] as const)('grace %s ms: each request is answered once', async (grace) => {
    await using rig = await VhostRig.overFake();
    const guest = await rig.started();
    for (let slot = 0; slot < 3; slot++) await perform(guest, { receive: 512, slot });
    rig.device.mode = 'queue';
    for (const slot of [3, 4]) post(guest, { receive: 512, slot });
    await until(() => rig.device.submitted.length === 5);
    const restarted = rig.restart(grace);
    // With time to spare the device answers within it.
    if (grace === 1_000) rig.device.finishAll();
    await guest.hungUp();
    await restarted;
    // Meanwhile the guest goes on asking.
    post(guest, { receive: 512, slot: 5 });
    rig.device.mode = 'serve';
    const before = rig.device.executed;
    guest.hangUp();
    guest.connect(rig.socket);
    await guest.start([guest.queues[0]!.availableIndex]);
    const order: number[] = [];
    await until(() => guest.queues[0]!.reap((slot) => order.push(slot)) >= 0 && order.length === 3);
    expect(order).toEqual([3, 4, 5]);
    expect(rig.device.executed - before).toBe(grace === 1_000 ? 1 : 3);
    expect((await perform(guest, { receive: 512, slot: 6 })).status).toBe(0);
    expect(rig.device.submitted.filter((io) => io.op !== OPS.READ)).toEqual([]);
  });

  test('what was answered and not told is told by the service that comes next', async () => {
    await using rig = await VhostRig.overFake();
    const guest = await rig.started();
    post(guest, { receive: 512 });
    await until(() => !unanswered(guest, 0));
    const restarted = rig.restart('killed');
    await guest.hungUp();
    await restarted;
    // As where the first one died before it came to that: the guest sleeps, and has nothing else to ask.
    count(guest.calls[0]!);
    guest.hangUp();
    guest.connect(rig.socket);
    await guest.start([guest.queues[0]!.availableIndex]);
    await until(() => count(guest.calls[0]!) > 0);
    expect(guest.queues[0]!.reap(() => undefined)).toBe(1);
  });
});
