/** `sluice attach` on a running service: a disk that a front end can use. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { FrontEnd } from '../../../bench/vhost/front-end.js';
import { loadConfig } from '../../../src/app/config.js';
import { SluiceClient } from '../../../src/client/index.js';
import { isLocal } from '../../../src/doors/grpc/calls.js';
import { loadNative } from '../../../src/doors/vhost/native.js';
import { BLK_TYPES, encodePriority } from '../../../src/wire/vhost/blk.js';
import type { ListDisksResponse__Output } from '../../../src/wire/gen/sluice/v1/ListDisksResponse.js';
import { OWN_CONNECTION, stubs } from '../grpc/raw-client.js';
import { call } from '../grpc/service.js';
import { TestService, runSluice } from '../../support/service.js';
import { perform } from './rig.js';

// Half a dozen processes a test, on whatever machine this is.
vi.setConfig({ testTimeout: 90_000 });

const DEVICE = 'devices: { disk0: { simulation: { kind: ssd, size_bytes: 16777216 } } }';

interface Attached {
  socket: string;
  config: string;
  qemu: string;
  libvirt: string;
}

async function sluice(service: TestService, ...args: string[]): Promise<{ code: number; text: string; json: unknown }> {
  const { code, stdout, stderr } = await runSluice([...args, '--json'], {
    SLUICE_ADDRESS: service.grpc,
    XDG_RUNTIME_DIR: service.folder,
  });
  return { code, text: stderr, json: code === 0 ? (JSON.parse(stdout.trim().split('\n').at(-1)!) as unknown) : null };
}

describe('sluice attach', () => {
  test('makes a disk, says how to use it, lists it and ends it', async () => {
    await using service = await TestService.start({ config: DEVICE });
    const socket = join(service.folder, 'vm1.sock');
    const made = await sluice(service, 'attach', 'disk0', 'acme/vm1', '--socket', socket, '--map', 'be:0=db');
    expect(made.code, made.text).toBe(0);
    const disk = made.json as Attached;
    expect(disk.socket).toBe(socket);
    expect(disk.qemu).toContain(`path=${socket},reconnect=1`);
    expect(disk.libvirt).toContain(`<source type='unix' path='${socket}'>`);
    // What it says to put into the configuration is just that.
    const flags = parse(disk.config) as Record<string, unknown>;
    expect(loadConfig({ file: undefined, environment: {}, flags }).disks).toEqual([
      { socket, device: 'disk0', tag: 'acme/vm1', map: { 'be:0': 'db' } },
    ]);

    const guest = new FrontEnd(await loadNative());
    guest.connect(socket);
    await guest.start();
    const sent = Buffer.alloc(4_096, 'tagged');
    await perform(guest, { type: BLK_TYPES.OUT, send: sent, ioprio: encodePriority('be', 0) });
    await using client = Object.assign(await SluiceClient.connect(service.grpc), {
      [Symbol.asyncDispose](this: SluiceClient) {
        return this.close();
      },
    });
    const handle = await client.open('disk0', 'acme/check');
    expect((await handle.read(0, 4_096)).equals(sent)).toBe(true);
    const tags: string[] = [];
    for await (const { tag } of client.usage.query({ device: 'disk0' })) tags.push(tag);
    expect(tags).toEqual(['acme/check', 'acme/vm1/db']);

    const listed = (await sluice(service, 'disks')).json as { disks: { connected: boolean }[] };
    expect(listed.disks).toMatchObject([{ socket, connected: true, inFlight: 0, complaint: '' }]);
    const again = await sluice(service, 'attach', 'disk0', 'acme/vm2', '--socket', socket);
    expect([again.code, again.text]).toEqual([1, expect.stringContaining('ALREADY_EXISTS')]);
    expect((await sluice(service, 'detach', socket)).code).toBe(0);
    await guest.hungUp();
    expect(existsSync(socket)).toBe(false);
    guest.close();
  });

  test('any gRPC client can ask for the disks', async () => {
    await using service = await TestService.start({ config: DEVICE });
    const client = new (stubs().DiskService)(service.grpc, credentials.createInsecure(), OWN_CONNECTION);
    const socket = join(service.folder, 'vm.sock');
    const map = [{ priority: 'idle', segment: 'scrub' }];
    await call((done) => client.attach({ device: 'disk0', tag: 'acme', socket, map }, done));
    const { disks } = await call<ListDisksResponse__Output>((done) => client.list({}, done));
    expect(disks).toEqual([
      { socket, device: 'disk0', tag: 'acme', map, connected: false, inFlight: 0, complaint: '' },
    ]);
    client.close();
  });

  test('what cannot be is refused by name', async () => {
    await using service = await TestService.start({ config: DEVICE });
    const cases: [string[], string][] = [
      [['nowhere', 'acme'], 'there is no device nowhere'],
      [['disk0', 'a/b/c/d/e/f/g/h'], 'at most 7 segments'],
      [['disk0', 'acme', '--socket', 'vm.sock'], 'socket must be an absolute path'],
      [['disk0', 'acme', '--map', 'be:9=db'], 'map must be CLASS'],
    ];
    const ends = await Promise.all(cases.map(([args]) => sluice(service, 'attach', ...args)));
    for (const [i, { code, text }] of ends.entries()) {
      expect([code, text]).toEqual([1, expect.stringContaining(cases[i]![1])]);
    }
  });

  test('a disk of the configuration is there after a kill, at the socket that was left over', async () => {
    await using first = await TestService.start({ config: DEVICE });
    const config = `${DEVICE}\ndoors: { vhost: [{ socket: ${first.folder}/d.sock, device: disk0, tag: acme }] }`;
    await first.end('SIGKILL');
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const service = await TestService.start({ config, folder: first.folder });
      const guest = new FrontEnd(await loadNative());
      guest.connect(join(first.folder, 'd.sock'));
      await guest.start();
      expect((await perform(guest, { receive: 512 })).status).toBe(0);
      const ended = await service.end(signal);
      expect(ended).toBe(signal === 'SIGTERM' ? 0 : signal);
      expect(existsSync(join(first.folder, 'd.sock'))).toBe(signal === 'SIGKILL');
      guest.close();
    }
  });
});

test('whoever is on another machine is told that this is for this one', () => {
  for (const peer of ['127.0.0.1:5', '127.8.0.1:50051', '::1:9', '[::1]:9', '::ffff:127.0.0.1:7']) {
    expect(isLocal(peer), peer).toBe(true);
  }
  for (const peer of ['10.0.0.1:5', '::2:9', '::1f:9', 'unknown', '127.0.0.1.example:5', '']) {
    expect(isLocal(peer), peer).toBe(false);
  }
});
