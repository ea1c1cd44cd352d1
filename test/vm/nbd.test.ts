/** Unmodified virtual machines with disks over NBD: what they write outlives the service, and them. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { SluiceClient } from '../../src/client/index.js';
import { MIB } from '../../src/core/model/units.js';
import { TestService } from '../support/service.js';
import { costByTag, exportUri } from './attached.js';
import { Guest, canBoot } from './guest.js';

vi.setConfig({ testTimeout: 180_000 });

async function digestOverGrpc(service: TestService, tag: string): Promise<string> {
  const client = await SluiceClient.connect(service.grpc);
  const disk = await client.open('disk0', tag);
  const hash = createHash('sha256');
  for (let at = 0; at < disk.sizeBytes; at += MIB) hash.update(await disk.read(at, MIB));
  await client.close();
  return hash.digest('hex');
}

describe.skipIf(!canBoot)('a disk of a virtual machine over NBD', () => {
  test('a service that is killed and comes back under a guest that writes: the guest waits, and all is there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-nbd-'));
    try {
      const data = `{ type: file, path: data.img, create: true, size_bytes: ${64 * MIB} }`;
      const config = (nbd: string): string =>
        `listen: { nbd: '${nbd}' }\nbindings: { data: ${data} }\ndevices: { disk0: { binding: data } }`;
      await using first = await TestService.start({ config: config('127.0.0.1:0'), folder });
      const [host, port] = first.nbd.split(':');
      const server = `server.type=inet,server.host=${host!},server.port=${port!}`;
      await using guest = await Guest.boot({
        args: [
          ...['-blockdev', `driver=nbd,node-name=root,${server},export=disk0@acme/vm1,reconnect-delay=60`],
          ...['-device', 'virtio-blk-pci,drive=root,werror=report,rerror=report'],
        ],
      });
      await guest.run('mkfs.ext4 -q /dev/vda && mount /dev/vda /mnt');
      const write =
        'for i in $(seq 60); do head -c 100000 /dev/urandom > /mnt/$i; sync; done; cd /mnt && sha256sum [0-9]*';
      const writing = guest.run(write, 120_000);
      await guest.run('until [ -e /mnt/10 ]; do usleep 10000; done');
      await first.end('SIGKILL');
      await using second = await TestService.start({ config: config(first.nbd), folder });
      expect(second.nbd).toBe(first.nbd);
      expect((await writing).trim().split('\n')).toHaveLength(60);
      await guest.run('umount /mnt && fsck.ext4 -fn /dev/vda && mount -o ro /dev/vda /mnt');
      expect(await guest.run('cd /mnt && sha256sum [0-9]*')).toBe(await writing);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a file system made in a guest outlives it: another guest finds it whole, and gRPC reads the same bytes', async () => {
    await using service = await TestService.start({
      config: [
        "listen: { nbd: '127.0.0.1:0' }",
        `bindings: { data: { type: file, path: data.img, create: true, size_bytes: ${32 * MIB} } }`,
        'devices: { disk0: { binding: data } }',
      ].join('\n'),
    });
    const sums = 'cd /mnt && find . -type f | sort | xargs sha256sum';
    let written: string;
    {
      await using guest = await Guest.boot({ disks: [exportUri(service, 'disk0@acme/files')] });
      await guest.run('mkfs.ext4 -q /dev/vda && mount /dev/vda /mnt && mkdir /mnt/a /mnt/b');
      await guest.run('for i in $(seq 40); do head -c $((i * 9973)) /dev/urandom > /mnt/a/$i; done');
      await guest.run('cp -r /mnt/a /mnt/b && rm /mnt/a/1?');
      written = await guest.run(sums);
      await guest.run('umount /mnt && fsck.ext4 -fn /dev/vda');
    }
    expect(written.trim().split('\n')).toHaveLength(70);
    await using another = await Guest.boot({ disks: [exportUri(service, 'disk0@acme/other')] });
    await another.run('fsck.ext4 -fn /dev/vda && mount -o ro /dev/vda /mnt');
    expect(await another.run(sums)).toBe(written);
    const whole = await another.run('umount /mnt && sha256sum < /dev/vda');
    expect(whole.split(' ')[0]).toBe(await digestOverGrpc(service, 'acme/check'));
    expect([...(await costByTag(service, 'disk0')).keys()].sort()).toEqual(['acme/check', 'acme/files', 'acme/other']);
  });
});
