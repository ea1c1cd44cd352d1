/** Shares of applications in unmodified virtual machines over vhost-user-blk: `ionice` in the guest chooses the tag. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { MIB } from '../../src/core/model/units.js';
import { TestService } from '../support/service.js';
import { keepBusy, shareByTag, untilBusy, vhostAttached, vhostDisks } from './attached.js';
import { Guests, canBoot } from './guest.js';

vi.setConfig({ testTimeout: 240_000 });

/** Requests of each application that are always out: more than the device's four slots by far. */
const LOOPS = 20;
const SHARE_ERROR_MAX = 0.03;
/** So many that two requests of the smallest part are less than that error. */
const UNITS = 1_500;

const VMS = ['vm1', 'vm2'];
const SHARES = { vm1: 12, vm2: 3, 'vm1/be-0': 8, 'vm1/be-7': 4, 'vm2/be-0': 2, 'vm2/be-7': 1 };
/** Those of the device, in the order of the disks that each guest has. */
const DEVICES = {
  disk0: '{ simulation: { kind: hdd }, depth: 4 }',
  disk1: '{ binding: data, depth: 4 }',
};
const CONFIG = [
  `bindings: { data: { type: file, path: data.img, create: true, size_bytes: ${String(1024 * MIB)}, delay: hdd } }`,
  'devices:',
  ...Object.entries(DEVICES).map(([device, is]) => `  ${device}: ${is}`),
  'policies:',
  ...Object.entries(SHARES).map(([tag, of]) => `  - { device: '*', tag: ${tag}, shares: ${String(of)} }`),
].join('\n');

/** The command that leaves an application behind, its requests of that priority, until `stop` ends it. */
function application(disk: string, name: string, level: number): string {
  const loops = keepBusy(disk, 'write', LOOPS).replaceAll("'", "'\\''");
  return `setsid ionice -c2 -n${level} sh -c 'echo $$ > /tmp/${name}; ${loops}; wait' > /dev/null 2>&1 &`;
}

function stop(name: string): string {
  return `kill -9 -$(cat /tmp/${name})`;
}

function expectShares(got: Map<string, number>, ideal: Record<string, number>): void {
  for (const [tag, part] of Object.entries(ideal)) {
    expect(Math.abs(got.get(tag)! / part - 1), `${tag}: ${String(got.get(tag))}`).toBeLessThan(SHARE_ERROR_MAX);
  }
}

describe.skipIf(!canBoot)('disks of virtual machines over vhost-user-blk', () => {
  let folder: string;
  let service: TestService;
  let guests: Guests;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-vhost-'));
    const devices = Object.keys(DEVICES);
    service = await TestService.start({ config: `${CONFIG}\n${vhostDisks(folder, VMS, devices)}` });
    guests = await Guests.boot(...VMS.map((vm) => vhostAttached(folder, vm, devices)));
  });
  afterAll(async () => {
    await guests[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ['simulated', 'disk0', '/dev/vda'],
    ['a file at the pace of a disk', 'disk1', '/dev/vdb'],
  ])('two guests with two applications each, shares 8:4:2:1 (%s)', async (_, device, disk) => {
    for (const guest of guests.all) {
      await guest.run(application(disk, `${device}-high`, 0));
      await guest.run(application(disk, `${device}-low`, 7));
    }
    await Promise.all(guests.all.map((guest) => guest.run(untilBusy(disk, 2 * LOOPS))));
    const tags = ['vm1/be-0', 'vm1/be-7', 'vm2/be-0', 'vm2/be-7'];
    const four = await shareByTag(service, device, tags, UNITS);
    expectShares(four, { 'vm1/be-0': 8 / 15, 'vm1/be-7': 4 / 15, 'vm2/be-0': 2 / 15, 'vm2/be-7': 1 / 15 });
    const total = (guest: string): number =>
      tags.reduce((sum, tag) => sum + (tag.startsWith(guest) ? four.get(tag)! : 0), 0);
    expectShares(new Map([['vm1', total('vm1')]]), { vm1: 12 / 15 });
    // What one application leaves goes to the other of the same guest.
    await guests.all[0]!.run(stop(`${device}-low`));
    const left = tags.filter((tag) => tag !== 'vm1/be-7');
    const three = await shareByTag(service, device, left, UNITS);
    expectShares(three, { 'vm1/be-0': 12 / 15, 'vm2/be-0': 2 / 15, 'vm2/be-7': 1 / 15 });
    for (const guest of guests.all) await guest.run(stop(`${device}-high`));
    await guests.all[1]!.run(stop(`${device}-low`));
  });
});
