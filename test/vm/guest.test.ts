/** The harness itself: what a guest can be asked for, and that nothing of it is left. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MIB } from '../../src/core/model/units.js';
import { Guest, canBoot } from './guest.js';

describe.skipIf(!canBoot)('a guest', () => {
  test('runs commands beside each other, tells how they ended, and is gone when it is killed', async () => {
    const guest = await Guest.boot();
    const slow = guest.run('until [ -e /tmp/go ]; do usleep 10000; done; echo slow');
    expect(await guest.attempt('echo one; echo two >&2; touch /tmp/go; exit 3')).toEqual({
      status: 3,
      output: 'one\ntwo\n',
    });
    expect(await slow).toBe('slow\n');
    expect((await guest.run('seq 100000')).length).toBe(588_895);
    await expect(guest.run('cat /nowhere')).rejects.toThrow("can't open '/nowhere'");
    const never = guest.run('sleep 1000');
    await guest.kill();
    await expect(never).rejects.toThrow('the guest has ended');
    await expect(guest.run('true')).rejects.toThrow('the guest has ended');
  }, 120_000);

  test('has the disks asked for, in their order', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-disks-'));
    try {
      const disks = [1, 2].map((mib) => {
        const path = join(folder, String(mib));
        writeFileSync(path, Buffer.alloc(mib * MIB, mib));
        return path;
      });
      await using guest = await Guest.boot({ disks, sharedMemory: true, args: ['-device', 'virtio-rng-pci'] });
      expect(await guest.run('cat /sys/block/vda/size /sys/block/vdb/size')).toBe('2048\n4096\n');
      expect(await guest.run('head -c 2 /dev/vdb | hexdump -v -e \'/1 "%d "\'')).toBe('2 2 ');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});
