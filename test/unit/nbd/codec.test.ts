/** The NBD codec: both directions, chunks cut anywhere, and bytes that are none of its own. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClientReader, type FromServer } from '../../../src/wire/nbd/client-reader.js';
import { encodeOption, encodeRawOption, type NbdOption } from '../../../src/wire/nbd/options.js';
import { COMMANDS, NbdProtocolError, PAYLOAD_BYTES_MAX } from '../../../src/wire/nbd/protocol.js';
import * as replies from '../../../src/wire/nbd/replies.js';
import { encodeRequest, type Cookie } from '../../../src/wire/nbd/requests.js';
import { ServerReader, type FromClient } from '../../../src/wire/nbd/server-reader.js';

const MUTATIONS = process.env['SLUICE_LONG'] === '1' ? 100_000 : 20_000;
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const cookie = fc.record({ cookieHigh: uint32, cookieLow: uint32 });
const name = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => Buffer.from(text).toString() === text);

type Meaningful = Exclude<NbdOption, { kind: 'malformed' | 'unknown' }>;
const option: fc.Arbitrary<Meaningful> = fc.oneof(
  fc.record({ kind: fc.constant('export-name' as const), name }),
  fc.record({
    kind: fc.constantFrom('abort' as const, 'list' as const, 'starttls' as const, 'structured-reply' as const),
  }),
  fc.record({
    kind: fc.constantFrom('info' as const, 'go' as const),
    name,
    infos: fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constantFrom('list-meta-context' as const, 'set-meta-context' as const),
    name,
    queries: fc.array(name, { maxLength: 4 }),
  }),
);

const request = fc
  .tuple(
    fc.integer({ min: 0, max: 65_535 }),
    fc.integer({ min: 0, max: 9 }),
    cookie,
    fc.maxSafeNat(),
    uint32,
    fc.uint8Array({ maxLength: 300 }),
  )
  .map(([flags, command, key, offset, length, payload]) => ({
    ...key,
    flags,
    command,
    offset,
    lengthBytes: command === COMMANDS.WRITE ? payload.length : length,
    payload: command === COMMANDS.WRITE ? Buffer.from(payload) : Buffer.alloc(0),
  }));

const conversation = fc.record({
  options: fc.array(option, { maxLength: 5 }),
  requests: fc.array(request, { maxLength: 5 }),
});
type Conversation = typeof conversation extends fc.Arbitrary<infer T> ? T : never;

const FLAGS = Buffer.from([0, 0, 0, 3]);

function bytesOf({ options, requests }: Conversation): Buffer {
  return Buffer.concat([
    FLAGS,
    ...options.map(encodeOption),
    ...requests.flatMap((each) => [encodeRequest(each), each.payload]),
  ]);
}

/** Cuts the bytes at the places, whatever their order. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

function readAll(reader: ServerReader, chunks: readonly Buffer[], options: number, pieceBytes: number): FromClient[] {
  const found: FromClient[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let message = reader.next(); message !== null; message = reader.next()) {
      found.push(message);
      if (found.length === 1 + options) reader.beginRequests(pieceBytes);
    }
  }
  return found;
}

describe('what a client sends', () => {
  test('is read as it was written, wherever it is cut, with payloads in pieces', () => {
    const places = fc.array(fc.nat(), { maxLength: 12 });
    fc.assert(
      fc.property(conversation, places, fc.integer({ min: 1, max: 400 }), (said, where, pieceBytes) => {
        const reader = new ServerReader();
        const found = readAll(reader, cut(bytesOf(said), where), said.options.length, pieceBytes);
        expect(reader.buffered).toBe(0);
        expect(found[0]).toEqual({ kind: 'flags', noZeroes: true });
        expect(found.slice(1, 1 + said.options.length).map((each) => each.kind === 'option' && each.option)).toEqual(
          said.options,
        );
        const requests = found.slice(1 + said.options.length);
        expect(requests).toHaveLength(said.requests.length);
        requests.forEach((each, i) => {
          if (each.kind !== 'request') throw new Error(each.kind);
          const { payload, ...rest } = each.request;
          expect(payload!.every((piece) => piece.length <= pieceBytes)).toBe(true);
          expect({ ...rest, payload: Buffer.concat(payload!) }).toEqual(said.requests[i]);
        });
      }),
    );
  });

  test('a payload in one chunk is not copied', () => {
    const reader = new ServerReader();
    reader.push(FLAGS);
    reader.next();
    reader.beginRequests(4_096);
    const head = encodeRequest({ flags: 0, command: 1, cookieHigh: 0, cookieLow: 7, offset: 0, lengthBytes: 8_192 });
    const whole = Buffer.concat([head, Buffer.alloc(8_192, 'x')]);
    reader.push(whole);
    const message = reader.next();
    const payload = message?.kind === 'request' ? message.request.payload! : [];
    expect(payload.map((piece) => piece.byteOffset - whole.byteOffset)).toEqual([28, 28 + 4_096]);
    expect(payload.every((piece) => piece.buffer === whole.buffer)).toBe(true);
  });

  test('a payload that is too long is passed over, and the next request is understood', () => {
    const reader = new ServerReader();
    reader.push(FLAGS);
    reader.next();
    reader.beginRequests(4_096);
    const more = { flags: 0, cookieHigh: 0, offset: 0 };
    reader.push(encodeRequest({ ...more, command: 1, cookieLow: 1, lengthBytes: PAYLOAD_BYTES_MAX + 1 }));
    const chunk = Buffer.alloc(65_536);
    for (let left = PAYLOAD_BYTES_MAX + 1; left > 0; left -= chunk.length) {
      expect(reader.next()).toBeNull();
      expect(reader.buffered).toBe(0);
      reader.push(chunk.subarray(0, Math.min(left, chunk.length)));
    }
    reader.push(encodeRequest({ ...more, command: 3, cookieLow: 2, lengthBytes: 0 }));
    expect(reader.next()).toMatchObject({ request: { cookieLow: 1, payload: null } });
    expect(reader.next()).toMatchObject({ request: { cookieLow: 2, command: 3, payload: [] } });
  });

  test.each([
    ['flags of the old style', Buffer.from([0, 0, 0, 0]), /client flags must be 1 or 3/],
    ['flags that nobody knows', Buffer.from([0, 0, 1, 3]), /client flags must be 1 or 3/],
    ['no option', Buffer.concat([FLAGS, Buffer.from('GET / HTTP/1.1\r\n\r\n')]), /must begin with IHAVEOPT/],
    [
      'an option of 65,537 bytes',
      Buffer.concat([FLAGS, encodeRawOption(6, Buffer.alloc(65_537))]),
      /at most 65536 bytes, got 65537/,
    ],
  ])('%s: the connection has no future', (_, bytes, message) => {
    const reader = new ServerReader();
    reader.push(bytes);
    expect(() => {
      while (reader.next() !== null);
    }).toThrow(message);
  });

  test.each([
    ['a name past the end', 7, Buffer.from([0, 0, 0, 9, 65]), /longer than the option/],
    ['information requests that are not there', 6, Buffer.from([0, 0, 0, 0, 0, 3, 0, 1]), /do not fill/],
    ['four billion queries', 10, Buffer.from([0, 0, 0, 0, 255, 255, 255, 255]), /do not fit/],
    ['a list with data', 3, Buffer.from([1]), /has no data/],
    ['a name that is not UTF-8', 1, Buffer.from([0xff, 0xfe]), /not UTF-8/],
    ['a name of 4,097 bytes', 1, Buffer.alloc(4_097, 'a'), /at most 4096 bytes/],
  ])('%s is told apart and lets the next option be read', (_, number, data, reason) => {
    const reader = new ServerReader();
    reader.push(Buffer.concat([FLAGS, encodeRawOption(number, data), encodeOption({ kind: 'abort' })]));
    reader.next();
    const malformed = reader.next();
    expect(malformed).toMatchObject({ kind: 'option', number, option: { kind: 'malformed' } });
    expect(malformed?.kind === 'option' && malformed.option.kind === 'malformed' && malformed.option.reason).toMatch(
      reason,
    );
    expect(reader.next()).toMatchObject({ option: { kind: 'abort' } });
  });
});

describe('what a server sends', () => {
  const key: Cookie = { cookieHigh: 0xdeadbeef, cookieLow: 42 };
  const said: readonly [Buffer, FromServer][] = [
    [replies.encodeSimpleReply(key, 5), { kind: 'simple-reply', cookie: key, errno: 5, data: Buffer.alloc(0) }],
    [
      Buffer.concat([replies.encodeSimpleReply(key, 0), Buffer.from('four')]),
      { kind: 'simple-reply', cookie: key, errno: 0, data: Buffer.from('four') },
    ],
    [replies.encodeDone(key), { kind: 'chunk', cookie: key, done: true, chunk: { kind: 'none' } }],
    [
      Buffer.concat([replies.encodeDataHead(key, 2 ** 40 + 512, 4), Buffer.from('data')]),
      {
        kind: 'chunk',
        cookie: key,
        done: true,
        chunk: { kind: 'data', offset: 2 ** 40 + 512, data: Buffer.from('data') },
      },
    ],
    [
      replies.encodeError(key, 22, 'offset must be a multiple of 512'),
      {
        kind: 'chunk',
        cookie: key,
        done: true,
        chunk: { kind: 'error', errno: 22, message: 'offset must be a multiple of 512' },
      },
    ],
    [
      replies.encodeBlockStatus(key, 1, [
        { lengthBytes: 512, flags: 0 },
        { lengthBytes: 1_024, flags: 3 },
      ]),
      {
        kind: 'chunk',
        cookie: key,
        done: true,
        chunk: {
          kind: 'block-status',
          contextId: 1,
          extents: [
            { lengthBytes: 512, flags: 0 },
            { lengthBytes: 1_024, flags: 3 },
          ],
        },
      },
    ],
  ];

  test('is read as it was written, wherever it is cut', () => {
    const bytes = Buffer.concat([
      replies.encodeGreeting(),
      replies.encodeServer(3, 'disk0@acme/db'),
      ...said.map(([encoded]) => encoded),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
        const reader = new ClientReader(() => 4);
        const found: FromServer[] = [];
        for (const piece of cut(bytes, places)) {
          reader.push(piece);
          for (let message = reader.next(); message !== null; message = reader.next()) {
            found.push(message);
            if (found.length === 2) reader.beginReplies();
          }
        }
        expect(found[0]).toEqual({ kind: 'greeting', fixedNewstyle: true, noZeroes: true });
        expect(found[1]).toMatchObject({ kind: 'option-reply', option: 3, type: 2 });
        expect(found.slice(2)).toEqual(said.map(([, meaning]) => meaning));
      }),
    );
  });

  test.each([true, false])('the answer to an export name, without zeroes: %s', (noZeroes) => {
    const reader = new ClientReader(() => 0);
    reader.push(Buffer.concat([replies.encodeGreeting(), replies.encodeExport(2 ** 43, 0x4ed, noZeroes)]));
    reader.next();
    reader.awaitExport(noZeroes);
    expect(reader.next()).toEqual({ kind: 'export', sizeBytes: 2 ** 43, flags: 0x4ed });
    reader.push(replies.encodeDone(key));
    expect(reader.next()).toMatchObject({ kind: 'chunk' });
  });
});

/** Bytes changed, left out, repeated or put in at some places. */
const mutation = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('set', 'flip', 'drop', 'repeat', 'insert'),
  value: fc.integer({ min: 0, max: 255 }),
  length: fc.integer({ min: 1, max: 8 }),
});

