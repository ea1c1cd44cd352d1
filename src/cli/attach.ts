/** `sluice attach`, `sluice detach`, `sluice disks`: disks of virtual machines on a running service of this machine. */
import { Command, InvalidArgumentError } from 'commander';
import type { DiskView } from '../core/model/disk.js';
import { addressOption, withClient } from './connect.js';
import { printResult } from './output.js';
import { renderTable } from './table.js';

interface Common {
  address: string;
  json?: boolean;
}

interface AttachOptions extends Common {
  socket?: string;
  map?: Record<string, string>;
}

export function attachCommand(): Command {
  return common(
    new Command('attach')
      .description(
        'give a virtual machine a disk over vhost-user-blk, its requests tagged by the guest’s I/O priorities',
      )
      .argument('<device>', 'a device of the service')
      .argument('<tag>', 'at most 7 segments; a priority adds one, as be-0 … be-7, rt-0 … rt-7, idle, none')
      .option('--socket <path>', 'absolute path of the Unix socket (default: one in the service’s own folder)')
      .option(
        '--map <priority=name>',
        'what a priority is called, as be:0=db or idle=scrub; may be given more than once',
        mapping,
      ),
  )
    .addHelpText('after', '\nExample:\n  sluice attach disk0 acme/vm1 --map be:0=db --map be:7=backup')
    .action(async (device: string, tag: string, options: AttachOptions) => {
      const { address, json, socket, map } = options;
      const input = { device, tag, ...(socket === undefined ? {} : { socket }), ...(map === undefined ? {} : { map }) };
      const disk = await withClient(address, (client) => client.disks.attach(input));
      const how = { qemu: qemuArguments(disk), libvirt: libvirtXml(disk), config: configLine(disk) };
      printResult(json === true, explain(disk, how), { ...disk, ...how });
    });
}

export function detachCommand(): Command {
  return common(
    new Command('detach')
      .description('end a disk; a virtual machine that uses it loses it')
      .argument('<socket>', 'its path, as attach and disks print it'),
  )
    .addHelpText('after', '\nExample:\n  sluice detach /tmp/sluice-disk0-acme-vm1.sock')
    .action(async (socket: string, options: Common) => {
      await withClient(options.address, (client) => client.disks.detach(socket));
      printResult(options.json === true, `${socket} is detached`, { detached: socket });
    });
}

export function disksCommand(): Command {
  return common(new Command('disks').description('the disks of virtual machines on this host'))
    .addHelpText('after', '\nExample:\n  sluice disks')
    .action(async (options: Common) => {
      const disks = await withClient(options.address, (client) => client.disks.list());
      const left = (head: string): { head: string; align: 'left' } => ({ head, align: 'left' });
      const table = renderTable(
        [left('socket'), left('device'), left('tag'), left('used'), { head: 'in flight' }, left('complaint')],
        disks.map((disk) => [
          disk.socket,
          disk.device,
          disk.tag,
          disk.connected ? 'yes' : 'no',
          disk.inFlight,
          disk.complaint,
        ]),
      );
      printResult(options.json === true, table, { disks });
    });
}

function common(command: Command): Command {
  return command.addOption(addressOption()).option('--json', 'the result as JSON on the last line of stdout');
}

function mapping(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('must be PRIORITY=NAME, as be:0=db.');
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** The guest's memory must be such as another process can share, and cannot shrink. */
function qemuArguments({ socket }: DiskView): string {
  return [
    '-object memory-backend-memfd,id=mem,size=1G,share=on -numa node,memdev=mem -m 1G',
    `-chardev socket,id=sluice0,path=${socket},reconnect=1`,
    '-device vhost-user-blk-pci,chardev=sluice0,num-queues=1',
  ].join(' ');
}

function libvirtXml({ socket }: DiskView): string {
  return [
    "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>",
    "<disk type='vhostuser' device='disk'>",
    "  <driver name='qemu' type='raw'/>",
    `  <source type='unix' path='${socket}'><reconnect enabled='yes' timeout='1'/></source>`,
    "  <target dev='vdb' bus='virtio'/>",
    '</disk>',
  ].join('\n');
}

function configLine({ socket, device, tag, map }: DiskView): string {
  const named = Object.entries(map).map(([key, name]) => `'${key}': ${name}`);
  const names = named.length === 0 ? '' : `, map: { ${named.join(', ')} }`;
  return `doors: { vhost: [{ socket: ${socket}, device: ${device}, tag: ${tag}${names} }] }`;
}

function explain(disk: DiskView, how: { qemu: string; libvirt: string; config: string }): string {
  return [
    `device ${disk.device}, tag ${disk.tag}: ${disk.socket}`,
    '',
    'QEMU:',
    `  qemu-system-x86_64 … ${how.qemu}`,
    '',
    'libvirt, the first line for the domain, the rest among its devices:',
    ...how.libvirt.split('\n').map((line) => `  ${line}`),
    '',
    'To have it after a restart of the service too, in its configuration:',
    `  ${how.config}`,
    '',
    'In the guest: ionice -c2 -n0 COMMAND (direct or synchronous I/O keeps the priority).',
  ].join('\n');
}
