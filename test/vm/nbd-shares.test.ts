/** Shares of unmodified virtual machines whose disks carry their tags over NBD. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { TestService } from '../support/service.js';
import { exportUri, keepBusy, shareByTag, untilBusy } from './attached.js';
import { Guests, canBoot } from './guest.js';

vi.setConfig({ testTimeout: 180_000 });

/** QEMU keeps at most 16 requests of one disk out. Four slots and 12 of each tag: all are backlogged. */
const LOOPS = 12;
const DISK = 'disk0: { simulation: { kind: hdd }, depth: 4 }';
/** Of the smallest part, some 50 of 1,200 requests: two of them are 4 %. */
const SHARE_ERROR_MAX = 0.06;

const LOW = 'vm1/batch';
const HIGH = 'vm2/database';

async function setShares(service: TestService, tag: string, shares: number): Promise<void> {
  const answer = await fetch(`http://${service.http}/v1/devices/disk0/policies/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ shares }),
  });
  expect(answer.ok, await answer.text()).toBe(true);
}

describe.skipIf(!canBoot)('disks of virtual machines over NBD', () => {
  test('three guests, each with two disks: shares hold between guests and within each', async () => {
    const tenants = { one: 100, two: 200, three: 300 };
    const kinds = { db: 300, log: 100 };
    const policies = Object.entries(tenants).flatMap(([tenant, shares]) => [
      `  - { device: disk0, tag: ${tenant}, shares: ${shares} }`,
      ...Object.entries(kinds).map(([kind, of]) => `  - { device: disk0, tag: ${tenant}/${kind}, shares: ${of} }`),
    ]);
    await using service = await TestService.start({
      config: ["listen: { nbd: '127.0.0.1:0' }", `devices: { ${DISK} }`, 'policies:', ...policies].join('\n'),
    });
    const disks = Object.keys(tenants).map((tenant) =>
      Object.keys(kinds).map((kind) => exportUri(service, `disk0@${tenant}/${kind}`)),
    );
    await using guests = await Guests.boot(...disks.map((each) => ({ disks: each })));
    await Promise.all(guests.all.map((guest) => guest.run(keepBusy('/dev/vda', 'read', LOOPS))));
    await Promise.all(guests.all.map((guest) => guest.run(keepBusy('/dev/vdb', 'write', LOOPS))));
    await Promise.all(
      guests.all.flatMap((guest) => ['/dev/vda', '/dev/vdb'].map((disk) => guest.run(untilBusy(disk, LOOPS)))),
    );
    const ideal = Object.entries(tenants).flatMap(([tenant, shares]) =>
      Object.entries(kinds).map(([kind, of]) => ({ tag: `${tenant}/${kind}`, part: (shares / 600) * (of / 400) })),
    );
    const tags = ideal.map(({ tag }) => tag);
    const got = await shareByTag(service, 'disk0', tags, 1_200);
    for (const { tag, part } of ideal) expect(Math.abs(got.get(tag)! / part - 1), tag).toBeLessThan(SHARE_ERROR_MAX);
  });

  /** Figure 1 of the paper: a hypervisor that cannot tell whose requests these are treats both guests alike. */
  test('a low- and a high-priority application in two guests: alike at first, each its part once shares say so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-nbd-'));
    try {
      await using service = await TestService.start({
        config: `listen: { nbd: 'unix:${join(folder, 'socket')}' }\ndevices: { ${DISK} }`,
      });
      const disks = [LOW, HIGH].map((tag) => exportUri(service, `disk0@${tag}`));
      await using guests = await Guests.boot(...disks.map((disk) => ({ disks: [disk] })));
      await Promise.all(guests.all.map((guest) => guest.run(keepBusy('/dev/vda', 'read', LOOPS))));
      await Promise.all(guests.all.map((guest) => guest.run(untilBusy('/dev/vda', LOOPS))));
      const alike = await shareByTag(service, 'disk0', [LOW, HIGH], 400);
      expect(Math.abs(alike.get(HIGH)! / 0.5 - 1)).toBeLessThan(SHARE_ERROR_MAX);
      await setShares(service, 'vm1', 100);
      await setShares(service, 'vm2', 400);
      const apart = await shareByTag(service, 'disk0', [LOW, HIGH], 400);
      expect(Math.abs(apart.get(LOW)! / 0.2 - 1)).toBeLessThan(SHARE_ERROR_MAX);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