function mutate(
  bytes: Buffer,
  changes: readonly (typeof mutation extends fc.Arbitrary<infer T> ? T : never)[],
): Buffer {
  let now = Buffer.from(bytes);
  for (const { at, kind, value, length } of changes) {
    const place = now.length === 0 ? 0 : at % now.length;
    const head = now.subarray(0, place);
    if (kind === 'set' || kind === 'flip') now[place] = kind === 'set' ? value : now[place]! ^ (1 << (value & 7));
    else if (kind === 'drop') now = Buffer.concat([head, now.subarray(place + length)]);
    else if (kind === 'repeat') now = Buffer.concat([head, now.subarray(place, place + length), now.subarray(place)]);
    else now = Buffer.concat([head, Buffer.alloc(length, value), now.subarray(place)]);
  }
  return now;
}

test(`${String(MUTATIONS)} mutated conversations: understood or refused by the protocol's own error`, () => {
  let refused = 0;
  fc.assert(
    fc.property(conversation, fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.nat(), (said, changes, place) => {
      const bytes = mutate(bytesOf(said), changes);
      try {
        readAll(new ServerReader(), cut(bytes, [place]), said.options.length, 128);
      } catch (error) {
        if (!(error instanceof NbdProtocolError)) throw error;
        refused += 1;
      }
      const client = new ClientReader(() => 16);
      try {
        client.push(Buffer.concat([replies.encodeGreeting(), bytes]));
        client.next();
        client.beginReplies();
        while (client.next() !== null);
      } catch (error) {
        if (!(error instanceof NbdProtocolError)) throw error;
      }
    }),
    { numRuns: MUTATIONS },
  );
  expect(refused).toBeGreaterThan(MUTATIONS / 10);
}, 120_000);

test(`${String(MUTATIONS)} mutated replies: understood or refused by the protocol's own error`, () => {
  const key: Cookie = { cookieHigh: 1, cookieLow: 2 };
  const bytes = Buffer.concat([
    replies.encodeBlockStatus(key, 1, [{ lengthBytes: 512, flags: 0 }]),
    replies.encodeError(key, 5, 'the disk'),
    Buffer.concat([replies.encodeDataHead(key, 0, 16), Buffer.alloc(16)]),
    replies.encodeDone(key),
    replies.encodeSimpleReply(key, 0),
  ]);
  let refused = 0;
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (changes) => {
      const reader = new ClientReader(() => 0);
      reader.push(Buffer.concat([replies.encodeGreeting(), mutate(bytes, changes)]));
      reader.next();
      reader.beginReplies();
      try {
        while (reader.next() !== null);
      } catch (error) {
        if (!(error instanceof NbdProtocolError)) throw error;
        refused += 1;
      }
    }),
    { numRuns: MUTATIONS },
  );
  expect(refused).toBeGreaterThan(MUTATIONS / 10);
});
