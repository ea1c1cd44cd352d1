/** What the NBD door answers, what it refuses and by which error, and what it holds at most. */
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allRows } from '../../../src/control/usage.js';
import { OPS } from '../../../src/core/model/request.js';
import { COMMANDS, COMMAND_FLAGS, INFO, NBD_ERRNO, OPTION_REPLIES } from '../../../src/wire/nbd/protocol.js';
import { encodeRawOption } from '../../../src/wire/nbd/options.js';
import { FakeRig, WholeRig, until } from './rig.js';
import { RawNbd } from './raw-client.js';

const MIB = 1_048_576;
const SSD = { simulation: { kind: 'ssd', size_bytes: 64 * MIB } };

describe('negotiation', () => {
  test('an export carries its tag, its size, its flags and its block sizes', async () => {
    await using rig = await FakeRig.start();
    using client = await RawNbd.connect(rig.port);
    await client.ask({ kind: 'structured-reply' });
    const replies = await client.ask({ kind: 'go', name: 'disk0@acme/db', infos: [INFO.NAME, INFO.DESCRIPTION] });
    const infos = replies.slice(0, -1).map(({ data }) => data);
    expect(infos[0]).toEqual(Buffer.from('00000000000040000000' + '05ed', 'hex'));
    expect(infos[1]).toEqual(Buffer.from('0003' + '00000200' + '00001000' + '02000000', 'hex'));
    expect(infos[2]!.toString('utf8', 2)).toBe('disk0@acme/db');
    expect(infos[3]!.toString('utf8', 2)).toBe('device disk0, requests carry tag acme/db');
    client.begin();
    expect(await client.read(512, 512)).toMatchObject({ errno: 0 });
    expect(rig.device.tags).toEqual(['acme/db']);
  });

  test('a read-only device says so and takes no writes', async () => {
    await using rig = await FakeRig.start();
    rig.device.readOnly = true;
    using client = await RawNbd.connect(rig.port);
    const { flags } = await client.exportName('disk0@a');
    expect(flags).toBe(1 + 2 + 4 + 256 + 1_024);
  });

  test.each([
    ['no-such@a', OPTION_REPLIES.ERR_UNKNOWN, /there is no device no-such/],
    ['disk0', OPTION_REPLIES.ERR_UNKNOWN, /must be DEVICE@TAG/],
    ['', OPTION_REPLIES.ERR_UNKNOWN, /must be DEVICE@TAG/],
    ['disk0@A B', OPTION_REPLIES.ERR_UNKNOWN, /must be DEVICE@TAG.*got "disk0@A B"/],
    ['disk0@a@b', OPTION_REPLIES.ERR_UNKNOWN, /must be DEVICE@TAG/],
  ])('export %j is refused, and the client may ask for another', async (name, type, message) => {
    await using rig = await FakeRig.start();
    using client = await RawNbd.connect(rig.port);
    const [refused] = await client.ask({ kind: 'go', name, infos: [] });
    expect(refused!.type).toBe(type);
    expect(refused!.data.toString()).toMatch(message);
    expect((await client.ask({ kind: 'go', name: 'disk0@a', infos: [] })).at(-1)!.type).toBe(OPTION_REPLIES.ACK);
  });

  test('a device that drains or has no working binding is refused with its reason', async () => {
    await using rig = await FakeRig.start();
    using client = await RawNbd.connect(rig.port);
    rig.device.refused = { code: 'DRAINING', message: 'device disk0 is draining' };
    expect(await client.ask({ kind: 'go', name: 'disk0@a', infos: [] })).toMatchObject([
      { type: OPTION_REPLIES.ERR_SHUTDOWN, data: Buffer.from('device disk0 is draining') },
    ]);
    rig.device.refused = { code: 'DEVICE_IO', message: 'the file shrank' };
    expect(await client.ask({ kind: 'info', name: 'disk0@a', infos: [] })).toMatchObject([
      { type: OPTION_REPLIES.ERR_UNKNOWN, data: Buffer.from('the file shrank') },
    ]);
    const ended = client.exportName('disk0@a');
    await expect(ended).rejects.toThrow('the connection ended');
  });

  test('an unknown option, one without its data, STARTTLS without TLS: refused apart; ABORT is acknowledged', async () => {
    await using rig = await FakeRig.start();
    using client = await RawNbd.connect(rig.port);
    client.socket.write(encodeRawOption(77, Buffer.alloc(3)));
    expect(await client.ask({ kind: 'list' })).toMatchObject([{ option: 77, type: OPTION_REPLIES.ERR_UNSUP }]);
    expect(await client.ask({ kind: 'starttls' })).toMatchObject([
      { type: OPTION_REPLIES.SERVER },
      { type: OPTION_REPLIES.ACK },
    ]);
    expect(await client.ask({ kind: 'set-meta-context', name: 'disk0@a', queries: [] })).toMatchObject([
      { type: OPTION_REPLIES.ERR_POLICY },
    ]);
    expect(await client.ask({ kind: 'abort' })).toMatchObject([{ type: OPTION_REPLIES.ERR_INVALID }]);
    await client.closed;
  });

  test('the list names each device with the tags that have policies, for it or for all', async () => {
    await using rig = await WholeRig.start({
      devices: { a: SSD, b: SSD },
      policies: [
        { device: '*', tag: 'acme', shares: 1 },
        { device: 'b', tag: 'acme/db', shares: 1 },
      ],
    });
    using client = await RawNbd.connect(rig.port);
    const names = (await client.ask({ kind: 'list' })).slice(0, -1).map(({ data }) => data.toString('utf8', 4));
    expect(names).toEqual(['a@acme', 'b@acme', 'b@acme/db']);
  });
});

