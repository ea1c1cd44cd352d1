import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { CODES } from '../../../src/core/model/errors.js';
import { Harness, read, write } from './harness.js';
import { ioClient } from './raw-client.js';

describe('a stream', () => {
  test('welcomes, opens, gives credit, serves', async () => {
    await using harness = await Harness.start();
    const stream = harness.connect();
    stream.send({ hello: { sessionId: '' }, open: [{ handle: 7, device: 'disk0', tag: 'acme/db' }] });
    await stream.until(() => stream.credit(7) !== undefined);
    expect(stream.frames[0]!.welcome).toEqual({
      hostId: 'host-1',
      resumed: false,
      fenceMs: 5_000,
      maxIoBytes: 1_048_576,
      maxFrameBytes: 2_097_152,
      maxHandles: 1_024,
    });
    expect(stream.opened).toEqual([
      { handle: 7, code: CODES.OK, message: '', sizeBytes: 2 ** 30, blockBytes: 512, readOnly: false, lease: false },
    ]);
    expect(stream.credit(7)).toEqual({ handle: 7, requestsTotal: 256, bytesTotal: 8 * 1_048_576 });
    stream.send({ requests: [read(1, { handle: 7, length: 1_024 }), write(2, { handle: 7, fua: true })] });
    const [first, second] = await stream.repliesOf(2);
    expect(first).toMatchObject({ id: 1, code: CODES.OK, serviceUs: 7, shareUs: 3, limitUs: 0, cost: 1, attempt: 0 });
    expect(first!.data).toEqual(Buffer.alloc(1_024, 1));
    expect(second).toMatchObject({ id: 2, code: CODES.OK, data: Buffer.alloc(0) });
    expect(harness.device.submitted[1]).toMatchObject({ fua: true, lengthBytes: 512 });
    expect(harness.device.tags).toEqual(['acme/db', 'acme/db']);
  });

  test('answers all of one frame in one frame', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    stream.send({ requests: Array.from({ length: 64 }, (_, id) => read(id)) });
    await stream.repliesOf(64);
    expect(stream.frames.at(-1)!.replies).toHaveLength(64);
  });

  test('replies that do not fit a frame go in several, none past the limit', async () => {
    await using harness = await Harness.start({ maxIoBytes: 65_536, maxFrameBytes: 131_072 });
    const stream = await harness.stream();
    stream.send({ requests: Array.from({ length: 20 }, (_, id) => read(id, { length: 65_536 })) });
    await stream.repliesOf(20);
    expect(Math.max(...stream.frames.map((frame) => frame.replies.length))).toBe(1);
    expect(stream.replies.map((reply) => reply.id)).toEqual(Array.from({ length: 20 }, (_, id) => id));
  });

  test('half-close: what is out is answered, then the stream ends well', async () => {
    await using harness = await Harness.start();
    harness.device.mode = 'hold';
    const stream = await harness.stream();
    stream.send({ requests: [read(1), write(2)] });
    stream.call.end();
    while (harness.device.outstanding < 2) await new Promise((resolve) => setImmediate(resolve));
    harness.device.finishAll();
    expect((await stream.ended()).code).toBe(status.OK);
    expect(stream.replies.map((reply) => reply.code)).toEqual([CODES.OK, CODES.OK]);
  });

  test('a tag of its own is what the request goes by', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    stream.send({ requests: [read(1, { tag: 'acme/db' }), read(2, { tag: 'acme' }), read(3)] });
    await stream.repliesOf(3);
    expect(harness.device.tags).toEqual(['acme/db', 'acme', 'acme']);
  });

  test('queue_timeout_us reaches the dispatcher in nanoseconds', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    stream.send({ requests: [read(1, { queueTimeoutUs: 2_500 })] });
    await stream.repliesOf(1);
    expect(harness.device.submitted[0]!.queueTimeoutNs).toBe(2_500_000);
  });

  test('cancel: queued is answered CANCELLED; at the device it completes; unknown is nothing', async () => {
    await using harness = await Harness.start();
    const { device } = harness;
    device.mode = 'queue';
    const stream = await harness.stream();
    stream.send({ requests: [read(1)], cancels: [{ id: 1 }, { id: 99 }] });
    expect(await stream.reply(1)).toMatchObject({ code: CODES.CANCELLED, cost: 0 });
    device.mode = 'hold';
    stream.send({ requests: [read(2)], cancels: [{ id: 2 }] });
    while (device.outstanding === 0) await new Promise((resolve) => setImmediate(resolve));
    device.finishAll();
    expect(await stream.reply(2)).toMatchObject({ code: CODES.OK });
  });

  test('close: queued requests of the handle are answered CANCELLED, those at the device complete', async () => {
    await using harness = await Harness.start();
    const { device } = harness;
    const stream = await harness.stream();
    stream.send({ open: [{ handle: 2, device: 'disk0', tag: 'b' }] });
    await stream.openedOf(2);
    device.mode = 'hold';
    stream.send({ requests: [read(1)] });
    while (device.outstanding === 0) await new Promise((resolve) => setImmediate(resolve));
    device.mode = 'queue';
    stream.send({ requests: [read(2), read(3), read(4, { handle: 2 })], close: [1, 55] });
    await stream.repliesOf(2);
    expect(stream.replies.map(({ id, code }) => [id, code])).toEqual([
      [2, CODES.CANCELLED],
      [3, CODES.CANCELLED],
    ]);
    device.finishAll();
    await stream.repliesOf(4);
    expect(stream.replies.slice(2).map(({ id, code }) => [id, code])).toEqual([
      [1, CODES.OK],
      [4, CODES.OK],
    ]);
    device.mode = 'serve';
    stream.send({ open: [{ handle: 1, device: 'disk0', tag: 'c' }], requests: [read(5)] });
    expect((await stream.openedOf(3))[2]).toMatchObject({ handle: 1, code: CODES.OK });
    // The window stands from the open on: what follows it in its frame is served.
    expect((await stream.reply(5)).code).toBe(CODES.OK);
    stream.send({ requests: [read(6)] });
    expect((await stream.reply(6)).code).toBe(CODES.OK);
  });

  test('when it is cut, what is queued is cancelled and what is at the device completes', async () => {
    await using harness = await Harness.start();
    const { device } = harness;
    const stream = await harness.stream();
    device.mode = 'hold';
    stream.send({ requests: [write(1)] });
    while (device.submitted.length < 1) await new Promise((resolve) => setImmediate(resolve));
    device.mode = 'queue';
    stream.send({ requests: [write(2)] });
    while (device.submitted.length < 2) await new Promise((resolve) => setImmediate(resolve));
    stream.call.cancel();
    while (device.queued > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(device.submitted.map((io) => io.code)).toEqual(['OK', 'CANCELLED']);
    expect(device.submitted[0]!.state).toBe('outstanding');
    device.finishAll();
    expect(harness.door.streams).toBe(0);
  });

  test('streams past max_streams are refused, and room is made by an end', async () => {
    await using harness = await Harness.start({ maxStreams: 1 });
    const first = await harness.stream();
    const second = harness.connect();
    second.send({ hello: {} });
    expect(await second.ended()).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: 'at most max_streams (1) streams may be open',
    });
    first.call.end();
    await first.ended();
    await harness.stream();
  });
});

describe('the server', () => {
  test('a port in use is INVALID_ARGUMENT and names the address', async () => {
    await using harness = await Harness.start();
    await using other = await Harness.start();
    await expect(other.door.listen(harness.address)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(harness.address) as string,
    });
    await expect(other.door.listen('not an address')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('the receive window is raised for each connection', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    // Of the client's session, what the server has told: private to grpc-js, so seen at the wire.
    const http2 = await import('node:http2');
    const session = http2.connect(`http://${harness.address}`);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(session.remoteSettings.initialWindowSize).toBe(4 * 1_048_576);
    while ((session.state.remoteWindowSize ?? 0) < 16 * 1_048_576) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    session.close();
    stream.call.end();
    await stream.ended();
  });

  test('an unknown method is UNIMPLEMENTED', async () => {
    await using harness = await Harness.start();
    const client = ioClient(harness.address);
    const error = await new Promise((resolve) =>
      client.makeUnaryRequest(
        '/sluice.v1.IoService/Nothing',
        (value: Buffer) => value,
        (bytes: Buffer) => bytes,
        Buffer.alloc(0),
        resolve,
      ),
    );
    client.close();
    expect(error).toMatchObject({ code: status.UNIMPLEMENTED });
  });
});
