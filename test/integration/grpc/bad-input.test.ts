import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { CODES, type Code } from '../../../src/core/model/errors.js';
import { decodeStatusDetails } from '../../../src/wire/status-details.js';
import type { ClientFrame } from '../../../src/wire/gen/sluice/v1/ClientFrame.js';
import { Harness, read, write } from './harness.js';
import { ioClient } from './raw-client.js';

type Request = NonNullable<ClientFrame['requests']>[number];

describe('a bad request is answered by name, value and what is allowed, and the stream lives on', () => {
  const cases: [string, Request, Code, RegExp][] = [
    ['unknown handle', read(9, { handle: 5 }), 'NOT_FOUND', /request\.handle must be open on this stream, got 5$/],
    ['handle -1', read(9, { handle: -1 }), 'NOT_FOUND', /request\.handle .* got 4294967295$/],
    ['op unspecified', read(9, { op: 0 }), 'INVALID_ARGUMENT', /request\.op must be one of READ, .* got 0$/],
    ['op unknown', read(9, { op: 17 as never }), 'INVALID_ARGUMENT', /request\.op .* got 17$/],
    ['op -1', read(9, { op: -1 as never }), 'INVALID_ARGUMENT', /request\.op .* got -1$/],
    [
      'offset past 2^53',
      read(9, { offset: '18446744073709551615' }),
      'INVALID_ARGUMENT',
      /request\.offset must be an integer 0\.\.9007199254740991, got 18446744073709552000$/,
    ],
    ['length past 2^53', read(9, { length: '9007199254740992' }), 'INVALID_ARGUMENT', /request\.length .* got 9007/],
    ['length 0', read(9, { length: 0 }), 'INVALID_ARGUMENT', /request\.length must be above 0 for READ, got 0$/],
    [
      'TRIM of nothing',
      read(9, { op: 4, length: 0 }),
      'INVALID_ARGUMENT',
      /request\.length must be above 0 for TRIM, got 0$/,
    ],
    [
      'READ too long',
      read(9, { length: 1_048_577 }),
      'TOO_LARGE',
      /request\.length must be at most max_io_bytes \(1048576\), got 1048577$/,
    ],
    [
      'WRITE too long',
      write(9, { length: 1_048_577, data: Buffer.alloc(1_048_577) }),
      'TOO_LARGE',
      /request\.length must be at most max_io_bytes/,
    ],
    [
      'WRITE with less data than length',
      write(9, { length: 1_024, data: Buffer.alloc(512) }),
      'INVALID_ARGUMENT',
      /request\.data must be as long as request\.length \(1024 bytes\), got 512$/,
    ],
    [
      'WRITE without data',
      write(9, { data: Buffer.alloc(0) }),
      'INVALID_ARGUMENT',
      /request\.data must be as long as request\.length \(512 bytes\), got 0$/,
    ],
    [
      'READ with data',
      read(9, { data: Buffer.alloc(3) }),
      'INVALID_ARGUMENT',
      /request\.data must be empty for READ, got 3$/,
    ],
    [
      'FLUSH with offset',
      read(9, { op: 3, offset: 512, length: 0 }),
      'INVALID_ARGUMENT',
      /request\.offset must be 0 for FLUSH, got 512$/,
    ],
    [
      'FLUSH with length',
      read(9, { op: 3, length: 512 }),
      'INVALID_ARGUMENT',
      /request\.length must be 0 for FLUSH, got 512$/,
    ],
    [
      'tag outside the handle',
      read(9, { tag: 'other/db' }),
      'PERMISSION_DENIED',
      /request\.tag must be the handle's tag \(acme\) or below it, got "other\/db"$/,
    ],
    ['tag beside the handle', read(9, { tag: 'acmedb' }), 'PERMISSION_DENIED', /request\.tag/],
    [
      'malformed tag',
      read(9, { tag: 'acme//x' }),
      'INVALID_ARGUMENT',
      /request\.tag must be 1 to 8 segments .* got "acme\/\/x"$/,
    ],
    ['over-long tag', read(9, { tag: `acme/${'x'.repeat(64)}` }), 'INVALID_ARGUMENT', /request\.tag must be/],
  ];

  test.each(cases)('%s', async (_, request, code, message) => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    stream.send({ requests: [read(1), request, read(2)] });
    await stream.repliesOf(3);
    expect(stream.replies.map(({ id, code }) => [id, code])).toEqual([
      [1, CODES.OK],
      [9, CODES[code]],
      [2, CODES.OK],
    ]);
    expect(stream.replies[1]!.message).toMatch(message);
    expect(harness.device.submitted).toHaveLength(2);
  });

  test('an id past 2^53 is refused under the nearest id there is', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    stream.send({ requests: [read(1, { id: '18446744073709551615' })] });
    const [reply] = await stream.repliesOf(1);
    expect(reply).toMatchObject({ id: 2 ** 64, code: CODES.INVALID_ARGUMENT });
    expect(reply!.message).toMatch(/^request\.id must be an integer/);
  });

  test('a duplicate of an outstanding id', async () => {
    await using harness = await Harness.start();
    harness.device.mode = 'hold';
    const stream = await harness.stream();
    stream.send({ requests: [read(1), write(1)] });
    const [duplicate] = await stream.repliesOf(1);
    expect(duplicate).toMatchObject({
      id: 1,
      code: CODES.INVALID_ARGUMENT,
      message: 'request.id must not be outstanding on this stream, got 1',
    });
    harness.device.finishAll();
    expect((await stream.repliesOf(2))[1]).toMatchObject({ id: 1, code: CODES.OK });
    stream.send({ requests: [read(1)] });
    harness.device.mode = 'serve';
    expect((await stream.repliesOf(3))[2]).toMatchObject({ id: 1, code: CODES.OK });
  });

  test('large ranges of TRIM and WRITE_ZEROES are not bound by max_io_bytes', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    stream.send({ requests: [read(1, { op: 4, length: 2 ** 30 }), read(2, { op: 5, length: 2 ** 29 })] });
    expect((await stream.repliesOf(2)).map((reply) => reply.code)).toEqual([CODES.OK, CODES.OK]);
  });

  test('done and renew are for leases that are held', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    stream.send({ done: [{ id: 4, code: 0 }], renew: [{ id: 5 }] });
    expect(await stream.reply(4)).toMatchObject({ code: CODES.NOT_FOUND });
    const revoked = (): number[] => stream.frames.flatMap((frame) => frame.revoked).map(({ id }) => id);
    await stream.until(() => revoked().length === 1);
    expect(revoked()).toEqual([5]);
  });

  test('a frame past max_frame_bytes: its requests are answered TOO_LARGE, the rest of it is acted on', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    const mib = Buffer.alloc(1_048_576);
    stream.send({
      open: [{ handle: 2, device: 'disk0', tag: 'b' }],
      requests: [0, 1, 2].map((id) => write(id, { length: mib.length, data: mib })),
    });
    await stream.repliesOf(3);
    expect(stream.replies.map((reply) => reply.code)).toEqual(Array(3).fill(CODES.TOO_LARGE));
    expect(stream.replies[0]!.message).toMatch(
      /^a frame must be at most max_frame_bytes \(2097152\), got 31\d+ bytes$/,
    );
    expect(stream.opened.at(-1)).toMatchObject({ handle: 2, code: CODES.OK });
    stream.send({ requests: [write(7), read(8, { handle: 2 })] });
    expect((await stream.repliesOf(5)).slice(3).map((reply) => reply.code)).toEqual([CODES.OK, CODES.OK]);
    expect(harness.device.submitted).toHaveLength(2);
  });
});