describe.each([true, false])('requests, with structured replies: %s', (structured) => {
  test('FUA goes with each piece of its write to the device, and with no other request', async () => {
    await using rig = await FakeRig.start();
    using client = await RawNbd.open(rig.port, 'disk0@a', structured);
    await client.write(0, Buffer.alloc(2 * MIB), COMMAND_FLAGS.FUA);
    await client.request(COMMANDS.WRITE_ZEROES, 0, 4_096, { flags: COMMAND_FLAGS.FUA });
    await client.write(0, Buffer.alloc(4_096));
    expect(rig.device.submitted.map(({ fua }) => fua)).toEqual([true, true, true, false]);
  });

  test('what is written is read: in pieces, whole, with FUA, after zeroes', async () => {
    await using rig = await WholeRig.start({ devices: { d: SSD } });
    using client = await RawNbd.open(rig.port, 'd@a', structured);
    const data = Buffer.alloc(5 * MIB + 4_096);
    for (let i = 0; i < data.length; i += 4) data.writeUInt32BE(i, i);
    expect(await client.write(4_096, data, COMMAND_FLAGS.FUA)).toMatchObject({ errno: 0 });
    const read = await client.read(4_096, data.length, { flags: structured ? COMMAND_FLAGS.DF : 0 });
    expect(read.errno).toBe(0);
    expect(read.data.equals(data)).toBe(true);
    const zeroes = await client.request(COMMANDS.WRITE_ZEROES, 8_192, 4_096, { flags: COMMAND_FLAGS.NO_HOLE });
    expect(zeroes).toMatchObject({ errno: 0 });
    data.fill(0, 4_096, 8_192);
    expect((await client.read(4_096, 16_384)).data.equals(data.subarray(0, 16_384))).toBe(true);
    for (const command of [COMMANDS.TRIM, COMMANDS.CACHE]) {
      expect(await client.request(command, 0, 48 * MIB)).toMatchObject({ errno: 0 });
    }
    expect(await client.request(COMMANDS.FLUSH, 0, 0)).toMatchObject({ errno: 0 });
    const answer = await rig.assembled.usage.query({
      device: 'd',
      tagPrefix: '',
      fromMs: 0,
      toMs: 0,
      stepMs: 0,
      groupLevel: 0,
      orderBy: 'tag',
      topN: 0,
      apart: [],
      quantiles: [],
    });
    const [row] = await allRows(answer);
    const written = row!.ops.find(({ op }) => op === OPS.WRITE)!;
    expect([row!.tag, written.count, written.bytes]).toEqual(['a', 6, data.length]);
  });

  test.each([
    ['a read that is not aligned', COMMANDS.READ, 100, 512, 0, NBD_ERRNO.EINVAL],
    ['a read of nothing', COMMANDS.READ, 0, 0, 0, NBD_ERRNO.EINVAL],
    ['a read past the end', COMMANDS.READ, 2 ** 30, 512, 0, NBD_ERRNO.EINVAL],
    ['a read at the end of all numbers', COMMANDS.READ, 2 ** 64 - 2 ** 12, 512, 0, NBD_ERRNO.EINVAL],
    ['a read above 32 MiB', COMMANDS.READ, 0, 32 * MIB + 512, 0, NBD_ERRNO.EOVERFLOW],
    ['zeroes past the end', COMMANDS.WRITE_ZEROES, 2 ** 30 - 512, 1_024, 0, NBD_ERRNO.ENOSPC],
    ['zeroes that must be fast', COMMANDS.WRITE_ZEROES, 0, 512, COMMAND_FLAGS.FAST_ZERO, NBD_ERRNO.EINVAL],
    ['a flag that a read has not', COMMANDS.READ, 0, 512, COMMAND_FLAGS.REQ_ONE, NBD_ERRNO.EINVAL],
    ['a flush of a range', COMMANDS.FLUSH, 512, 512, 0, NBD_ERRNO.EINVAL],
    ['a command that there is not', 4_711, 0, 512, 0, NBD_ERRNO.EINVAL],
  ])('%s is refused, the next request is served', async (_, command, offset, length, flags, errno) => {
    await using rig = await FakeRig.start();
    using client = await RawNbd.open(rig.port, 'disk0@a', structured);
    const answer = await client.request(command, offset, length, { flags });
    expect(answer.errno).toBe(errno);
    if (structured) expect(answer.message).not.toBe('');
    expect(rig.device.executed).toBe(0);
    expect(await client.read(0, 512)).toMatchObject({ errno: 0 });
  });

  test('block status: all may hold data where the context was agreed on, EINVAL otherwise', async () => {
    await using rig = await FakeRig.start();
    using client = await RawNbd.open(rig.port, 'disk0@a', structured);
    const answer = await client.request(COMMANDS.BLOCK_STATUS, 512, 1_024, { flags: COMMAND_FLAGS.REQ_ONE });
    if (structured) expect(answer.extents).toEqual([{ lengthBytes: 1_024, flags: 0 }]);
    else expect(answer.errno).toBe(NBD_ERRNO.EINVAL);
  });

  test('pieces that end in any order are one answer; the first failure is its error', async () => {
    await using rig = await FakeRig.start();
    rig.device.mode = 'hold';
    using client = await RawNbd.open(rig.port, 'disk0@a', structured);
    const read = client.read(0, 3 * MIB);
    const other = client.read(0, 2 * MIB);
    await until(() => rig.device.submitted.length === 5);
    const [a, b, c, d, e] = rig.device.submitted;
    for (const io of [c!, a!, b!]) rig.device.finish(io);
    const { data } = await read;
    expect([data.length, data[0], data[MIB], data[2 * MIB]]).toEqual([3 * MIB, 0, 1, 2]);
    rig.device.finish(e!, 'DEVICE_IO', 'bad sector');
    rig.device.finish(d!, 'OK');
    expect(await other).toMatchObject({ errno: NBD_ERRNO.EIO, message: structured ? 'bad sector' : '' });
  });
});

