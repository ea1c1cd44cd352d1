/** What an nbd device says where its server is not there, is another, fails, or stands still. */
import { afterEach, describe, expect, test } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import type { SluiceError } from '../../../src/core/model/errors.js';
import { OPS, type DeviceIo, type Op } from '../../../src/core/model/request.js';
import { CheckedDevice } from '../../../src/devices/filters/checked.js';
import { openNbdDevice, type NbdSpec } from '../../../src/devices/nbd/open.js';
import { parseNbdUri } from '../../../src/devices/nbd/target.js';
import { COMMANDS, NBD_ERRNO, TRANSMISSION_FLAGS as F } from '../../../src/wire/nbd/protocol.js';
import { ioOf } from '../../conformance/device-suite.js';
import { BrokenServer, type BrokenOptions } from '../../support/broken-nbd-server.js';
import { freePort } from '../../support/nbd-servers.js';
import { WholeRig, until } from '../nbd/rig.js';

const KIB = 1_024;
const SIZE_BYTES = 64 * KIB;

interface Ended {
  readonly code: string;
  readonly message: string;
  readonly data: Uint8Array | null;
}

class Subject implements AsyncDisposable {
  readonly clock = new RealClock();
  device!: CheckedDevice;
  server!: BrokenServer;

  static async start(options: Partial<BrokenOptions> = {}, spec: Partial<NbdSpec> = {}): Promise<Subject> {
    const made = new Subject();
    made.server = await BrokenServer.start({ sizeBytes: SIZE_BYTES, seed: 1, ...options });
    made.device = await made.open({ reconnectMsMax: 10, fenceMs: 0, ...spec });
    return made;
  }

  async open(spec: Partial<NbdSpec>): Promise<CheckedDevice> {
    return new CheckedDevice(await openNbdDevice({ uri: this.server.uri, ...spec }, this.clock));
  }

  begin(op: Op, offset = 0, fill = 7): { io: DeviceIo; ended: Promise<Ended> } {
    const bytes = op === OPS.FLUSH ? 0 : 4 * KIB;
    const io = ioOf(op, offset, bytes, this.clock.nowNs(), op === OPS.WRITE ? Buffer.alloc(bytes, fill) : null);
    const ended = new Promise<Ended>((resolve) =>
      this.device.submit(io, (done, code, message) => resolve({ code, message, data: done.data })),
    );
    return { io, ended };
  }

  perform(op: Op, offset = 0, fill = 7): Promise<Ended> {
    return this.begin(op, offset, fill).ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device.close();
    await this.server[Symbol.asyncDispose]();
  }
}

async function refusal(work: Promise<unknown>): Promise<SluiceError> {
  return work.then(
    () => expect.unreachable('it opened'),
    (error: unknown) => error as SluiceError,
  );
}

const clock = new RealClock();
afterEach(() => expect(clock.pending).toBe(0));