describe('a bad open is answered and the stream lives on', () => {
  const cases: [string, { handle: number; device: string; tag: string }, Code, RegExp][] = [
    [
      'handle 0',
      { handle: 0, device: 'disk0', tag: 'a' },
      'INVALID_ARGUMENT',
      /open\.handle must be 1 or more, got 0$/,
    ],
    ['handle in use', { handle: 1, device: 'disk0', tag: 'a' }, 'INVALID_ARGUMENT', /open\.handle .* got 1$/],
    ['unknown device', { handle: 2, device: 'nope', tag: 'a' }, 'NOT_FOUND', /open\.device .* got "nope"$/],
    ['path for a device', { handle: 2, device: '../etc', tag: 'a' }, 'NOT_FOUND', /open\.device .* got "\.\.\/etc"$/],
    ['no tag', { handle: 2, device: 'disk0', tag: '' }, 'INVALID_ARGUMENT', /open\.tag must be 1 to 8 .* got ""$/],
    ['upper case', { handle: 2, device: 'disk0', tag: 'Acme' }, 'INVALID_ARGUMENT', /open\.tag .* got "Acme"$/],
    [
      'nine segments',
      { handle: 2, device: 'disk0', tag: 'a/b/c/d/e/f/g/h/i' },
      'INVALID_ARGUMENT',
      /open\.tag must be 1 to 8 segments/,
    ],
    [
      'over-long tag',
      { handle: 2, device: 'disk0', tag: 'x'.repeat(5_000) },
      'INVALID_ARGUMENT',
      /open\.tag .*… \(5002 characters\)$/,
    ],
  ];

  test.each(cases)('%s', async (_, open, code, message) => {
    await using harness = await Harness.start();
    const stream = await harness.stream();
    stream.send({ open: [open], requests: [read(1)] });
    await stream.repliesOf(1);
    const [, opened] = await stream.openedOf(2);
    expect(opened).toMatchObject({ handle: open.handle, code: CODES[code], sizeBytes: 0 });
    expect(opened!.message).toMatch(message);
    expect(stream.replies[0]!.code).toBe(CODES.OK);
  });

  test('what the device refuses', async () => {
    await using harness = await Harness.start();
    harness.device.refused = { code: 'DRAINING', message: 'device disk0 is draining and takes no new requests' };
    const stream = harness.connect();
    stream.send({ hello: {}, open: [{ handle: 1, device: 'disk0', tag: 'acme' }] });
    expect((await stream.openedOf(1))[0]).toMatchObject({
      code: CODES.DRAINING,
      message: 'device disk0 is draining and takes no new requests',
    });
  });

  test('handles past max_handles', async () => {
    await using harness = await Harness.start({ maxHandles: 2 });
    const stream = await harness.stream();
    const open = (handle: number) => ({ handle, device: 'disk0', tag: 'a' });
    stream.send({ open: [open(2), open(3)], close: [2] });
    expect((await stream.openedOf(3)).map(({ code }) => code)).toEqual([CODES.OK, CODES.OK, CODES.QUEUE_FULL]);
    expect(stream.opened[2]!.message).toMatch(/at most max_handles \(2\)/);
    stream.send({ open: [open(3)] });
    expect((await stream.openedOf(4))[3]).toMatchObject({ handle: 3, code: CODES.OK });
  });
});

