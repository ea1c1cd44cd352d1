/** Bytes that no client should send, on live sockets: each is answered or cut off, nothing crashes, hangs or stays. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeOption, encodeRawOption } from '../../../src/wire/nbd/options.js';
import { encodeRequest } from '../../../src/wire/nbd/requests.js';
import { FakeRig, until } from './rig.js';
import { RawNbd } from './raw-client.js';

const RUNS = process.env['SLUICE_LONG'] === '1' ? 100_000 : 3_000;
const AT_ONCE = 20;
const FLAGS = Buffer.from([0, 0, 0, 3]);

const option = fc.oneof(
  fc.constantFrom('list' as const, 'structured-reply' as const, 'abort' as const).map((kind) => encodeOption({ kind })),
  fc
    .constantFrom('info' as const, 'go' as const)
    .map((kind) => encodeOption({ kind, name: 'disk0@a', infos: [1, 2, 3] })),
  fc.constant(encodeOption({ kind: 'set-meta-context', name: 'disk0@a', queries: ['base:allocation'] })),
  fc
    .tuple(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 64 }))
    .map(([number, data]) => encodeRawOption(number, Buffer.from(data))),
);
const request = fc
  .record({
    flags: fc.constantFrom(0, 1, 2, 4, 8, 16, 65_535),
    command: fc.integer({ min: 0, max: 9 }),
    cookieHigh: fc.constant(0),
    cookieLow: fc.nat(),
    offset: fc.oneof(fc.constantFrom(0, 512, 2 ** 30), fc.maxSafeNat()),
    lengthBytes: fc.oneof(fc.constantFrom(0, 512, 4_096, 2 ** 20), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  })
  .map((each) => Buffer.concat([encodeRequest(each), Buffer.alloc(each.command === 1 ? 512 : 0)]));

/** A handshake, well or badly made, then requests; some bytes changed and some left out. */
const bytes = fc
  .tuple(
    fc.array(option, { maxLength: 4 }),
    fc.boolean(),
    fc.array(request, { maxLength: 6 }),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
    fc.nat(),
  )
  .map(([options, goes, requests, changes, cut]) => {
    const go = goes ? [encodeOption({ kind: 'go', name: 'disk0@a', infos: [] })] : [];
    const all = Buffer.concat([FLAGS, ...options, ...go, ...requests]);
    for (const [at, value] of changes) all[at % all.length] = value;
    return changes.length === 3 ? all.subarray(0, cut % all.length) : all;
  });

function send(port: number, said: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let received = 0;
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(received));
    socket.end(said);
  });
}

test(`${String(RUNS)} conversations of broken bytes`, async () => {
  await using rig = await FakeRig.start();
  using witness = await RawNbd.open(rig.port, 'disk0@witness');
  const seed = Number(process.env['SLUICE_SEED'] ?? 20_260_101);
  const conversations = fc.sample(bytes, { numRuns: RUNS, seed });
  let answered = 0;
  for (let i = 0; i < conversations.length; i += AT_ONCE) {
    const received = await Promise.all(conversations.slice(i, i + AT_ONCE).map((each) => send(rig.port, each)));
    answered += received.filter((count) => count > 18).length;
    expect(await witness.read(0, 512), `seed ${String(seed)}, up to conversation ${String(i + AT_ONCE)}`).toMatchObject(
      {
        errno: 0,
      },
    );
    rig.device.submitted.length = 0;
    rig.device.tags.length = 0;
  }
  await until(() => rig.door.connections === 1);
  expect(answered).toBeGreaterThan(RUNS / 4);
}, 600_000);
