import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MessageTypeDefinition } from '@grpc/proto-loader';
import { encodeClientFrame, requestBytesInFrame } from '../../../src/wire/client-frame.js';
import type { ClientFrameMessage } from '../../../src/wire/client-frame.js';
import { decodeClientFrame } from '../../../src/wire/client-frame-reader.js';
import { Scratch } from '../../../src/wire/protobuf.js';
import { packageDefinition } from '../../../src/wire/proto.js';
import { encodeServerFrame, replyBytesInFrame } from '../../../src/wire/server-frame.js';
import type { ServerFrameMessage } from '../../../src/wire/server-frame.js';
import { decodeServerFrame } from '../../../src/wire/server-frame-reader.js';

interface Reflection {
  serialize(value: object): Buffer;
  deserialize(bytes: Buffer): object;
}

function reflection(name: string): Reflection {
  return packageDefinition()[`sluice.v1.${name}`] as unknown as MessageTypeDefinition<object, object> & Reflection;
}

const uint32 = fc.oneof(fc.nat({ max: 2 ** 32 - 1 }), fc.constantFrom(0, 1, 127, 128, 2 ** 28, 2 ** 31, 2 ** 32 - 1));
const uint64 = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(),
  fc.constantFrom(0, ...[7, 14, 21, 28, 35, 42, 49].flatMap((bits) => [2 ** bits - 1, 2 ** bits]), 2 ** 53 - 1),
);
const text = fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme', maxLength: 40 }));
const data = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const few = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { maxLength: 6 });
const code = fc.nat({ max: 21 });

const clientFrame = fc.record({
  hello: fc.option(fc.record({ sessionId: data })),
  open: few(fc.record({ handle: uint32, device: text, tag: text })),
  requests: few(
    fc.record({
      id: uint64,
      handle: uint32,
      op: fc.nat({ max: 5 }),
      offset: uint64,
      length: uint64,
      data,
      fua: fc.boolean(),
      queueTimeoutUs: uint32,
      tag: text,
      attempt: uint32,
    }),
  ),
  cancels: few(fc.record({ id: uint64 })),
  done: few(fc.record({ id: uint64, code, message: text })),
  renew: few(fc.record({ id: uint64 })),
  close: few(uint32),
}) as fc.Arbitrary<ClientFrameMessage>;

const serverFrame = fc.record({
  welcome: fc.option(
    fc.record({
      hostId: text,
      resumed: fc.boolean(),
      fenceMs: uint32,
      maxIoBytes: uint32,
      maxFrameBytes: uint32,
      maxHandles: uint32,
    }),
  ),
  opened: few(
    fc.record({
      handle: uint32,
      code,
      message: text,
      sizeBytes: uint64,
      blockBytes: uint32,
      readOnly: fc.boolean(),
      lease: fc.boolean(),
    }),
  ),
  replies: few(
    fc.record({
      id: uint64,
      code,
      message: text,
      data,
      behindOwnUs: uint32,
      limitUs: uint32,
      shareUs: uint32,
      slotsUs: uint32,
      coordinationUs: uint32,
      serviceUs: uint32,
      attempt: uint32,
      cost: uint32,
    }),
  ),
  granted: few(fc.record({ id: uint64, handle: uint32, leaseMs: uint32 })),
  revoked: few(fc.record({ id: uint64, reason: text })),
  credits: few(fc.record({ handle: uint32, requestsTotal: uint64, bytesTotal: uint64 })),
  goAway: fc.option(fc.record({ reason: text, graceMs: uint32 })),
}) as fc.Arbitrary<ServerFrameMessage>;

