/** `sluice device …`: what is shared, and how. */
import { Command, Option } from 'commander';
import type { Device, DeviceInput, DeviceSettingsPatch } from '../client/index.js';
import {
  COST_MODELS,
  SCHEDULERS,
  SIMULATION_KINDS,
  SLEEP_RULES,
  UNKNOWN_TAGS,
  type CostModelName,
  type SchedulerName,
  type SimulationKind,
  type SleepRule,
  type UnknownTags,
} from '../core/model/device.js';
import { SluiceError } from '../core/model/errors.js';
import { integer, size } from './arguments.js';
import { addressOption, withClient } from './connect.js';
import { printResult } from './output.js';
import { renderTable, shortBytes } from './table.js';

interface Common {
  address: string;
  json?: boolean;
}

interface SettingOptions {
  scheduler?: SchedulerName;
  depth?: number;
  costModel?: CostModelName;
  costUnit?: number;
  ioTimeoutMs?: number;
  unknownTags?: UnknownTags;
  maxQueuedRequests?: number;
  maxQueuedBytes?: number;
  readCacheBytes?: number;
  leaseMs?: number;
  fairCredit?: number;
  fairIdleResetMs?: number;
  strideGlobalShares?: number;
  strideSleepMs?: number;
  strideThreshold?: number;
  strideSleepRule?: SleepRule;
}

export function deviceCommand(): Command {
  const device = new Command('device')
    .description('what is shared: devices, and how each is scheduled')
    .addHelpText('after', '\nExample:\n  sluice device add disk1 --simulate hdd --depth 4');
  for (const make of [listCommand, addCommand, updateCommand, drainCommand, removeCommand]) device.addCommand(make());
  return device;
}

function common(command: Command): Command {
  return command.addOption(addressOption()).addOption(new Option('--json', 'print the result as one JSON line'));
}

function withSettings(command: Command): Command {
  return command
    .addOption(new Option('--scheduler <name>', 'which algorithm').choices(SCHEDULERS))
    .option('--depth <n>', 'most requests outstanding at the device, 1..65536', integer)
    .addOption(new Option('--cost-model <name>', 'what a request is charged').choices(COST_MODELS))
    .option('--cost-unit <size>', 'bytes of one cost unit, 512..1M', size)
    .option('--io-timeout-ms <ms>', 'past it a request at the device fails and its slot is free', integer)
    .addOption(new Option('--unknown-tags <what>', 'what a tag without a policy gets').choices(UNKNOWN_TAGS))
    .option('--max-queued-requests <n>', 'most requests waiting a tag', integer)
    .option('--max-queued-bytes <size>', 'most bytes waiting a tag', size)
    .option('--read-cache-bytes <size>', 'memory for blocks read lately; 0 = none', size)
    .option('--lease-ms <ms>', 'lease devices: how long a client may work without a word', integer)
    .option('--fair-credit <n>', 'fair: cost units kept over a short idleness', Number)
    .option('--fair-idle-reset-ms <ms>', 'fair: idleness after which old debts end', integer)
    .option('--stride-global-shares <n>', 'stride: global shares', Number)
    .option('--stride-sleep-ms <ms>', 'stride: how long "slept for a long time" is', integer)
    .option('--stride-threshold <n>', 'stride: counter at which all are reset', Number)
    .addOption(new Option('--stride-sleep-rule <rule>', 'stride: when a sleeper is raised').choices(SLEEP_RULES));
}

function patchOf(options: SettingOptions): DeviceSettingsPatch {
  const fair = defined({ credit: options.fairCredit, idleResetMs: options.fairIdleResetMs });
  const stride = defined({
    globalShares: options.strideGlobalShares,
    sleepMs: options.strideSleepMs,
    threshold: options.strideThreshold,
    sleepRule: options.strideSleepRule,
  });
  return {
    ...defined({
      scheduler: options.scheduler,
      depth: options.depth,
      costModel: options.costModel,
      costUnitBytes: options.costUnit,
      ioTimeoutMs: options.ioTimeoutMs,
      unknownTags: options.unknownTags,
      maxQueuedRequests: options.maxQueuedRequests,
      maxQueuedBytes: options.maxQueuedBytes,
      readCacheBytes: options.readCacheBytes,
      leaseMs: options.leaseMs,
    }),
    ...(Object.keys(fair).length > 0 && { fair }),
    ...(Object.keys(stride).length > 0 && { stride }),
  };
}

function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function listCommand(): Command {
  return common(new Command('list').description('all devices, as the host that is asked sees them'))
    .addHelpText('after', '\nExample:\n  sluice device list')
    .action(async (options: Common) => {
      await withClient(options.address, async (client) => {
        const devices: Device[] = [];
        for await (const device of client.devices.list()) devices.push(device);
        printResult(options.json === true, devices.length === 0 ? 'no devices' : deviceTable(devices), { devices });
      });
    });
}