describe('what ends a stream', () => {
  const cases: [string, ClientFrame, string][] = [
    [
      'a first frame without hello',
      { requests: [read(1)] },
      'hello must be in the first frame of a stream, got "none"',
    ],
    [
      'a session id of another length',
      { hello: { sessionId: Buffer.alloc(15) } },
      'hello.session_id must be 16 bytes long or empty, got 15',
    ],
  ];
  test.each(cases)('%s', async (_, frame, details) => {
    await using harness = await Harness.start();
    const stream = harness.connect();
    stream.send(frame);
    const ended = await stream.ended();
    expect(ended).toMatchObject({ code: status.INVALID_ARGUMENT, details });
    expect(decodeStatusDetails(ended.metadata.get('grpc-status-details-bin')[0] as Buffer)).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: details,
    });
    expect(harness.door.streams).toBe(0);
  });

  test('another hello with another session; the same again is nothing', async () => {
    await using harness = await Harness.start();
    const stream = await harness.stream(Buffer.alloc(16, 1));
    stream.send({ hello: { sessionId: Buffer.alloc(16, 1) }, requests: [read(1)] });
    await stream.repliesOf(1);
    stream.send({ hello: { sessionId: Buffer.alloc(16, 2) } });
    expect(await stream.ended()).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test('bytes that are no frame', async () => {
    await using harness = await Harness.start();
    const client = ioClient(harness.address);
    const call = client.makeBidiStreamRequest(
      '/sluice.v1.IoService/Stream',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      new Metadata(),
    );
    const ended = new Promise((resolve) => call.on('status', resolve));
    call.on('error', () => undefined);
    call.on('data', () => undefined);
    call.write(Buffer.from([0x1a, 0x05, 0x08]));
    expect(await ended).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'the frame must be a ClientFrame: a field of 5 bytes passes the end of the message',
    });
    client.close();
  });
});
