/** Unmodified virtual machines over vhost-user-blk: what a guest does with such a disk, and what becomes of it. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { SluiceClient } from '../../src/client/index.js';
import { MIB } from '../../src/core/model/units.js';
import { TestService } from '../support/service.js';
import { vhostAttached, vhostDisks } from './attached.js';
import { Guest, canBoot } from './guest.js';

vi.setConfig({ testTimeout: 240_000 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-vhost-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!canBoot)('a disk of a virtual machine over vhost-user-blk', () => {
  test('a file system, discard, an idle guest, and what writing back loses', async () => {
    await using service = await TestService.start({
      config: `devices: { disk0: { simulation: { kind: ssd, size_bytes: ${String(64 * MIB)} } } }\n${vhostDisks(folder, ['vm1'])}`,
    });
    await using guest = await Guest.boot(vhostAttached(folder, 'vm1'));
    await guest.run('mkfs.ext4 -q -E nodiscard /dev/vda && mount /dev/vda /mnt && mkdir /mnt/a');
    await guest.run('for i in $(seq 30); do head -c $((i * 9973)) /dev/urandom > /mnt/a/$i; done');
    const sums = 'cd /mnt && find . -type f | sort | xargs sha256sum; cd /';
    const written = await guest.run(sums);
    await guest.run('umount /mnt && fsck.ext4 -fn /dev/vda && mount /dev/vda /mnt');
    expect(await guest.run(sums)).toBe(written);
    expect(await opsOf(service, 'OP_TRIM')).toBe(0);
    await guest.run('rm /mnt/a/2? && fstrim /mnt');
    expect(await opsOf(service, 'OP_TRIM')).toBeGreaterThan(0);
    const whole = await guest.run('umount /mnt && fsck.ext4 -fn /dev/vda > /dev/null 2>&1 && sha256sum < /dev/vda');
    expect(whole.split(' ')[0]).toBe(await digestOverGrpc(service));

    const BYTES = 100 * 4_096;
    await guest.run('mount /dev/vda /mnt');
    const dd = 'ionice -c2 -n0 dd if=/dev/zero of=/mnt/new bs=4k count=100';
    expect(await writtenAs(service, 'vm1/be-0', () => guest.run(`${dd} oflag=direct`))).toBe(BYTES);
    expect(await writtenAs(service, 'vm1/be-0', () => guest.run(`${dd} conv=fsync`))).toBe(BYTES);
    // Kept in memory and written later by somebody else, who has a priority of its own.
    const later = dd.replace('new', 'later');
    expect(await writtenAs(service, 'vm1/be-0', () => guest.run(`${later}; sync`))).toBe(0);
    const last = dd.replace('new', 'last');
    expect(await writtenAs(service, 'vm1/be-4', () => guest.run(`${last}; sync`))).toBeGreaterThanOrEqual(BYTES);
    // The journal has a priority by itself; flush and discard have none.
    const tags = (await opsByTag(service)).map(([tag]) => tag);
    expect(tags).toEqual(expect.arrayContaining(['vm1/be-3', 'vm1/none']));

    // An idle guest costs no more than 1 % of a core. The service has work of its own now and then: the best of three.
    let leastMs = Infinity;
    for (let i = 0; i < 3 && leastMs > 20; i++) {
      const before = cpuMsOf(service);
      await sleep(2_000);
      leastMs = Math.min(leastMs, cpuMsOf(service) - before);
    }
    expect(leastMs).toBeLessThanOrEqual(20);
  });

  test('the service is killed under a running guest: the guest waits, and nothing is lost', async () => {
    const config = [
      `bindings: { data: { type: file, path: data.img, create: true, size_bytes: ${String(64 * MIB)}, delay: ssd } }`,
      'devices: { disk0: { binding: data } }',
      vhostDisks(folder, ['vm1']),
    ].join('\n');
    const home = mkdtempSync(join(tmpdir(), 'sluice-vhost-'));
    let service = await TestService.start({ config, folder: home });
    try {
      await using guest = await Guest.boot(vhostAttached(folder, 'vm1'));
      await guest.run('head -c 16000000 /dev/urandom > /tmp/data');
      const writing = [0, 1, 2, 3].map((i) =>
        guest.run(
          `dd if=/tmp/data of=/dev/vda bs=4096 skip=${String(i * 970)} seek=${String(i * 970)} count=970 oflag=direct`,
        ),
      );
      for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
        await sleep(300);
        await service.end(signal);
        service = await TestService.start({ config, folder: home });
      }
      await Promise.all(writing);
      const read = 'dd if=/dev/vda bs=4096 count=3880 iflag=direct 2> /dev/null | sha256sum';
      expect(await guest.run(read)).toBe(await guest.run('head -c $((3880 * 4096)) /tmp/data | sha256sum'));
    } finally {
      await service.end('SIGKILL');
      rmSync(home, { recursive: true, force: true });
    }
  });
});

interface Counted {
  readonly op: string;
  readonly count: string;
  readonly bytes: string;
}

async function opsByTag(service: TestService): Promise<[tag: string, ops: readonly Counted[]][]> {
  const answer = await fetch(`http://${service.http}/v1/usage?device=disk0`);
  const { rows } = (await answer.json()) as { rows: { tag: string; ops: Counted[] }[] };
  return rows.map(({ tag, ops }) => [tag, ops]);
}

async function opsOf(service: TestService, op: string): Promise<number> {
  const all = (await opsByTag(service)).flatMap(([, ops]) => ops);
  return all.reduce((sum, each) => sum + (each.op === op ? Number(each.count) : 0), 0);
}

/** Bytes that were written with the tag meanwhile. */
async function writtenAs(service: TestService, tag: string, work: () => Promise<unknown>): Promise<number> {
  const written = async (): Promise<number> => {
    const ops = (await opsByTag(service)).find(([of]) => of === tag)?.[1] ?? [];
    return Number(ops.find(({ op }) => op === 'OP_WRITE')?.bytes ?? 0);
  };
  const before = await written();
  await work();
  return (await written()) - before;
}

async function digestOverGrpc(service: TestService): Promise<string> {
  const client = await SluiceClient.connect(service.grpc);
  const disk = await client.open('disk0', 'check');
  const hash = createHash('sha256');
  for (let at = 0; at < disk.sizeBytes; at += MIB) hash.update(await disk.read(at, MIB));
  await client.close();
  return hash.digest('hex');
}

/** User and system time of the service; /proc counts in hundredths of a second. */
function cpuMsOf(service: TestService): number {
  const stat = readFileSync(`/proc/${String(service.child.pid)}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
