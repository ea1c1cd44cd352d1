/** Clients that hold the disk themselves, and a host that says when. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { SluiceClient, type Handle, type Lease, type SluiceError } from '../../../src/client/index.js';
import type { DeviceSettingsPatch } from '../../../src/core/model/device.js';
import { CODES } from '../../../src/core/model/errors.js';
import type { OpUsage } from '../../../src/core/model/usage.js';
import { KIB, MIB } from '../../../src/core/model/units.js';
import { SeededRng } from '../../../src/core/rng.js';
import { findExport } from '../../../src/doors/nbd/exports.js';
import { CuttingProxy } from '../../fault/client/cutting-proxy.js';
import { HostRig } from '../client/host-rig.js';
import { RawStream } from '../grpc/raw-client.js';

const QUICK = { backoffInitialMs: 5, backoffMaxMs: 50 } as const;
const READ = { op: 'READ', offset: 0, length: 4 * KIB } as const;
const WRITE = { op: 'WRITE', offset: 8 * KIB, length: 4 * KIB } as const;

function host(settings: DeviceSettingsPatch = {}, port = 0): Promise<HostRig> {
  return HostRig.start({ settings, port, bindings: { held: { type: 'lease', sizeBytes: MIB } } });
}

async function usageOf(client: SluiceClient, tag: string): Promise<Pick<OpUsage, 'count' | 'errors' | 'bytes'>> {
  const sum = { count: 0, errors: 0, bytes: 0 };
  for await (const row of client.usage.query({ device: 'held', tagPrefix: tag })) {
    for (const op of row.ops) {
      sum.count += op.count;
      sum.errors += op.errors;
      sum.bytes += op.bytes;
    }
  }
  return sum;
}

async function failure(work: Promise<unknown>): Promise<SluiceError> {
  return work.then(
    () => expect.unreachable('it went well'),
    (error: unknown) => error as SluiceError,
  );
}

/** Resolves when the lease has been lost. */
function lost(lease: Lease): Promise<SluiceError> {
  return new Promise((resolve) => {
    lease.signal.addEventListener('abort', () => resolve(lease.signal.reason as SluiceError));
  });
}

test('several clients take turns, and usage counts what each says of its own I/O', async () => {
  await using rig = await host({ depth: 1 });
  await using one = await SluiceClient.connect(rig.address);
  await using two = await SluiceClient.connect(rig.address);
  const [a, b] = [await one.open('held', 'a'), await two.open('held', 'b')];
  expect([a.sizeBytes, a.blockBytes]).toEqual([MIB, 512]);
  const first = await a.lease(WRITE);
  let granted = false;
  const second = b.lease(READ).then((lease) => {
    granted = true;
    return lease;
  });
  await one.devices.get('held');
  expect(granted).toBe(false);
  const result = await first.done();
  expect(result).toMatchObject({ cost: 1, data: Buffer.alloc(0) });
  // What went wrong at the disk is what the caller says, and no error of saying so.
  await (await second).done('DEVICE_IO', 'a bad block');
  const worked = await a.withLease({ op: 'FLUSH' }, (signal) => Promise.resolve(signal.aborted));
  expect(worked).toBe(false);
  const failing = b.withLease(READ, () => Promise.reject(new Error('no medium')));
  await expect(failing).rejects.toThrow('no medium');
  expect(await usageOf(one, 'a')).toEqual({ count: 2, errors: 0, bytes: 4 * KIB });
  expect(await usageOf(one, 'b')).toEqual({ count: 2, errors: 2, bytes: 0 });
});

test('shares decide who is next', async () => {
  await using rig = await host({ depth: 1 });
  await using client = await SluiceClient.connect(rig.address);
  await client.policies.put({ device: 'held', tag: 'low', shares: 100 });
  await client.policies.put({ device: 'held', tag: 'high', shares: 300 });
  const counts = { low: 0, high: 0 };
  let left = 400;
  const work = async (disk: Handle, tag: 'low' | 'high'): Promise<void> => {
    while (left > 0) {
      const lease = await disk.lease(READ);
      if (left > 0) counts[tag] += 1;
      left -= 1;
      await lease.done();
    }
  };
  const [low, high] = [await client.open('held', 'low'), await client.open('held', 'high')];
  await Promise.all(Array.from({ length: 8 }, () => [work(low, 'low'), work(high, 'high')]).flat());
  expect(Math.abs(counts.high / 400 - 0.75)).toBeLessThan(0.04);
});