interface AddOptions extends Common, SettingOptions {
  binding?: string;
  simulate?: SimulationKind;
  size?: number;
  blockBytes?: number;
  seed?: number;
  memory?: number;
}

function addCommand(): Command {
  const command = new Command('add')
    .description('a new device: a binding of the host’s configuration, or a simulation')
    .argument('<name>')
    .option('--binding <name>', 'the binding that serves it')
    .addOption(new Option('--simulate <kind>', 'or a model').choices(SIMULATION_KINDS))
    .option('--size <size>', 'simulation: bytes, as 64G', size)
    .option('--block-bytes <n>', 'simulation: block size', integer)
    .option('--seed <n>', 'simulation: seed of its own choices', integer)
    .option('--memory <size>', 'simulation: most written data kept', size);
  return common(withSettings(command))
    .addHelpText('after', '\nExample:\n  sluice device add disk1 --simulate hdd --depth 4')
    .action(async (name: string, options: AddOptions) => {
      const input = { name, ...targetOf(options), settings: patchOf(options) };
      await withClient(options.address, async (client) => {
        const device = await client.devices.create(input);
        printResult(options.json === true, deviceTable([device]), device);
      });
    });
}

function targetOf(
  options: AddOptions,
):
  | Pick<DeviceInput & { binding: string }, 'binding'>
  | Pick<DeviceInput & { simulation: { kind: SimulationKind } }, 'simulation'> {
  const { binding, simulate } = options;
  if ((binding === undefined) === (simulate === undefined)) {
    throw new SluiceError('INVALID_ARGUMENT', 'either --binding or --simulate must be given, and not both');
  }
  if (binding !== undefined) return { binding };
  return {
    simulation: {
      kind: simulate!,
      ...defined({
        sizeBytes: options.size,
        blockBytes: options.blockBytes,
        seed: options.seed,
        memoryBytesMax: options.memory,
      }),
    },
  };
}

function updateCommand(): Command {
  const command = new Command('update')
    .description('change settings; acts on requests already queued')
    .argument('<name>')
    .option('--etag <etag>', 'only over this version', '');
  return common(withSettings(command))
    .addHelpText('after', '\nExample:\n  sluice device update disk0 --scheduler fair --depth 8')
    .action(async (name: string, options: Common & SettingOptions & { etag: string }) => {
      const patch = patchOf(options);
      if (Object.keys(patch).length === 0) throw new SluiceError('INVALID_ARGUMENT', 'no setting was given to change');
      await withClient(options.address, async (client) => {
        const device = await client.devices.update(name, patch, options.etag);
        printResult(options.json === true, deviceTable([device]), device);
      });
    });
}

function drainCommand(): Command {
  return common(
    new Command('drain')
      .description('take no new requests and finish those there are')
      .argument('<name>')
      .option('--wait', 'until nothing is left'),
  )
    .addHelpText('after', '\nExample:\n  sluice device drain disk0 --wait')
    .action(async (name: string, options: Common & { wait?: boolean }) => {
      await withClient(options.address, async (client) => {
        let device = await client.devices.drain(name);
        while (options.wait === true && device.state !== 'drained') {
          await new Promise((resolve) => setTimeout(resolve, 200));
          device = await client.devices.get(name);
        }
        printResult(options.json === true, deviceTable([device]), device);
      });
    });
}

function removeCommand(): Command {
  return common(
    new Command('remove')
      .description('forget a drained device; its data stays')
      .argument('<name>')
      .option('--etag <etag>', 'only this version', ''),
  )
    .addHelpText('after', '\nExample:\n  sluice device remove disk0')
    .action(async (name: string, options: Common & { etag: string }) => {
      await withClient(options.address, async (client) => {
        await client.devices.delete(name, options.etag);
        printResult(options.json === true, `${name} is removed`, { removed: name });
      });
    });
}

function deviceTable(devices: readonly Device[]): string {
  const left = (head: string): { head: string; align: 'left' } => ({ head, align: 'left' });
  return renderTable(
    [
      left('device'),
      left('state'),
      left('served by'),
      { head: 'size' },
      { head: 'block' },
      left('scheduler'),
      left('cost'),
      { head: 'depth' },
      { head: 'queued' },
      { head: 'outstanding' },
      left('etag'),
    ],
    devices.map((device) => [
      device.name,
      device.state + (device.readOnly ? ', read-only' : ''),
      device.binding === '' ? '(simulation)' : device.binding,
      shortBytes(device.sizeBytes),
      device.blockBytes,
      device.settings.scheduler,
      device.settings.costModel,
      device.settings.depth,
      device.queued,
      device.outstanding,
      device.etag,
    ]),
  );
}
