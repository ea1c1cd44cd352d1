import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { CODES } from '../../../src/core/model/errors.js';
import { Harness, read, turns, write } from './harness.js';
import type { RawStream } from './raw-client.js';

const SESSION = Buffer.alloc(16, 7);

async function cut(stream: RawStream, harness: Harness): Promise<void> {
  stream.call.cancel();
  while (harness.door.streams > 0) await turns(1);
}

function resumed(stream: RawStream): boolean | undefined {
  return stream.frames[0]?.welcome?.resumed;
}

describe('a session that comes back', () => {
  test('a write that was executed is not executed again: its outcome is told', async () => {
    await using harness = await Harness.start();
    const { device } = harness;
    const first = await harness.stream(SESSION);
    expect(resumed(first)).toBe(false);
    first.send({ requests: [write(1), write(2), read(3)] });
    await first.repliesOf(3);
    device.mode = 'hold';
    first.send({ requests: [write(4)] });
    while (device.outstanding === 0) await turns(1);
    device.finish(device.submitted.at(-1)!, 'DEVICE_IO', 'the medium is bad');
    await first.reply(4);
    await cut(first, harness);
    device.mode = 'serve';
    const second = await harness.stream(SESSION);
    expect(resumed(second)).toBe(true);
    second.send({ requests: [write(1, { attempt: 1 }), read(3, { attempt: 1 }), write(4, { attempt: 1 })] });
    await second.repliesOf(3);
    expect(second.replies.map(({ id, code, attempt }) => [id, code, attempt])).toEqual([
      [1, CODES.OK, 1],
      [3, CODES.OK, 1],
      [4, CODES.DEVICE_IO, 1],
    ]);
    expect(second.replies[2]!.message).toBe('the medium is bad');
    // Four at first, and the read again.
    expect(device.executed).toBe(5);
    await cut(second, harness);
    const third = await harness.stream(SESSION);
    third.send({ requests: [write(1, { attempt: 2 })] });
    expect(await third.reply(1)).toMatchObject({ code: CODES.OK, attempt: 2 });
    expect(device.executed).toBe(5);
  });

  test('a write still at the device is not begun again: its answer comes on the new stream', async () => {
    await using harness = await Harness.start();
    const { device } = harness;
    device.mode = 'hold';
    const first = await harness.stream(SESSION);
    first.send({ requests: [write(1), write(2)] });
    while (device.outstanding < 2) await turns(1);
    await cut(first, harness);
    const second = await harness.stream(SESSION);
    second.send({ requests: [write(1, { attempt: 1 })] });
    second.send({ requests: [write(1, { attempt: 1 })], cancels: [{ id: 1 }] });
    expect(await second.reply(1)).toMatchObject({ code: CODES.INVALID_ARGUMENT });
    expect(device.submitted).toHaveLength(2);
    device.finishAll();
    expect((await second.repliesOf(2))[1]).toMatchObject({ id: 1, code: CODES.OK, attempt: 1, serviceUs: 7 });
    // The other ended before anybody asked for it.
    second.send({ requests: [write(2, { attempt: 1 })] });
    expect(await second.reply(2)).toMatchObject({ code: CODES.OK, attempt: 1 });
    expect(device.executed).toBe(2);
    await second.until(() => second.credit(1)!.requestsTotal >= 256);
  });

  test('a write that was only queued is executed when it is sent again', async () => {
    await using harness = await Harness.start();
    const { device } = harness;
    device.mode = 'queue';
    const first = await harness.stream(SESSION);
    first.send({ requests: [write(1)] });
    while (device.queued < 1) await turns(1);
    await cut(first, harness);
    device.mode = 'serve';
    const second = await harness.stream(SESSION);
    second.send({ requests: [write(1, { attempt: 1 })] });
    expect(await second.reply(1)).toMatchObject({ code: CODES.OK });
    expect(device.executed).toBe(1);
  });

  test('through a second cut while it waits for the device', async () => {
    await using harness = await Harness.start();
    const { device } = harness;
    device.mode = 'hold';
    const first = await harness.stream(SESSION);
    first.send({ requests: [write(1)] });
    while (device.outstanding < 1) await turns(1);
    await cut(first, harness);
    const second = await harness.stream(SESSION);
    second.send({ requests: [write(1, { attempt: 1 }), read(2)] });
    while (device.outstanding < 2) await turns(1);
    await cut(second, harness);
    const third = await harness.stream(SESSION);
    third.send({ requests: [write(1, { attempt: 2 })] });
    third.send({ requests: [read(3, { op: 0 })] });
    await third.reply(3);
    device.finishAll();
    expect(await third.reply(1)).toMatchObject({ code: CODES.OK, attempt: 2 });
    expect(device.executed).toBe(2);
  });

  test('outcomes of all writes that can be unseen are kept: a window of each handle', async () => {
    await using harness = await Harness.start({ handleRequests: 8 });
    const { device } = harness;
    const first = await harness.stream(SESSION);
    first.send({ open: [{ handle: 2, device: 'disk0', tag: 'b' }] });
    await first.until(() => first.credit(2) !== undefined);
    for (let id = 1; id <= 40; id++) {
      const handle = 1 + (id % 2);
      await first.until(() => first.credit(handle)!.requestsTotal >= id / 2);
      first.send({ requests: [write(id, { handle })] });
    }
    await first.repliesOf(40);
    await cut(first, harness);
    const second = await harness.stream(SESSION);
    second.send({ requests: Array.from({ length: 8 }, (_, i) => write(33 + i, { attempt: 1 })) });
    await second.repliesOf(8);
    expect(device.executed).toBe(40);
  });

  test('a session id in use: the newer stream has it, the older is ended', async () => {
    await using harness = await Harness.start();
    const { device } = harness;
    device.mode = 'hold';
    const first = await harness.stream(SESSION);
    first.send({ requests: [write(1)] });
    while (device.outstanding < 1) await turns(1);
    const second = await harness.stream(SESSION);
    expect(await first.ended()).toMatchObject({
      code: status.CANCELLED,
      details: 'another stream has taken this session over',
    });
    expect(resumed(second)).toBe(true);
    second.send({ requests: [write(1, { attempt: 1 })] });
    second.send({ requests: [read(2, { op: 0 })] });
    await second.reply(2);
    device.finishAll();
    expect(await second.reply(1)).toMatchObject({ code: CODES.OK, attempt: 1 });
    expect(device.executed).toBe(1);
    expect(harness.door.streams).toBe(1);
  });

  test('without a session id nothing is kept', async () => {
    await using harness = await Harness.start();
    const first = await harness.stream();
    first.send({ requests: [write(1)] });
    await first.repliesOf(1);
    await cut(first, harness);
    const second = await harness.stream();
    expect(resumed(second)).toBe(false);
    second.send({ requests: [write(1, { attempt: 1 })] });
    await second.repliesOf(1);
    expect(harness.device.executed).toBe(2);
  });
});
