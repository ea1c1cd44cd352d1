/** Servers that send what no server should: an open that fails, or requests that are waited for; no crash, no hang. */
import { createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import { SluiceError } from '../../../src/core/model/errors.js';
import { OPS } from '../../../src/core/model/request.js';
import { CheckedDevice } from '../../../src/devices/filters/checked.js';
import { openNbdDevice } from '../../../src/devices/nbd/open.js';
import { OPTION_REPLIES, OPTIONS, TRANSMISSION_FLAGS as F } from '../../../src/wire/nbd/protocol.js';
import * as replies from '../../../src/wire/nbd/replies.js';
import { ioOf } from '../../conformance/device-suite.js';

const RUNS = process.env['SLUICE_LONG'] === '1' ? 50_000 : 1_500;
const AT_ONCE = 10;
const SIZE_BYTES = 65_536;
const cookie = { cookieHigh: 0, cookieLow: 1 };

/** What a server says from greeting to the answers of one READ and one WRITE; then with some of it wrong. */
const script = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom(
      Buffer.concat([replies.encodeDataHead(cookie, 0, 4_096), Buffer.alloc(4_096, 1)]),
      Buffer.concat([replies.encodeDataHead(cookie, 4_096, 4_096), Buffer.alloc(4_096)]),
      Buffer.concat([replies.encodeSimpleReply(cookie, 0), Buffer.alloc(4_096)]),
      Buffer.concat([replies.encodeDataHead(cookie, 0, 512), Buffer.alloc(512)]),
      replies.encodeDone(cookie),
      replies.encodeError(cookie, 5, 'no'),
      replies.encodeBlockStatus(cookie, 1, [{ lengthBytes: 512, flags: 0 }]),
    ),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
    fc.option(fc.nat(), { freq: 3 }),
  )
  .map(([blocks, answer, changes, cut]) => {
    const all = Buffer.concat([
      replies.encodeGreeting(),
      replies.encodeOptionReply(OPTIONS.STRUCTURED_REPLY, OPTION_REPLIES.ACK),
      replies.encodeInfoExport(OPTIONS.GO, SIZE_BYTES, F.HAS_FLAGS | F.SEND_FLUSH | F.SEND_TRIM),
      blocks ? replies.encodeInfoBlockSize(OPTIONS.GO, 512, 4_096, 8_192) : Buffer.alloc(0),
      replies.encodeOptionReply(OPTIONS.GO, OPTION_REPLIES.ACK),
      answer,
      replies.encodeDone({ cookieHigh: 0, cookieLow: 2 }),
    ]);
    for (const [at, value] of changes) all[at % all.length] = value;
    return cut === null ? all : all.subarray(0, cut % all.length);
  });

/** Opens, asks, and gives up what is not answered. @returns whether the export opened */
async function converse(port: number): Promise<boolean> {
  const clock = new RealClock();
  let device: CheckedDevice;
  try {
    const spec = { uri: `nbd://127.0.0.1:${String(port)}/x`, reconnectMsMax: 1, fenceMs: 0 };
    device = new CheckedDevice(await openNbdDevice(spec, clock));
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    return false;
  }
  const ios = [ioOf(OPS.READ, 0, 4_096, clock.nowNs()), ioOf(OPS.WRITE, 0, 4_096, clock.nowNs(), Buffer.alloc(4_096))];
  if (device.sizeBytes < 4_096 || 4_096 % device.blockBytes !== 0 || device.readOnly) ios.length = 0;
  const ended = Promise.all(ios.map((io) => new Promise<void>((resolve) => device.submit(io, () => resolve()))));
  const timer = setTimeout(() => ios.forEach((io) => device.abandon(io)), 5);
  await ended;
  clearTimeout(timer);
  await device.close();
  // What was being dialled is given up within this turn and the next.
  await new Promise((resolve) => setImmediate(resolve));
  expect(clock.pending).toBe(0);
  return true;
}

test(`${String(RUNS)} servers that say something wrong`, async () => {
  const seed = Number(process.env['SLUICE_SEED'] ?? 20_260_102);
  const scripts = fc.sample(script, { numRuns: RUNS, seed });
  const sockets = new Set<Socket>();
  let next = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
    // All at once: whoever reads it asks for more than it has.
    const said = scripts[next++ % scripts.length]!;
    if (next % 2 === 0) socket.end(said);
    else {
      socket.write(said);
      setTimeout(() => socket.end(), 20);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  let opened = 0;
  for (let i = 0; i < RUNS; i += AT_ONCE) {
    const results = await Promise.all(Array.from({ length: AT_ONCE }, () => converse(port)));
    opened += results.filter(Boolean).length;
  }
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  // Both kinds have been seen: those that open, and those that do not.
  expect(opened).toBeGreaterThan(RUNS / 10);
  expect(opened).toBeLessThan(RUNS);
}, 600_000);
