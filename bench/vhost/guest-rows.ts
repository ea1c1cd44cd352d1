/**
 * The same reads in the same guest from three disks, none of which does anything: one over this door, one
 * over the NBD door, one of QEMU's own storage daemon over vhost-user-blk.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { median, type BenchRow } from '../report.js';
import { MeasuredGuest } from './guest.js';

const ROUNDS = 3;
const READS = 3_000;
const OUTSTANDING = [1, 8];

const DISKS = { vhost: '/dev/vda', nbd: '/dev/vdb', daemon: '/dev/vdc' } as const;
type Disk = keyof typeof DISKS;

/** @param folder with the sockets of both doors, of a device of `sizeBytes` */
export async function guestRows(folder: string, sizeBytes: number): Promise<BenchRow[]> {
  for (const command of ['qemu-system-x86_64', 'qemu-storage-daemon']) {
    if (spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0) continue;
    process.stderr.write(`bench vhost: ${command} is absent: nothing is measured in a guest\n`);
    return [];
  }
  const daemonSocket = join(folder, 'daemon.sock');
  const daemon = spawn(
    'qemu-storage-daemon',
    [
      ...['--blockdev', `driver=null-co,node-name=null,size=${String(sizeBytes)},read-zeroes=on`],
      ...['--export', `type=vhost-user-blk,id=null,node-name=null,addr.type=unix,addr.path=${daemonSocket}`],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  let guest: MeasuredGuest | null = null;
  try {
    await listening(daemon, daemonSocket);
    const vhost = (id: string, path: string): string[] => [
      ...['-chardev', `socket,id=${id},path=${path}`, '-device', `vhost-user-blk-pci,chardev=${id},num-queues=1`],
    ];
    guest = await MeasuredGuest.boot(folder, [
      ...vhost('door', join(folder, 'vhost.sock')),
      ...['-drive', `if=none,id=nbd,format=raw,cache=none,file=nbd+unix:///d@bench?socket=${join(folder, 'nbd.sock')}`],
      ...['-device', 'virtio-blk-pci,drive=nbd', ...vhost('daemon', daemonSocket)],
    ]);
    const rows: BenchRow[] = [];
    for (const outstanding of OUTSTANDING) rows.push(...(await compare(guest, outstanding)));
    return rows;
  } finally {
    guest?.end();
    daemon.kill('SIGKILL');
  }
}

/** Rounds one after the other, who goes first in turn; one round more goes ahead, uncounted. */
async function compare(guest: MeasuredGuest, outstanding: number): Promise<BenchRow[]> {
  const each = READS / outstanding;
  const rates: Record<Disk, number[]> = { vhost: [], nbd: [], daemon: [] };
  const order = Object.keys(DISKS) as Disk[];
  for (let round = -1; round < ROUNDS; round++) {
    for (const disk of order) {
      const dd = `dd if=${DISKS[disk]} of=/dev/null bs=4k count=${String(each)} skip=$((i * ${String(each)})) iflag=direct`;
      const command = `for i in $(seq 0 ${String(outstanding - 1)}); do ${dd} & done; wait`;
      const seconds = await guest.time(command);
      if (round >= 0) rates[disk].push(READS / seconds);
    }
    order.push(order.shift()!);
  }
  const row = (peer: string, disk: Disk): BenchRow => ({
    name: `vhost, a guest's direct 4 KiB reads, ${String(outstanding)} dd`,
    value: median(rates.vhost),
    unit: 'ops/s',
    peer,
    peerValue: median(rates[disk]),
    ratio: median(rates.vhost.map((rate, i) => rate / rates[disk][i]!)),
  });
  return [row('NBD door', 'nbd'), row('qemu-storage-daemon', 'daemon')];
}

async function listening(daemon: ChildProcess, socket: string): Promise<void> {
  while (!existsSync(socket)) {
    if (daemon.exitCode !== null) throw new Error(`qemu-storage-daemon ended with ${String(daemon.exitCode)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