test('a client that dies gives its slots back at the end of its lease', async () => {
  await using rig = await host({ depth: 1, leaseMs: 300 });
  const dying = await SluiceClient.connect(rig.address);
  await using waiting = await SluiceClient.connect(rig.address);
  const held = await (await dying.open('held', 'a')).lease(WRITE);
  const gone = lost(held);
  const since = Date.now();
  const next = (await waiting.open('held', 'b')).lease(READ);
  dying.destroy();
  expect(await gone).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  const lease = await next;
  expect(Date.now() - since).toBeGreaterThan(250);
  await lease.done();
  expect(await usageOf(waiting, 'a')).toEqual({ count: 1, errors: 1, bytes: 0 });
});

test('one that works for longer than a lease is renewed by itself', async () => {
  await using rig = await host({ leaseMs: 600 });
  await using client = await SluiceClient.connect(rig.address);
  const lease = await (await client.open('held', 'a')).lease(READ);
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  expect(lease.signal.aborted).toBe(false);
  expect((await lease.done()).serviceUs).toBeGreaterThan(1_200_000);
});

test('io_timeout_ms bounds it, however often it is renewed', async () => {
  await using rig = await host({ depth: 1, ioTimeoutMs: 300 });
  await using client = await SluiceClient.connect(rig.address);
  const disk = await client.open('held', 'a');
  const lease = await disk.lease(WRITE);
  expect(await lost(lease)).toMatchObject({ code: 'DEVICE_IO' });
  expect(await failure(lease.done())).toMatchObject({ code: 'DEVICE_IO' });
  await (await disk.lease(READ)).done();
});

test('renewals that do not come, and words that come too late', async () => {
  await using rig = await host({ depth: 1, leaseMs: 200 });
  using stream = new RawStream(rig.address);
  stream.send({ hello: { sessionId: Buffer.alloc(0) }, open: [{ handle: 1, device: 'held', tag: 'a' }] });
  expect((await stream.openedOf(1))[0]).toMatchObject({ code: CODES.OK, lease: true });
  stream.send({ requests: [{ id: 7, handle: 1, op: 2, offset: 0, length: 512 }] });
  await stream.until(() => stream.frames.some((frame) => frame.granted.length > 0));
  const granted = stream.frames.flatMap((frame) => frame.granted);
  expect(granted).toEqual([{ id: 7, handle: 1, leaseMs: 200 }]);
  expect(await stream.reply(7)).toMatchObject({
    code: CODES.OUTCOME_UNKNOWN,
    message: expect.stringContaining('it was not renewed within lease_ms (200)') as string,
  });
  const revoked = (): { id: number; reason: string }[] => stream.frames.flatMap((frame) => frame.revoked);
  expect(revoked()).toEqual([{ id: 7, reason: 'it was not renewed within lease_ms (200)' }]);
  stream.send({ done: [{ id: 7, code: 0 }], renew: [{ id: 7 }] });
  await stream.repliesOf(2);
  expect(stream.replies[1]).toMatchObject({
    id: 7,
    code: CODES.NOT_FOUND,
    message: 'done.id must be a lease that is held, got 7: its lease has ended, or was never granted',
  });
  await stream.until(() => revoked().length === 2);
  expect(revoked()[1]!.reason).toContain('renew.id must be a lease that is held, got 7');
  // Data is nobody's here.
  stream.send({ requests: [{ id: 8, handle: 1, op: 2, offset: 0, length: 512, data: Buffer.alloc(512) }] });
  expect(await stream.reply(8)).toMatchObject({
    code: CODES.INVALID_ARGUMENT,
    message: 'request.data must be empty for WRITE of a lease device, got 512',
  });
});

