/** What a connection says arrives whole and in order, from buffers that are used again, whether its client is quick or slow to read. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SeededRng } from '../../../src/core/rng.js';
import { COPIED_BYTES_MAX, ReplyWriter, WriteBuffers } from '../../../src/doors/nbd/reply-writer.js';

class Pair implements AsyncDisposable {
  readonly server: Socket;
  readonly client: Socket;
  readonly #end: () => Promise<void>;

  private constructor(server: Socket, client: Socket, end: () => Promise<void>) {
    this.server = server;
    this.client = client;
    this.#end = end;
  }

  static async make(): Promise<Pair> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    const listener = createServer();
    listener.listen(join(folder, 's'));
    await once(listener, 'listening');
    const client = connect(join(folder, 's'));
    const [server] = (await once(listener, 'connection')) as [Socket];
    return new Pair(server, client, async () => {
      client.destroy();
      server.destroy();
      await new Promise((resolve) => listener.close(resolve));
      rmSync(folder, { recursive: true });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }
}

describe('the writer of replies', () => {
  test.each([
    ['quick', 0, true],
    ['slow', 300, true],
    // Small ones alone: what the socket does not take is the writer's own buffer.
    ['slow', 300, false],
  ])(
    'a client that is %s to read gets every byte in order (pause %i ms, large ones too: %s)',
    async (_, pauseMs, large) => {
      await using pair = await Pair.make();
      const rng = new SeededRng(7);
      const got: Buffer[] = [];
      let gotBytes = 0;
      pair.client.on('data', (chunk: Buffer) => {
        got.push(chunk);
        gotBytes += chunk.length;
      });
      pair.client.pause();
      const writer = new ReplyWriter(pair.server, new WriteBuffers(), () => undefined);
      const said: Buffer[] = [];
      let blocked = 0;
      for (let i = 0; i < 200; i++) {
        for (let answers = rng.below(40); answers >= 0; answers--) {
          const small = !large || rng.below(8) !== 0;
          const bytes = Buffer.alloc(
            small ? 1 + rng.below(4_096) : COPIED_BYTES_MAX + 1 + rng.below(60_000),
            i + answers,
          );
          said.push(Buffer.from(bytes));
          const at = writer.room(4);
          writer.buffer.writeUInt32BE(said.length, at);
          said.splice(-1, 0, Buffer.from(writer.buffer.subarray(at, at + 4)));
          writer.write(bytes);
          // It is the caller's again.
          if (small) bytes.fill(0xff);
        }
        if (writer.unsentBytes > 0) blocked += 1;
        if (pauseMs === 0) pair.client.resume();
        await turn();
      }
      setTimeout(() => pair.client.resume(), pauseMs);
      const all = Buffer.concat(said);
      while (gotBytes < all.length) await once(pair.client, 'data');
      expect(Buffer.concat(got).equals(all)).toBe(true);
      expect(blocked).toBeGreaterThan(0);
    },
  );

  test('tells once what was held back has gone, and holds nothing then', async () => {
    await using pair = await Pair.make();
    pair.client.pause();
    let told = 0;
    const writer = new ReplyWriter(pair.server, new WriteBuffers(), () => (told += 1));
    while (pair.server.writableLength === 0) {
      writer.write(Buffer.alloc(COPIED_BYTES_MAX, 1));
      await turn();
    }
    const before = told;
    // The buffer that the socket has kept is held whole, however little of it is left.
    expect(writer.unsentBytes).toBeGreaterThanOrEqual(64 * 1_024);
    pair.client.resume();
    while (told === before) await turn();
    expect(writer.unsentBytes).toBe(0);
  });
});
