/**
 * The history of "Writes and doubt": host A has W1 and is stopped; the client sends W1 again through B,
 * not before the fence; then W2 goes to the same block; A goes on, and W1 must not land on W2. One file
 * that both hosts bind; what it holds is read from the file itself.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SluiceClient } from '../../../src/client/index.js';
import { CountedLoad, Hosts } from '../../support/hosts.js';
import { RedisServer, canRedis, eventually } from '../../support/redis.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

const BLOCK_BYTES = 4_096;
/** Far from where the load reads first. */
const BLOCK_AT = 32 * 1_048_576;
const FILE_BYTES = 64 * 1_048_576;
const LEASE_MS = 1_000;
const FENCE_MS = LEASE_MS * 1.25;

type Course =
  /** A has taken W1 in, and it waits behind others when A is stopped. */
  | 'queued at A'
  /** A is stopped already: W1 lies in the buffer of A's socket, and behind it the end of the connection. */
  | 'on its way to A'
  /** The same, and A never hears that the connection has ended. */
  | 'on its way to A, whose client vanishes without a word';

describe.skipIf(!canRedis)('a write whose host is stopped', { timeout: 60_000 }, () => {
  let redis: RedisServer;
  let folder: string;
  let file: string;
  beforeAll(async () => {
    redis = await RedisServer.start();
    folder = mkdtempSync(join(tmpdir(), 'sluice-doubt-'));
    file = join(folder, 'disk');
  });
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the block holds: its byte, or -1 where they differ. */
  function held(): number {
    const block = Buffer.alloc(BLOCK_BYTES);
    const descriptor = openSync(file, 'r');
    readSync(descriptor, block, 0, BLOCK_BYTES, BLOCK_AT);
    closeSync(descriptor);
    return block.every((byte) => byte === block[0]) ? block[0]! : -1;
  }

  it.each<Course>(['queued at A', 'on its way to A', 'on its way to A, whose client vanishes without a word'])(
    'does not land on what followed it: %s',
    async (course) => {
      await redis.admin.flushall();
      writeFileSync(file, '');
      truncateSync(file, FILE_BYTES);
      const config = `
bindings: { disk: { type: file, path: ${file}, shared: true, delay: hdd } }
devices: { disk0: { binding: disk, depth: 1, scheduler: fifo } }
coordination: { lease_ms: ${String(LEASE_MS)}, grace_ms: 500 }
fence_ms: 0
store_restore_ms: 0
`;
      await using hosts = await Hosts.start(2, redis.url, config);
      const [a, b] = [hosts.services[0]!, hosts.services[1]!];
      const [, port] = a.grpc.split(':');
      await using proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(port) });
      let lostMs = 0;
      const client = await SluiceClient.connect([`127.0.0.1:${String(proxy.port)}`, b.grpc], {
        keepaliveMs: 200,
        dialTimeoutMs: 300,
        onConnection: ({ kind }) => {
          if (kind === 'lost') lostMs = performance.now();
        },
      });
      const disk = await client.open('disk0', 'writer');
      // A disk that is busy for the next half second, so that W1 waits behind what came before it.
      const load = await CountedLoad.start(a.grpc, 'disk0', 'reader', 40);
      await eventually('A is under load', () => (load.ok > 5 ? true : null));

      if (course !== 'queued at A') a.child.kill('SIGSTOP');
      let answeredMs = 0;
      const first = disk.write(BLOCK_AT, Buffer.alloc(BLOCK_BYTES, 1)).then(() => (answeredMs = performance.now()));
      await sleep(100);
      if (course === 'queued at A') a.child.kill('SIGSTOP');
      if (course.endsWith('without a word')) proxy.silent = true;
      const stoppedMs = performance.now();

      let landedMs = 0;
      while (answeredMs === 0) {
        if (landedMs === 0 && held() === 1) landedMs = performance.now();
        await Promise.race([first, sleep(2)]);
      }
      expect(landedMs - lostMs).toBeGreaterThanOrEqual(FENCE_MS);
      expect(client.address).toBe(b.grpc);
      const other = await SluiceClient.connect(b.grpc);
      await (await other.open('disk0', 'writer')).write(BLOCK_AT, Buffer.alloc(BLOCK_BYTES, 2));
      expect(held()).toBe(2);

      const before = load.answered;
      a.child.kill('SIGCONT');
      await eventually('A serves again', () => {
        expect(held()).toBe(2);
        return load.ok > 0 && load.answered > before + 60 ? true : null;
      });
      expect(held()).toBe(2);
      expect(await writes(other)).toBe(2);
      console.info(
        `${course}: lost ${(lostMs - stoppedMs).toFixed(0)} ms after the stop, sent elsewhere ${(landedMs - lostMs).toFixed(0)} ms ` +
          `after that (fence ${String(FENCE_MS)}); W1 and W2 executed once each`,
      );
      load.abandon();
      client.destroy();
      await other.close();
    },
  );
});

/** Writes that were executed, over all hosts. */
async function writes(client: SluiceClient): Promise<number> {
  let count = 0;
  for await (const { ops } of client.usage.query({ device: 'disk0', tagPrefix: 'writer' })) {
    for (const op of ops) if (op.op === 2) count += op.count;
  }
  return count;
}
