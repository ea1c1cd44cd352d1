/** `sluice serve` on Redis: what it refuses at start, bindings that differ, an id that two have. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import { SluiceClient } from '../../../src/client/index.js';
import { ExchangeGate } from '../../../src/coordination/exchange/gate.js';
import { coordinationOptions } from '../../../src/coordination/exchange/options.js';
import { RedisExchange } from '../../../src/coordination/redis/transport.js';
import { DEFAULT_SETTINGS } from '../../../src/core/model/device.js';
import { LogLines } from '../../support/log-lines.js';
import { RedisServer, canRedis, eventually } from '../../support/redis.js';
import { connectTo } from '../../support/shared-store.js';
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
    const absent = ['1', '2'].map(async (workers) => {
      const store = ['--store', 'redis+unix:///nowhere/redis.sock'];
      const { code, stderr } = await runSluice(['serve', ...store, '--workers', workers, ...ports]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/store redis\+unix:\/\/\/nowhere\/redis\.sock is not to be reached: .*ENOENT/);
    });
    await redis.admin.acl('SETUSER', 'me', 'on', '>right', '~*', '&*', '+@all');
    const store = `redis+unix://me@${redis.socket}`;
    const [{ code, stderr }] = await Promise.all([
      runSluice(['serve', '--store', store, '--store-password-file', password, ...ports]),
      ...absent,
    ]);
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

  it('does not let in a binding of the same size and another identity, and takes one that names none', async () => {
    const config = (identity: string): string =>
      `${RESTORE}bindings: { b: { type: lease, size_bytes: 1048576${identity} } }\ndevices: { leased: { binding: b } }\n`;
    const args = ['--store', redis.url];
    await using first = await TestService.start({ config: config(', uuid: naa.5000c500a1b2c3d4'), args });
    const [other, silent] = await Promise.all(
      [', uuid: naa.5000c500a1b2c3d5', ''].map((identity) => TestService.start({ config: config(identity), args })),
    );
    const ready = async ({ http }: TestService): Promise<string> => await (await fetch(`http://${http}/readyz`)).text();
    for (const service of [first, silent!]) {
      await eventually('it is ready', async () => (/"ready":true/.test(await ready(service)) ? true : null));
    }
    const message =
      "device leased: this host's binding has 1048576 bytes in blocks of 512 and identity naa.5000c500a1b2c3d5, " +
      'other hosts have 1048576 bytes in blocks of 512 and identity naa.5000c500a1b2c3d4: all must bind the same disk';
    expect(await ready(other!)).toContain(`device leased is unavailable: ${message}`);
    const client = await SluiceClient.connect(other!.grpc);
    await expect(client.open('leased', 'a')).rejects.toMatchObject({
      message: expect.stringContaining(message) as string,
    });
    await client.close();
    expect(other!.output.match(/"device":"leased".*device does not open/g)).toHaveLength(1);
    await Promise.all([other!, silent!].map((service) => service[Symbol.asyncDispose]()));
  });

  it('takes no part under the id of a process that lives, and takes its place once that is dead', async () => {
    const leaseMs = 1_000;
    const config = `${RESTORE}devices: { held: { simulation: { kind: 'null' } } }\ncoordination: { lease_ms: ${String(leaseMs)} }\n`;
    await using service = await TestService.start({ config, args: ['--store', redis.url] });
    const told = async (): Promise<{ hostId: string; hosts: { mode: string; self: boolean }[] }> =>
      (await (await fetch(`http://${service.http}/v1/service`)).json()) as never;
    const { hostId } = await told();
    const log = new LogLines();
    const connection = await connectTo(redis.url, log);
    const gate = new ExchangeGate({
      device: 'held',
      host: hostId,
      clock: new RealClock(),
      transport: new RedisExchange(connection),
      logger: log.logger,
      settings: DEFAULT_SETTINGS,
      sharesOf: () => ({ shares: 100, selfShares: 100 }),
      policyRevision: () => 0,
      settingsRevision: () => 0,
      options: coordinationOptions({ leaseMs, graceMs: 60_000 }),
    });
    const lines = (): string[] =>
      log.lines.filter(({ message }) => message.includes('coordination')).map(({ fields }) => String(fields['mode']));
    try {
      await eventually('the process is in step', async () =>
        (await told()).hosts[0]!.mode === 'coordinated' ? 1 : null,
      );
      // Some heartbeats: its number is ahead of that of one who begins.
      await sleep(leaseMs / 2);
      gate.onGranted(() => undefined);
      await eventually('the id is seen to be in use', () => (gate.membership.mode === 'refused' ? true : null));
      expect(gate.membership.reason).toBe(`another process runs as host ${hostId}: this one waits for its end`);
      // It goes on to ask, for longer than a lease: who lives is not put out by it.
      await sleep(2 * leaseMs);
      expect((await told()).hosts[0]).toMatchObject({ self: true, mode: 'coordinated' });
      expect(service.output.match(/"device":"held".*coordination of the device/g)).toHaveLength(1);
      expect(lines()).toEqual(['refused']);
      await service.end('SIGKILL');
      const deadMs = performance.now();
      await eventually('it has the place', () => (gate.membership.mode === 'coordinated' ? true : null));
      expect(performance.now() - deadMs).toBeGreaterThan(leaseMs / 2);
      expect(lines()).toEqual(['refused', 'coordinated']);
    } finally {
      gate.close();
      connection.close();
    }
  });
});
