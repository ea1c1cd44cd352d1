import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CODES, OPS, SluiceClient, SluiceError, type IoReply } from '../../../src/client/index.js';
import { KIB, MIB } from '../../../src/core/model/units.js';
import { DISK_BYTES, HostRig } from './host-rig.js';

let host: HostRig;
let client: SluiceClient;

beforeAll(async () => {
  host = await HostRig.start();
  client = await SluiceClient.connect(host.address);
});

afterAll(async () => {
  await client.close();
  await host[Symbol.asyncDispose]();
});

function pattern(length: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff));
}

/** What the promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<SluiceError> {
  const error: unknown = await promise.then(
    () => new Error('it resolved'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SluiceError);
  return error as SluiceError;
}

describe('a handle', () => {
  it('tells what the device is', async () => {
    await using disk = await client.open('disk0', 'acme/db');
    expect(disk).toMatchObject({ device: 'disk0', tag: 'acme/db', sizeBytes: DISK_BYTES, blockBytes: 512 });
    expect(disk.readOnly).toBe(false);
    expect(disk.maxIoBytes).toBe(MIB);
  });

  it('reads what was written, trimmed and zeroed, many at once', async () => {
    await using disk = await client.open('disk0', 'acme/db');
    const blocks = Array.from({ length: 64 }, (_, i) => pattern(4 * KIB, i));
    await Promise.all(blocks.map((data, i) => disk.write(i * 4 * KIB, data, { fua: i % 2 === 0 })));
    await disk.flush();
    const back = await Promise.all(blocks.map((_, i) => disk.read(i * 4 * KIB, 4 * KIB)));
    expect(Buffer.concat(back).equals(Buffer.concat(blocks))).toBe(true);
    await disk.writeZeroes(4 * KIB, 8 * KIB);
    await disk.trim(32 * KIB, 4 * KIB);
    expect((await disk.read(4 * KIB, 8 * KIB)).equals(Buffer.alloc(8 * KIB))).toBe(true);
    expect((await disk.read(12 * KIB, 4 * KIB)).equals(blocks[3]!)).toBe(true);
  });

  it('splits what is longer than a host takes, keeping its order', async () => {
    await using disk = await client.open('disk0', 'acme/big');
    const data = pattern(11 * MIB + 512, 5);
    await disk.write(MIB, data);
    const back = await disk.read(MIB, data.length, { timeoutMs: 10_000 });
    expect(back.equals(data)).toBe(true);
  });

  it('says where a request spent its time and what it cost', async () => {
    await using disk = await client.open('disk0', 'acme/db');
    const result = await disk.submit({ op: 'WRITE', offset: 0, data: pattern(64 * KIB, 1), tag: 'acme/db/wal' });
    expect(result.cost).toBe(4);
    expect(result.attempt).toBe(0);
    expect(result.queueUs).toBe(
      result.behindOwnUs + result.limitUs + result.shareUs + result.slotsUs + result.coordinationUs,
    );
    const flush = await disk.submit({ op: 'FLUSH' });
    expect(flush.cost).toBe(1);
  });

  it('keeps many requests out by callbacks', async () => {
    await using disk = await client.open('null0', 'acme/load');
    let out = 0;
    let answered = 0;
    let most = 0;
    await new Promise<void>((resolve) => {
      const issue = (token: number): void => {
        out += 1;
        most = Math.max(most, out);
        disk.issue(OPS.READ, (token % 64) * 4 * KIB, 4 * KIB, null, sink, token);
      };
      const sink = {
        replied: (token: number, reply: IoReply) => {
          out -= 1;
          answered += 1;
          expect(reply.code).toBe(CODES.OK);
          expect(reply.data).toHaveLength(4 * KIB);
          if (token < 2_000) issue(token + 400);
          else if (out === 0) resolve();
        },
      };
      // More than the handle's window of 256: the client waits for credit.
      for (let token = 0; token < 400; token++) issue(token);
    });
    expect(most).toBe(400);
    expect(answered).toBe(2_400);
    expect(client.pending).toBe(0);
  });

  it('closes, and can be opened again; the client counts nothing as pending', async () => {
    const disk = await client.open('disk0', 'acme/db');
    const read = disk.read(0, 512);
    const closed = disk.close();
    expect((await failure(disk.read(0, 512))).code).toBe('CANCELLED');
    await read;
    await closed;
    await disk.close();
    await using again = await client.open('disk0', 'acme/db');
    await again.read(0, 512);
  });

  it('takes a request back by its signal', async () => {
    await using disk = await client.open('disk0', 'acme/db');
    const before = AbortSignal.abort();
    expect((await failure(disk.read(0, 512, { signal: before }))).code).toBe('CANCELLED');
    const abort = new AbortController();
    const many = Array.from({ length: 600 }, () => disk.read(0, 64 * KIB, { signal: abort.signal }));
    const big = disk.read(0, 20 * MIB, { signal: abort.signal });
    abort.abort();
    const outcomes = await Promise.allSettled([...many, big]);
    const codes = outcomes.map((each) => (each.status === 'fulfilled' ? 'OK' : (each.reason as SluiceError).code));
    expect(new Set(codes).size).toBeLessThanOrEqual(2);
    expect(codes.at(-1)).toBe('CANCELLED');
    // The window is 256 requests: the others had not left the client.
    expect(codes.filter((code) => code === 'CANCELLED').length).toBeGreaterThan(300);
  });
});

describe('input that is refused', () => {
  const cases: [string, string, string, (disk: Awaited<ReturnType<SluiceClient['open']>>) => Promise<unknown>][] = [
    ['a negative offset', 'INVALID_ARGUMENT', 'offset', (disk) => disk.read(-512, 512)],
    ['an unaligned offset', 'INVALID_ARGUMENT', 'offset', (disk) => disk.read(100, 512)],
    ['an offset that is no integer', 'INVALID_ARGUMENT', 'offset', (disk) => disk.read(0.5, 512)],
    ['an offset above 2^53', 'INVALID_ARGUMENT', 'offset', (disk) => disk.read(2 ** 60, 512)],
    ['no length', 'INVALID_ARGUMENT', 'length', (disk) => disk.read(0, 0)],
    ['NaN as length', 'INVALID_ARGUMENT', 'length', (disk) => disk.read(0, Number.NaN)],
    ['an unaligned length', 'INVALID_ARGUMENT', 'length', (disk) => disk.trim(0, 511)],
    ['a range past the end', 'OUT_OF_RANGE', 'offset', (disk) => disk.read(DISK_BYTES - 512, 1_024)],
    ['a long range past the end', 'OUT_OF_RANGE', 'offset', (disk) => disk.read(DISK_BYTES - MIB, 4 * MIB)],
    [
      'data of another length',
      'INVALID_ARGUMENT',
      'data',
      (disk) => disk.submit({ op: 'WRITE', length: 1_024, data: Buffer.alloc(512) }),
    ],
    ['no data', 'INVALID_ARGUMENT', 'length', (disk) => disk.write(0, Buffer.alloc(0))],
    ['text as data', 'INVALID_ARGUMENT', 'data', (disk) => disk.write(0, 'x'.repeat(512) as never)],
    ['data of a read', 'INVALID_ARGUMENT', 'data', (disk) => disk.submit({ op: 'READ', data: Buffer.alloc(512) })],
    ['a range of a flush', 'INVALID_ARGUMENT', 'offset', (disk) => disk.submit({ op: 'FLUSH', offset: 512 })],
    ['an unknown operation', 'INVALID_ARGUMENT', 'op', (disk) => disk.submit({ op: 'APPEND' as never })],
    ['a malformed tag', 'INVALID_ARGUMENT', 'tag', (disk) => disk.read(0, 512, { tag: 'Acme//db' })],
    ['a tag outside the handle', 'INVALID_ARGUMENT', 'tag', (disk) => disk.read(0, 512, { tag: 'acme/dbx' })],
    ['a timeout of 0', 'INVALID_ARGUMENT', 'timeoutMs', (disk) => disk.read(0, 512, { timeoutMs: 0 })],
    ['a timeout beyond the wire', 'INVALID_ARGUMENT', 'timeoutMs', (disk) => disk.read(0, 512, { timeoutMs: 1e10 })],
    [
      'one request longer than a host takes',
      'TOO_LARGE',
      'length',
      (disk) => disk.submit({ op: 'READ', length: 2 * MIB }),
    ],
  ];

  it.each(cases)('%s: %s %s', async (_name, code, field, act) => {
    await using disk = await client.open('disk0', 'acme/db');
    const error = await failure(act(disk));
    expect([error.code, error.field]).toEqual([code, field]);
    expect(error.message).toMatch(/must be/);
  });

  it('names an unknown device, a malformed name and tag', async () => {
    expect((await failure(client.open('disk9', 'acme'))).code).toBe('NOT_FOUND');
    expect((await failure(client.open('Disk 9', 'acme'))).field).toBe('device');
    expect((await failure(client.open('disk0', 'a/'.repeat(9)))).field).toBe('tag');
  });

  it('names an option that is not one, or out of range', async () => {
    const bad = { maxOutage: 5 } as object;
    expect((await failure(SluiceClient.connect(host.address, bad))).message).toMatch(/no "maxOutage".*maxOutageMs/);
    expect((await failure(SluiceClient.connect(host.address, { maxPendingRequests: 0 }))).field).toBe(
      'options.maxPendingRequests',
    );
    expect((await failure(SluiceClient.connect([]))).field).toBe('addresses');
    expect((await failure(SluiceClient.connect(host.address, { resendWrites: 'always' as never }))).field).toBe(
      'options.resendWrites',
    );
  });

  it('says which address did not answer, and why', async () => {
    const error = await failure(SluiceClient.connect('127.0.0.1:1', { maxOutageMs: 300 }));
    expect(error.code).toBe('DEADLINE_EXCEEDED');
    expect(error.message).toMatch(/max_outage_ms 300.*127\.0\.0\.1:1.*ECONNREFUSED/);
  });
});

describe('submitOnce', () => {
  it('serves one request in a call of its own', async () => {
    const data = pattern(4 * KIB, 9);
    const write = await client.submitOnce('disk0', { op: 'WRITE', offset: 0, data, tag: 'acme/once' });
    expect(write.cost).toBe(1);
    const read = await client.submitOnce('disk0', { op: 'READ', offset: 0, length: 4 * KIB, tag: 'acme/once' });
    expect(read.data.equals(data)).toBe(true);
  });

  it("gives the host's error with its code", async () => {
    const request = { op: 'READ', offset: 0, length: 512, tag: 'acme' } as const;
    expect((await failure(client.submitOnce('disk9', request))).code).toBe('NOT_FOUND');
    expect((await failure(client.submitOnce('disk0', { ...request, offset: 100 }))).code).toBe('INVALID_ARGUMENT');
  });

  it('does not say that a write failed when no host was there to say so', async () => {
    await using gone = await HostRig.start();
    const other = await SluiceClient.connect(gone.address, { callTimeoutMs: 2_000 });
    await gone.door.close();
    const write = { op: 'WRITE', offset: 0, data: Buffer.alloc(512), tag: 'acme' } as const;
    expect((await failure(other.submitOnce('disk0', write))).code).toBe('OUTCOME_UNKNOWN');
    const read = { op: 'READ', offset: 0, length: 512, tag: 'acme' } as const;
    expect((await failure(other.submitOnce('disk0', read))).code).toBe('STORE_UNAVAILABLE');
    other.destroy();
  });
});