describe('what is configured', () => {
  test.each([
    ['nbd://h/e', { at: { host: 'h', port: 10_809 }, tls: false, exportName: 'e' }],
    ['nbds://[::1]:7/a%20b', { at: { host: '::1', port: 7 }, tls: true, exportName: 'a b' }],
    ['nbd://127.0.0.1:1/disk0@acme/db', { at: { host: '127.0.0.1', port: 1 }, exportName: 'disk0@acme/db' }],
    ['nbd+unix:///?socket=/run/x', { at: { path: '/run/x' }, exportName: '' }],
    ['nbds+unix:///e?socket=/run/x', { at: { path: '/run/x' }, tls: true, exportName: 'e' }],
  ])('%s', (uri, meaning) => expect(parseNbdUri(uri)).toMatchObject(meaning));

  test.each([
    'http://h/e',
    'nbd:///e',
    'nbd+unix:///e',
    'nbd+unix://h/e?socket=/x',
    'nbd://h/%zz',
    'nbd+unix:///?socket=x',
  ])('%s is refused', (uri) => expect(() => parseNbdUri(uri)).toThrow(/^uri must be /));

  test('what is out of range, or not what the server has, is refused by name', async () => {
    await using server = await BrokenServer.start({ sizeBytes: SIZE_BYTES + 512, seed: 1 });
    const open = (spec: Partial<NbdSpec>): Promise<SluiceError> =>
      refusal(openNbdDevice({ uri: server.uri, ...spec }, clock));
    for (const [spec, message] of [
      [{ connections: 17 }, 'connections must be an integer 1..16, got 17'],
      [{ fenceMs: -1 }, 'fence_ms must be an integer 0..600000, got -1'],
      [{ reconnectMsMax: 0 }, 'reconnect_ms_max must be an integer 1..600000, got 0'],
      [{ blockBytes: 1_000 }, 'block_bytes must be a power of two 512..65536, got 1000'],
      [{ tls: {} }, 'uri must be an nbds URI where tls is set'],
      [{ sizeBytes: 4_096 }, `size_bytes must be the size of ${server.uri} (66048), got 4096`],
      [{ blockBytes: 4_096 }, 'whose size is a positive multiple of block_bytes (4096), not 66048 bytes'],
      [{ description: 'disk 7' }, `description must be that of ${server.uri} (""), got "disk 7"`],
    ] as const) {
      const error = await open(spec);
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(error.message).toContain(message);
    }
    const tls = await open({ uri: server.uri.replace('nbd:', 'nbds:') });
    expect(tls).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('does not offer TLS') as string,
    });
  });

  test('nobody there, and an export that is not there', async () => {
    const uri = `nbd://127.0.0.1:${String(await freePort())}/x`;
    const nobody = await refusal(openNbdDevice({ uri }, clock));
    expect(nobody).toMatchObject({ code: 'DEVICE_IO', message: expect.stringContaining('ECONNREFUSED') as string });
    await using rig = await WholeRig.start({});
    const other = await refusal(openNbdDevice({ uri: `nbd://127.0.0.1:${String(rig.port)}/none@a` }, clock));
    expect(other).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"none@a"') as string });
  });
});

describe('errors of the server', () => {
  test.each([
    [NBD_ERRNO.EIO, 'DEVICE_IO'],
    [NBD_ERRNO.ENOSPC, 'NO_SPACE'],
    [NBD_ERRNO.EPERM, 'READ_ONLY'],
    [NBD_ERRNO.ENOTSUP, 'UNSUPPORTED'],
  ])('%i at an offset is %s of that request alone', async (errno, code) => {
    await using subject = await Subject.start();
    subject.server.answer = ({ command, offset }) => (command === COMMANDS.WRITE && offset === 8_192 ? errno : null);
    const [failed, served] = await Promise.all([subject.perform(OPS.WRITE, 8_192), subject.perform(OPS.WRITE, 0)]);
    expect(failed).toMatchObject({ code, message: expect.stringContaining('by hand') as string });
    expect(served.code).toBe('OK');
    expect(subject.server.connections).toBe(1);
  });

  test('TRIM where there is none, writing where it is not allowed, a FLUSH that no one needs', async () => {
    await using plain = await Subject.start({ flags: F.HAS_FLAGS });
    expect(await plain.perform(OPS.TRIM)).toMatchObject({ code: 'UNSUPPORTED' });
    expect(await plain.perform(OPS.FLUSH)).toMatchObject({ code: 'OK' });
    expect(await plain.perform(OPS.WRITE_ZEROES)).toMatchObject({ code: 'OK' });
    expect(plain.server.requests.map(({ command }) => command)).toEqual([COMMANDS.WRITE]);
    await using fixed = await Subject.start({ flags: F.HAS_FLAGS | F.READ_ONLY });
    expect(fixed.device.readOnly).toBe(true);
    expect(await fixed.perform(OPS.WRITE)).toMatchObject({ code: 'READ_ONLY' });
  });

  test('a FLUSH that failed is told, and what it did not cover is written again before the next', async () => {
    await using subject = await Subject.start();
    await subject.perform(OPS.WRITE, 0, 9);
    let fails = 1;
    subject.server.answer = ({ command }) => (command === COMMANDS.FLUSH && fails-- > 0 ? NBD_ERRNO.EIO : null);
    expect(await subject.perform(OPS.FLUSH)).toMatchObject({ code: 'DEVICE_IO' });
    // As a kernel does that could not write a page back: it forgets it.
    subject.server.seen.fill(0);
    expect(await subject.perform(OPS.FLUSH)).toMatchObject({ code: 'OK' });
    expect(subject.server.durable.subarray(0, 4_096).equals(Buffer.alloc(4_096, 9))).toBe(true);
  });
});