describe('frames by hand are equal to reflection', () => {
  const client = reflection('ClientFrame');
  const server = reflection('ServerFrame');

  test('ClientFrame: what one writes the other reads, both ways', () => {
    fc.assert(
      fc.property(clientFrame, (frame) => {
        expect(client.deserialize(encodeClientFrame(frame))).toEqual(frame);
        expect(decodeClientFrame(client.serialize(frame))).toEqual(frame);
        expect(decodeClientFrame(encodeClientFrame(frame))).toEqual(frame);
      }),
      { numRuns: 500 },
    );
  });

  test('ServerFrame: what one writes the other reads, both ways', () => {
    fc.assert(
      fc.property(serverFrame, (frame) => {
        expect(server.deserialize(encodeServerFrame(frame))).toEqual(frame);
        expect(decodeServerFrame(server.serialize(frame))).toEqual(frame);
        expect(decodeServerFrame(encodeServerFrame(frame))).toEqual(frame);
      }),
      { numRuns: 500 },
    );
  });

  test('a scratch buffer changes nothing but where the frame stands', () => {
    const scratch = new Scratch();
    fc.assert(
      fc.property(serverFrame, (frame) => {
        expect(encodeServerFrame(frame, scratch).equals(encodeServerFrame(frame))).toBe(true);
      }),
    );
    const long = { ...emptyServerFrame, replies: [{ ...emptyReply, data: Buffer.alloc(300_000, 1) }] };
    expect(encodeServerFrame(long, scratch).equals(encodeServerFrame(long))).toBe(true);
  });

  test('the sizes told for requests and replies are those that they take', () => {
    fc.assert(
      fc.property(clientFrame, serverFrame, (out, back) => {
        const requests = { ...emptyClientFrame, requests: out.requests };
        const replies = { ...emptyServerFrame, replies: back.replies };
        expect(encodeClientFrame(requests).length).toBe(
          out.requests.reduce((sum, request) => sum + requestBytesInFrame(request), 0),
        );
        expect(encodeServerFrame(replies).length).toBe(
          back.replies.reduce((sum, reply) => sum + replyBytesInFrame(reply), 0),
        );
      }),
    );
  });

  test('what reflection coerces is seen as it came: -1 in a uint32 is 2^32 - 1, 2^64 - 1 is no safe integer', () => {
    const bytes = client.serialize({ requests: [{ handle: -1, offset: '18446744073709551615' }] });
    const request = decodeClientFrame(bytes).requests[0]!;
    expect(request.offset).toBe(2 ** 64);
    expect(Number.isSafeInteger(request.offset)).toBe(false);
    expect(request.handle).toBe(2 ** 32 - 1);
  });

  test('an id past 2^53 goes back as near as a number holds it, 2^64 - 1 at most', () => {
    const reply = { ...emptyReply, id: 2 ** 64 };
    const bytes = encodeServerFrame({ ...emptyServerFrame, replies: [reply] });
    expect((server.deserialize(bytes) as { replies: { id: number }[] }).replies[0]!.id).toBe(2 ** 64);
  });
});

describe('bytes that are no frame', () => {
  test('unknown fields are passed over, at the top and within', () => {
    const unknown = [0x78, 0x01, 0x7a, 0x02, 0xff, 0xff, 0x7d, 1, 2, 3, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8];
    const request = [0x08, 0x05, ...unknown, 0x10, 0x07];
    const frame = decodeClientFrame(Buffer.from([...unknown, 0x1a, request.length, ...request]));
    expect(frame.requests).toHaveLength(1);
    expect(frame.requests[0]).toMatchObject({ id: 5, handle: 7 });
    const reply = [0x08, 0x05, ...unknown, 0x10, 0x13];
    expect(decodeServerFrame(Buffer.from([...unknown, 0x1a, reply.length, ...reply])).replies[0]).toMatchObject({
      id: 5,
      code: 19,
    });
  });

  test('any bytes either decode or are a RangeError', () => {
    const malformed = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(clientFrame, fc.nat(), fc.nat({ max: 255 })).map(([frame, at, value]) => {
        const bytes = encodeClientFrame(frame);
        if (bytes.length > 0) bytes[at % bytes.length] = value;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(malformed, (bytes) => {
        for (const decode of [decodeClientFrame, decodeServerFrame]) {
          try {
            decode(Buffer.from(bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['a length past the end', [0x1a, 0x05, 0x08]],
    ['a varint without an end', [0x1a, 0x01, 0x88]],
    ['a varint of eleven bytes', [0x1a, 0x0c, 0x08, ...Array<number>(10).fill(0x80), 0x01]],
    ['a text where a number belongs', [0x1a, 0x03, 0x0a, 0x01, 0x41]],
    ['a nested field past its message', [0x1a, 0x03, 0x32, 0x04, 0x41, 0x41, 0x41, 0x41]],
    ['a group', [0x0b, 0x0c]],
  ])('%s', (_, bytes) => {
    expect(() => decodeClientFrame(Buffer.from(bytes))).toThrow(RangeError);
  });
});

const emptyClientFrame: ClientFrameMessage = {
  hello: null,
  open: [],
  requests: [],
  cancels: [],
  done: [],
  renew: [],
  close: [],
};

const emptyServerFrame: ServerFrameMessage = {
  welcome: null,
  opened: [],
  replies: [],
  granted: [],
  revoked: [],
  credits: [],
  goAway: null,
};

const emptyReply = {
  id: 0,
  code: 0,
  message: '',
  data: Buffer.alloc(0),
  behindOwnUs: 0,
  limitUs: 0,
  shareUs: 0,
  slotsUs: 0,
  coordinationUs: 0,
  serviceUs: 0,
  attempt: 0,
  cost: 0,
};
