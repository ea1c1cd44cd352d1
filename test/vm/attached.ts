/** Disks of a service as guests attach them, load on them, and what the service says each tag got. */
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestService } from '../support/service.js';
import type { GuestOptions } from './guest.js';

/** The longest stretch that a loop reads or writes before it begins again, in blocks. */
const STRETCH_BLOCKS = 4_096;
const LOOK_MS = 100;

/** What QEMU opens for the export of that name, wherever the service's NBD door listens. */
export function exportUri(service: TestService, name: string): string {
  const unix = 'unix:';
  if (!service.nbd.startsWith(unix)) return `nbd://${service.nbd}/${name}`;
  return `nbd+unix:///${name}?socket=${service.nbd.slice(unix.length)}`;
}

/** The line of a configuration that serves each device to each guest, whose name is its tag, at a socket in the folder. */
export function vhostDisks(folder: string, guests: readonly string[], devices: readonly string[] = [DISK]): string {
  const each = devices.flatMap((device) =>
    guests.map((guest) => `{ socket: '${vhostSocket(folder, guest, device)}', device: ${device}, tag: ${guest} }`),
  );
  return `doors: { vhost: [${each.join(', ')}] }`;
}

/** A guest of that name: /dev/vda, /dev/vdb, … are the devices in their order. */
export function vhostAttached(folder: string, guest: string, devices: readonly string[] = [DISK]): GuestOptions {
  return {
    sharedMemory: true,
    args: devices.flatMap((device) => [
      ...['-chardev', `socket,id=${device},path=${vhostSocket(folder, guest, device)},reconnect=1`],
      ...['-device', `vhost-user-blk-pci,chardev=${device},num-queues=1`],
    ]),
  };
}

const DISK = 'disk0';
const vhostSocket = (folder: string, guest: string, device: string): string => join(folder, `${guest}-${device}.sock`);

/**
 * The command that leaves so many loops behind, each with one direct 4 KiB request out and a part of the
 * disk of its own, until the guest ends or an error ends the loop.
 */
export function keepBusy(disk: string, op: 'read' | 'write', loops: number): string {
  const [ends, at] = {
    read: [`if=${disk} of=/dev/null iflag=direct`, 'skip'],
    write: [`if=/dev/zero of=${disk} oflag=direct conv=notrunc`, 'seek'],
  }[op] as [string, string];
  const once = `dd ${ends} ${at}=$((i * ${STRETCH_BLOCKS})) bs=4k count=${STRETCH_BLOCKS}`;
  return `for i in $(seq ${loops}); do (while ${once}; do :; done) > /dev/null 2>&1 & done`;
}

/** The command that ends once the disk has so many requests out: the loops that `keepBusy` leaves behind take a while to start. */
export function untilBusy(disk: string, requests: number): string {
  const look = `read reads writes < /sys/block/${basename(disk)}/inflight`;
  return `while ${look}; [ $((reads + writes)) -lt ${requests} ]; do usleep 10000; done`;
}

/** Cost units that each tag of the device has been served, failed requests not among them. */
export async function costByTag(service: TestService, device: string): Promise<Map<string, number>> {
  const answer = await fetch(`http://${service.http}/v1/usage?device=${device}`);
  if (!answer.ok) throw new Error(`usage: ${await answer.text()}`);
  const { rows } = (await answer.json()) as { rows: { tag: string; ops: { cost: string; errors?: string }[] }[] };
  return new Map(
    rows.map(({ tag, ops }) => {
      if (ops.some(({ errors = '0' }) => errors !== '0')) throw new Error(`errors at ${tag}: ${JSON.stringify(ops)}`);
      return [tag, ops.reduce((sum, { cost }) => sum + Number(cost), 0)];
    }),
  );
}

/** What part of the device each tag gets from now on, over `total` cost units, when each of them has been served some first. */
export async function shareByTag(
  service: TestService,
  device: string,
  tags: readonly string[],
  total: number,
): Promise<Map<string, number>> {
  const at = await costByTag(service, device);
  const from = await reached(service, device, (now) =>
    tags.every((tag) => (now.get(tag) ?? 0) >= (at.get(tag) ?? 0) + 8),
  );
  const to = await reached(service, device, (now) => sum(now) - sum(from) >= total);
  const got = sum(to) - sum(from);
  return new Map(tags.map((tag) => [tag, (to.get(tag)! - from.get(tag)!) / got]));
}

async function reached(
  service: TestService,
  device: string,
  enough: (cost: Map<string, number>) => boolean,
): Promise<Map<string, number>> {
  for (;;) {
    const now = await costByTag(service, device);
    if (enough(now)) return now;
    await sleep(LOOK_MS);
  }
}

function sum(cost: Map<string, number>): number {
  return [...cost.values()].reduce((all, each) => all + each, 0);
}