describe('bounds', () => {
  test('a queue that is full reaches no guest: the pieces wait and are served', async () => {
    await using rig = await WholeRig.start({
      devices: { d: { ...SSD, depth: 1, max_queued_requests: 2, max_queued_bytes: 16_384 } },
    });
    using client = await RawNbd.open(rig.port, 'd@a');
    using twin = await RawNbd.open(rig.port, 'd@a');
    const reads = [client, twin].flatMap((each) => Array.from({ length: 40 }, (_, i) => each.read(i * 65_536, 65_536)));
    const answers = await Promise.all(reads);
    expect(answers.map(({ errno, data }) => [errno, data.length])).toEqual(answers.map(() => [0, 65_536]));
  });

  test('what one client may have at work is bounded, and what it sends on top waits in its socket', async () => {
    await using rig = await FakeRig.start();
    rig.device.mode = 'hold';
    using client = await RawNbd.open(rig.port, 'disk0@a');
    const small = Array.from({ length: 1_000 }, () => client.read(0, 512));
    await until(() => rig.device.submitted.length === 256);
    using other = await RawNbd.open(rig.port, 'disk0@b');
    const large = Array.from({ length: 64 }, () => other.read(0, MIB));
    await until(() => rig.device.submitted.length >= 256 + 16);
    // A third client is served while the two are stopped.
    rig.device.mode = 'serve';
    using third = await RawNbd.open(rig.port, 'disk0@c');
    expect(await third.read(0, 512)).toMatchObject({ errno: 0 });
    expect(rig.device.submitted.length).toBe(256 + 16 + 1);
    rig.device.finishAll();
    expect((await Promise.all([...small, ...large])).every(({ errno }) => errno === 0)).toBe(true);
  });

  test('a client that never reads its replies is not read either, and delays nobody', async () => {
    await using rig = await FakeRig.start();
    using deaf = await RawNbd.open(rig.port, 'disk0@a');
    deaf.socket.pause();
    const reads = Array.from({ length: 400 }, () => deaf.read(0, MIB));
    using other = await RawNbd.open(rig.port, 'disk0@b');
    for (let i = 0; i < 200; i++) expect(await other.read(0, 512)).toMatchObject({ errno: 0 });
    // 4 MiB unsent, what the two kernel buffers take (16 MiB at the very most), one request on top.
    expect(rig.device.executed - 200).toBeLessThan(24);
    deaf.socket.resume();
    expect((await Promise.all(reads)).every(({ data }) => data.length === MIB)).toBe(true);
  });

  test('what a client that vanished had queued is taken back, what is at the device ends unheard', async () => {
    await using rig = await FakeRig.start();
    rig.device.mode = 'queue';
    using client = await RawNbd.open(rig.port, 'disk0@a');
    const reads = Array.from({ length: 20 }, () => client.read(0, 512).catch(() => 'gone'));
    await until(() => rig.device.submitted.length === 20);
    rig.device.submitted[0]!.state = 'outstanding';
    client.socket.destroy();
    expect(await Promise.all(reads)).toEqual(reads.map(() => 'gone'));
    await until(() => rig.door.connections === 0);
    expect(rig.device.submitted.map(({ code }) => code)).toEqual(['OK', ...Array<string>(19).fill('CANCELLED')]);
    rig.device.finish(rig.device.submitted[0]!);
    rig.device.mode = 'serve';
    using next = await RawNbd.open(rig.port, 'disk0@a');
    expect(await next.read(0, 512)).toMatchObject({ errno: 0 });
  });
});

