import { credentials, status, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { CODES } from '../../../src/core/model/errors.js';
import { Harness, read, turns, write } from './harness.js';
import { ioClient, stubs } from './raw-client.js';

describe('drain', () => {
  test('says GoAway, answers what is out, takes nothing new, ends the stream from this side', async () => {
    await using harness = await Harness.start();
    const { device } = harness;
    device.mode = 'hold';
    const stream = await harness.stream();
    stream.send({ requests: [read(1), write(2)] });
    while (device.outstanding < 2) await turns(1);
    const drained = harness.door.drain(20_000);
    await stream.until(() => stream.goAway !== null);
    expect(stream.goAway).toEqual({ reason: 'this host is draining', graceMs: 20_000 });
    stream.send({ requests: [read(3)], open: [{ handle: 2, device: 'disk0', tag: 'b' }] });
    expect(await stream.reply(3)).toMatchObject({ code: CODES.DRAINING });
    expect((await stream.openedOf(2))[1]).toMatchObject({ code: CODES.DRAINING });
    device.finishAll();
    expect((await stream.ended()).code).toBe(status.OK);
    expect(stream.replies.map(({ id, code }) => [id, code])).toEqual([
      [3, CODES.DRAINING],
      [1, CODES.OK],
      [2, CODES.OK],
    ]);
    await drained;
    const late = harness.connect();
    late.send({ hello: {} });
    expect((await late.ended()).code).toBe(status.UNAVAILABLE);
  });

  test('refuses new streams and calls on connections that are still open', async () => {
    await using harness = await Harness.start();
    harness.device.mode = 'hold';
    const stream = await harness.stream();
    stream.send({ requests: [read(1)] });
    while (harness.device.outstanding < 1) await turns(1);
    const drained = harness.door.drain(20_000);
    const client = stream.client as ReturnType<typeof ioClient>;
    const second = client.Stream();
    second.on('error', () => undefined);
    const ended = new Promise((resolve) => second.on('status', resolve));
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE, details: 'this host is draining' });
    const refused = await new Promise<ServiceError | null>((resolve) =>
      client.Submit({ device: 'disk0', request: { ...read(1), tag: 'a' } }, (error) => resolve(error)),
    );
    expect(refused).toMatchObject({ code: status.UNAVAILABLE, details: 'this host is draining' });
    harness.device.finishAll();
    await drained;
  });

  test('when the grace time is over what is queued is cancelled and answered', async () => {
    await using harness = await Harness.start();
    harness.device.mode = 'queue';
    const stream = await harness.stream();
    stream.send({ requests: [read(1), read(2)] });
    while (harness.device.queued < 2) await turns(1);
    await harness.door.drain(30);
    expect((await stream.ended()).code).toBe(status.OK);
    expect(stream.replies.map((reply) => reply.code)).toEqual([CODES.CANCELLED, CODES.CANCELLED]);
  });

  test('what hangs at the device does not hold up the end for ever', async () => {
    await using harness = await Harness.start();
    harness.device.mode = 'hold';
    const stream = await harness.stream();
    stream.send({ requests: [write(1)] });
    while (harness.device.outstanding < 1) await turns(1);
    await harness.door.drain(10);
    expect((await stream.ended()).code).toBe(status.UNAVAILABLE);
    harness.device.finishAll();
  });

  test('a client that half-closes on GoAway is done at once', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    const drained = harness.door.drain(20_000);
    await stream.until(() => stream.goAway !== null);
    stream.call.end();
    expect((await stream.ended()).code).toBe(status.OK);
    await drained;
  });

  test('a stream without hello, and none at all', async () => {
    await using harness = await Harness.start();
    const mute = harness.connect();
    while (harness.door.streams === 0) await turns(1);
    await harness.door.drain(20_000);
    expect((await mute.ended()).code).toBe(status.UNAVAILABLE);
    await harness.door.drain(20_000);
  });

  test('health says NOT_SERVING, and its watch does not hold up the end', async () => {
    await using harness = await Harness.start();
    const { service } = await import('grpc-health-check');
    const { Client } = await import('@grpc/grpc-js');
    const client = new Client(harness.address, credentials.createInsecure());
    const { path, requestSerialize, responseDeserialize } = service.Watch!;
    const watch = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
      service: 'sluice.v1.IoService',
    });
    const seen: string[] = [];
    watch.on('data', ({ status: serving }: { status: string }) => seen.push(serving));
    watch.on('error', () => undefined);
    while (seen.length === 0) await turns(1);
    await harness.door.drain(20_000);
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    client.close();
  });
});

test('stubs of all services are made of one package', () => {
  expect(Object.keys(stubs())).toEqual(
    expect.arrayContaining(['IoService', 'PolicyService', 'DeviceService', 'UsageService']),
  );
});
