import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { CODES } from '../../../src/core/model/errors.js';
import { SluiceError } from '../../../src/core/model/errors.js';
import { DEFAULT_IO_LIMITS, checkLimits } from '../../../src/doors/grpc/limits.js';
import { Harness, read, turns, write } from './harness.js';

const SMALL = { handleRequests: 4, handleBytes: 65_536, maxIoBytes: 16_384 };

describe('credit', () => {
  test('requests past it are answered CREDIT_EXCEEDED; the stream lives on and credit comes back', async () => {
    await using harness = await Harness.start(SMALL);
    const { device } = harness;
    device.mode = 'hold';
    const stream = await harness.stream();
    expect(stream.credit(1)).toEqual({ handle: 1, requestsTotal: 4, bytesTotal: 65_536 });
    stream.send({ requests: [1, 2, 3, 4, 5].map((id) => read(id)) });
    expect(await stream.reply(5)).toMatchObject({
      code: CODES.CREDIT_EXCEEDED,
      message: 'handle 1 may have sent at most 4 requests and 65536 bytes, got 5 and 2560',
    });
    expect(device.submitted).toHaveLength(4);
    device.finishAll();
    await stream.until(() => stream.credit(1)?.requestsTotal === 9);
    expect(stream.credit(1)!.bytesTotal).toBe(65_536 + 5 * 512);
    device.mode = 'serve';
    stream.send({ requests: [6, 7, 8, 9].map((id) => read(id)) });
    await stream.repliesOf(9);
    expect(stream.replies.slice(5).map((reply) => reply.code)).toEqual(Array(4).fill(CODES.OK));
  });

  test('counts the bytes of READ and WRITE, not those of TRIM', async () => {
    await using harness = await Harness.start({ ...SMALL, handleRequests: 100 });
    harness.device.mode = 'hold';
    const stream = await harness.stream();
    stream.send({
      requests: [
        read(1, { length: 16_384 }),
        write(2, { length: 16_384 }),
        read(3, { op: 4, length: 2 ** 20 }),
        read(4, { length: 16_384 }),
        read(5, { length: 16_384 }),
        read(6, { op: 3, length: 0 }),
        read(7),
      ],
    });
    expect((await stream.reply(7)).code).toBe(CODES.CREDIT_EXCEEDED);
    expect(harness.device.submitted.map((io) => io.id)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('is a handle’s own: one that has none left holds up no other', async () => {
    await using harness = await Harness.start(SMALL);
    const { device } = harness;
    const stream = await harness.stream();
    stream.send({ open: [{ handle: 2, device: 'disk0', tag: 'b' }] });
    await stream.until(() => stream.credit(2) !== undefined);
    device.mode = 'hold';
    stream.send({ requests: [1, 2, 3, 4].map((id) => read(id)) });
    while (device.outstanding < 4) await turns(1);
    device.mode = 'serve';
    stream.send({ requests: [read(11, { handle: 1 }), read(12, { handle: 2 })] });
    await stream.repliesOf(2);
    expect(stream.replies.map(({ id, code }) => [id, code])).toEqual([
      [11, CODES.CREDIT_EXCEEDED],
      [12, CODES.OK],
    ]);
  });

  test('refused requests use credit like others and give it back', async () => {
    await using harness = await Harness.start(SMALL);
    const stream = await harness.stream();
    for (let id = 1; id <= 40; id += 2) {
      await stream.until(() => stream.credit(1)!.requestsTotal >= id + 1);
      stream.send({ requests: [read(id, { op: 0 }), read(id + 1, { length: 1_048_577 })] });
    }
    await stream.repliesOf(40);
    expect(new Set(stream.replies.map((reply) => reply.code))).toEqual(
      new Set([CODES.INVALID_ARGUMENT, CODES.TOO_LARGE]),
    );
    await stream.until(() => stream.credit(1)!.requestsTotal === 44);
  });

  test('never leaves a client waiting: a closed loop of any depth goes on for ever', async () => {
    await using harness = await Harness.start(SMALL);
    const stream = await harness.stream();
    let sent = 0;
    for (const depth of [1, 2, 3, 4]) {
      for (let round = 0; round < 50; round++) {
        const upTo = sent + depth;
        while (sent < upTo) {
          await stream.until(() => stream.credit(1)!.requestsTotal > sent);
          stream.send({ requests: [read(++sent, { length: 16_384 })] });
        }
        await stream.repliesOf(sent);
      }
    }
    expect(stream.replies.every((reply) => reply.code === CODES.OK)).toBe(true);
  });

  test('limits that leave no room for one another are refused', () => {
    expect(() => checkLimits({ ...DEFAULT_IO_LIMITS, maxFrameBytes: 1_048_576 })).toThrow(SluiceError);
    expect(() => checkLimits({ ...DEFAULT_IO_LIMITS, handleBytes: 65_536 })).toThrow(/handle_bytes.*65536/);
  });
});

function heapAndBuffers(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('a client that does not read its replies', () => {
  test('gets no more credit, and holds no more than its window on the server', async () => {
    await using harness = await Harness.start({ handleBytes: 4 * 1_048_576, handleRequests: 1_000 });
    const stream = await harness.stream();
    const before = heapAndBuffers();
    stream.call.pause();
    // 64 MiB asked for in 64 KiB reads, 4 MiB of credit.
    for (let id = 0; id < 1_024; id += 64) {
      stream.send({ requests: Array.from({ length: 64 }, (_, i) => read(id + i, { length: 65_536 })) });
    }
    while (harness.device.submitted.length < 64) await turns(1);
    await turns(200);
    const served = harness.device.submitted.length;
    // The window, and what the connection took in before it was full: 16 frames in the client's stream at most.
    expect(served).toBeLessThan(512);
    expect(heapAndBuffers() - before).toBeLessThan(48 * 1_048_576);
    stream.call.resume();
    await stream.repliesOf(1_024);
    expect(stream.replies.filter((reply) => reply.code === CODES.CREDIT_EXCEEDED).length).toBeGreaterThan(0);
    stream.send({ requests: [read(5_000)] });
    expect((await stream.reply(5_000)).code).toBe(CODES.OK);
  });

  test('that floods with bad requests is not read any more', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    stream.call.pause();
    // Large on the way in, so that the receive window, too, is soon full.
    const data = Buffer.alloc(1_024);
    const frame = { requests: Array.from({ length: 1_000 }, (_, id) => read(id, { handle: 99, data })) };
    let blocked = false;
    for (let i = 0; i < 400 && !blocked; i++) {
      stream.send(frame);
      await turns(5);
      blocked = stream.call.writableLength > 32;
    }
    expect(blocked).toBe(true);
    const sent = stream.call.writableLength;
    stream.call.resume();
    await stream.until(() => stream.call.writableLength === 0);
    expect(sent).toBeGreaterThan(32);
    stream.send({ requests: [read(5_000)] });
    expect((await stream.reply(5_000)).code).toBe(CODES.OK);
  });
});