describe('the end', () => {
  test('DISC: what is out is answered, then the connection closes', async () => {
    await using rig = await FakeRig.start();
    rig.device.mode = 'hold';
    using client = await RawNbd.open(rig.port, 'disk0@a');
    const read = client.read(0, 512);
    client.request(COMMANDS.DISC, 0, 0).catch(() => undefined);
    await until(() => rig.device.submitted.length === 1);
    rig.device.finishAll();
    expect(await read).toMatchObject({ errno: 0 });
    await client.closed;
  });

  test('a drain answers what is out, refuses what comes with ESHUTDOWN, and closes', async () => {
    await using rig = await FakeRig.start();
    rig.device.mode = 'hold';
    using client = await RawNbd.open(rig.port, 'disk0@a');
    using undecided = await RawNbd.connect(rig.port);
    const read = client.read(0, 512);
    await until(() => rig.device.submitted.length === 1);
    const drained = rig.door.drain(60_000);
    await undecided.closed;
    expect(await client.read(0, 512)).toMatchObject({ errno: NBD_ERRNO.ESHUTDOWN });
    await expect(RawNbd.connect(rig.port)).rejects.toThrow();
    rig.device.finishAll();
    expect(await read).toMatchObject({ errno: 0 });
    await drained;
    await client.closed;
  });

  test('past the grace time what is queued is answered ESHUTDOWN', async () => {
    await using rig = await FakeRig.start();
    rig.device.mode = 'queue';
    using client = await RawNbd.open(rig.port, 'disk0@a');
    const read = client.read(0, 512);
    await until(() => rig.device.submitted.length === 1);
    await rig.door.drain(0);
    expect(await read).toMatchObject({ errno: NBD_ERRNO.ESHUTDOWN });
  });

  test('a socket that a killed process left behind is replaced, one in use and what is no socket are errors', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-nbd-'));
    try {
      const path = join(folder, 'nbd.sock');
      const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
      spawnSync(process.execPath, ['-e', script]);
      expect(lstatSync(path).isSocket()).toBe(true);
      await using first = await FakeRig.start({}, path);
      await expect(FakeRig.start({}, path)).rejects.toThrow(
        /^listen\.nbd must be an address that is free to listen at/,
      );
      await until(() => first.door.connections === 0);
      const file = join(folder, 'file');
      writeFileSync(file, 'kept');
      await expect(FakeRig.start({}, file)).rejects.toThrow(/^listen\.nbd must be an address that is free/);
      expect(readFileSync(file, 'utf8')).toBe('kept');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('an address that is taken is an error that names it', async () => {
    await using rig = await FakeRig.start();
    await expect(FakeRig.start({}, rig.port)).rejects.toThrow(
      /listen\.nbd must be an address that is free to listen at \(.*EADDRINUSE.*got "127\.0\.0\.1:\d+"/,
    );
  });
});