test('a stream that is cut takes no lease away: the next one goes on with it', async () => {
  await using rig = await host({ depth: 2 });
  await using proxy = await CuttingProxy.to(rig.port, new SeededRng(1), 2 ** 31);
  await using client = await SluiceClient.connect(proxy.address, QUICK);
  const disk = await client.open('held', 'a');
  const [kept, quick] = [await disk.lease(WRITE), await disk.lease(READ)];
  proxy.cut();
  // Said while there is no stream: it is told as soon as there is one.
  const early = quick.done();
  expect(await early).toMatchObject({ cost: 1 });
  expect(kept.signal.aborted).toBe(false);
  proxy.cut();
  await kept.done();
  expect(await usageOf(client, 'a')).toEqual({ count: 2, errors: 0, bytes: 8 * KIB });
});

test('a grant that did not arrive is said again to a client that asks again', async () => {
  await using rig = await host({ depth: 1 });
  const sessionId = randomBytes(16);
  const open = { hello: { sessionId }, open: [{ handle: 1, device: 'held', tag: 'a' }] };
  const request = { id: 3, handle: 1, op: 2, offset: 0, length: 512 } as const;
  const before = new RawStream(rig.address);
  before.send(open);
  await before.openedOf(1);
  before.send({ requests: [request] });
  await before.until(() => before.frames.some((frame) => frame.granted.length > 0));
  before[Symbol.dispose]();
  using after = new RawStream(rig.address);
  after.send({ ...open, requests: [{ ...request, attempt: 1 }] });
  await after.until(() => after.frames.some((frame) => frame.granted.length > 0));
  after.send({ done: [{ id: 3, code: 0 }] });
  expect(await after.reply(3)).toMatchObject({ code: CODES.OK, attempt: 1, cost: 1 });
  // Its answer did not arrive either: the same again.
  using last = new RawStream(rig.address);
  last.send(open);
  await last.openedOf(1);
  last.send({ done: [{ id: 3, code: 0 }] });
  expect(await last.reply(3)).toMatchObject({ code: CODES.OK });
});

test('a lease ends with the host that granted it', async () => {
  await using other = await host();
  const rig = await host();
  await using client = await SluiceClient.connect([rig.address, other.address], QUICK);
  const lease = await (await client.open('held', 'a')).lease(WRITE);
  const gone = lost(lease);
  await rig[Symbol.asyncDispose]();
  expect(await gone).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  expect(await failure(lease.done())).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
});

test('who does not speak of leases is told so', async () => {
  await using rig = await host();
  await using client = await SluiceClient.connect(rig.address);
  const held = await client.open('held', 'a');
  expect(await failure(held.read(0, 4 * KIB))).toMatchObject({ code: 'UNSUPPORTED' });
  expect(await failure(held.write(0, Buffer.alloc(512)))).toMatchObject({ code: 'UNSUPPORTED' });
  expect(await failure(held.lease({ op: 'READ', offset: 1, length: 512 }))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  const plain = await client.open('disk0', 'a');
  expect(await failure(plain.lease(READ))).toMatchObject({
    code: 'UNSUPPORTED',
    message: 'device disk0 does its I/O itself: it grants no leases',
  });
  const once = client.submitOnce('held', { op: 'READ', offset: 0, length: 512, tag: 'a' });
  expect(await failure(once)).toMatchObject({ code: 'UNSUPPORTED' });
  expect(() => findExport(rig.assembled.host, 'held@a', true)).toThrow('held is a lease device');
  const cached = client.devices.update('held', { readCacheBytes: MIB });
  expect(await failure(cached)).toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'settings.read_cache_bytes must be 0 for a lease device, whose data does not come by, got 1048576',
  });
});

test('taken back while it waits, and cancelled with its handle', async () => {
  await using rig = await host({ depth: 1 });
  await using client = await SluiceClient.connect(rig.address);
  const disk = await client.open('held', 'a');
  const held = await disk.lease(READ);
  const signal = new AbortController();
  const waiting = failure(disk.lease({ ...READ, signal: signal.signal }));
  await client.devices.get('held');
  signal.abort();
  expect(await waiting).toMatchObject({ code: 'CANCELLED' });
  await held.done();
});