describe('a server that is away', () => {
  test('is waited for; meanwhile the device says so, and a request whose time is over is given back', async () => {
    await using subject = await Subject.start();
    await subject.server.stop();
    const [late, patient] = [subject.begin(OPS.WRITE, 0, 1), subject.begin(OPS.WRITE, 4_096, 2)];
    await until(() => subject.device.trouble.includes('ECONNREFUSED'));
    subject.device.abandon(late.io);
    expect(await late.ended).toMatchObject({ code: 'DEVICE_IO' });
    await subject.server.listen();
    expect(await patient.ended).toMatchObject({ code: 'OK' });
    expect(subject.device.trouble).toBe('');
    expect(subject.server.seen.subarray(0, 4_096).equals(Buffer.alloc(4_096))).toBe(true);
  });

  test('and comes back as another: errors until the right one is there again', async () => {
    await using subject = await Subject.start();
    await subject.perform(OPS.WRITE, 0, 3);
    await subject.server.stop();
    const caught = subject.begin(OPS.READ, 0);
    subject.server.sizeBytes = SIZE_BYTES / 2;
    await subject.server.listen();
    const message = expect.stringContaining('had 65536 bytes and now has 32768') as string;
    expect(await caught.ended).toMatchObject({ code: 'DEVICE_IO', message });
    expect(await subject.perform(OPS.WRITE, 0)).toMatchObject({ code: 'DEVICE_IO', message });
    expect(subject.device.trouble).toContain('now has 32768');
    subject.server.sizeBytes = SIZE_BYTES;
    await until(() => subject.device.trouble === '');
    const { code, data } = await subject.perform(OPS.READ, 0);
    expect([code, data![0]]).toEqual(['OK', 3]);
  });

  test('that refuses what it had taken before is not the one that was', async () => {
    await using subject = await Subject.start();
    await subject.perform(OPS.WRITE, 0, 3);
    subject.server.answer = ({ command }) => (command === COMMANDS.WRITE ? NBD_ERRNO.ENOSPC : null);
    subject.server.die();
    await until(() => subject.device.trouble.includes('cannot be written again'));
    expect(await subject.perform(OPS.READ, 0)).toMatchObject({ code: 'DEVICE_IO' });
    subject.server.answer = () => null;
    await until(() => subject.device.trouble === '');
    expect((await subject.perform(OPS.READ, 0)).data![0]).toBe(3);
  });
});

describe('a server that stands still', () => {
  test('is left when a request has waited too long; the others are asked for again', async () => {
    await using subject = await Subject.start();
    subject.server.misdeeds = { hang: 1 };
    const [lost, kept] = [subject.begin(OPS.READ, 0), subject.begin(OPS.READ, 4_096)];
    await until(() => subject.server.requests.length === 2);
    subject.server.misdeeds = {};
    subject.device.abandon(lost.io);
    expect(await lost.ended).toMatchObject({ code: 'DEVICE_IO', message: 'the NBD server did not answer' });
    expect(await kept.ended).toMatchObject({ code: 'OK' });
    expect(subject.server.connections).toBe(2);
  });
});

test('a change waits for one that it overlaps, whatever else goes by', async () => {
  await using subject = await Subject.start();
  const order: number[] = [];
  const first = subject.begin(OPS.WRITE, 0, 1).ended.then(() => order.push(1));
  const second = subject.begin(OPS.WRITE, 0, 2).ended.then(() => order.push(2));
  const aside = subject.begin(OPS.WRITE, 8_192, 3).ended.then(() => order.push(3));
  await until(() => subject.server.requests.length >= 2);
  expect(subject.server.requests.map(({ offset }) => offset).slice(0, 2)).toEqual([0, 8_192]);
  await Promise.all([first, second, aside]);
  expect(order.indexOf(1)).toBeLessThan(order.indexOf(2));
  expect(subject.server.seen[0]).toBe(2);
});

test('more than is kept for a server that dies makes the device flush by itself', async () => {
  const MIB = KIB * KIB;
  await using subject = await Subject.start({ sizeBytes: 8 * MIB });
  for (let i = 0; i < 100; i++) {
    const io = ioOf(OPS.WRITE, (i % 8) * MIB, MIB, subject.clock.nowNs(), Buffer.alloc(MIB, i));
    await new Promise<void>((resolve) => subject.device.submit(io, () => resolve()));
  }
  expect(subject.server.requests.filter(({ command }) => command === COMMANDS.FLUSH).length).toBeGreaterThanOrEqual(2);
});
