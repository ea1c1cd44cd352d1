/** `sluice serve` on Redis: what it refuses at start, bindings that differ. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SluiceClient } from '../../../src/client/index.js';
import { RedisServer, canRedis, eventually } from '../../support/redis.js';
import { TestService, runSluice } from '../../support/service.js';

const RESTORE = 'store_restore_ms: 0\n';

describe.skipIf(!canRedis)('serve on Redis', { timeout: 60_000 }, () => {
  let redis: RedisServer;
  let folder: string;
  beforeAll(async () => {
    redis = await RedisServer.start();
    folder = mkdtempSync(join(tmpdir(), 'sluice-serve-'));
  });
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says in one line what is wrong, without the password, and ends', async () => {
    const ports = ['--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0', '--log-level', 'warn'];
    const password = join(folder, 'password');
    writeFileSync(password, 'secret\n');
    for (const workers of ['1', '2']) {
      const { code, stderr } = await runSluice([
        'serve',
        '--store',
        `redis+unix:///nowhere/redis.sock`,
        '--workers',
        workers,
        ...ports,
      ]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/store redis\+unix:\/\/\/nowhere\/redis\.sock is not to be reached: .*ENOENT/);
    }
    await redis.admin.acl('SETUSER', 'me', 'on', '>right', '~*', '&*', '+@all');
    const store = `redis+unix://me@${redis.socket}`;
    const { code, stderr } = await runSluice(['serve', '--store', store, '--store-password-file', password, ...ports]);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/does not take user me with this password/);
    expect(stderr).not.toContain('secret');
  });

  it('does not let in a binding of another size, and shares one file where both say so', async () => {
    const files = ['one', 'two'].map((name) => join(folder, name));
    for (const [index, file] of files.entries()) {
      writeFileSync(file, '');
      truncateSync(file, (index + 1) * 1_048_576);
    }
    const config = (file: string): string =>
      `${RESTORE}bindings: { b: { type: file, path: ${file}, shared: true } }\ndevices: { filed: { binding: b } }\n`;
    const args = ['--store', redis.url];
    await using first = await TestService.start({ config: config(files[0]!), args });
    await using same = await TestService.start({ config: config(files[0]!), args });
    await using other = await TestService.start({ config: config(files[1]!), args });
    const ready = async ({ http }: TestService): Promise<string> => await (await fetch(`http://${http}/readyz`)).text();
    for (const service of [first, same]) {
      await eventually('it is ready', async () => (/"ready":true/.test(await ready(service)) ? true : null));
    }
    expect(await ready(other)).toMatch(
      /device filed is unavailable: device filed: this host's binding has 2097152 bytes in blocks of 512, other hosts have 1048576 bytes in blocks of 512: all must bind the same disk/,
    );
    expect(other.output.match(/device does not open/g)).toHaveLength(1);
    // What one host wrote the other reads: it is one file.
    const [writer, reader] = await Promise.all([SluiceClient.connect(first.grpc), SluiceClient.connect(same.grpc)]);
    await (await writer.open('filed', 'a')).write(0, Buffer.alloc(4_096, 'x'));
    expect(await (await reader.open('filed', 'b')).read(0, 4_096)).toEqual(Buffer.alloc(4_096, 'x'));
    await Promise.all([writer.close(), reader.close()]);
  });
});
