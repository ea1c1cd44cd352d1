/** `sluice replay`: recorded traces through a running service, or in virtual time. */
import { Command, Option } from 'commander';
import { performance } from 'node:perf_hooks';
import { COST_MODELS, SCHEDULERS, SIMULATION_KINDS } from '../core/model/device.js';
import { ADDRESS_MAPS } from '../workload/address-map.js';
import { parseInteger, parseNumber, parseSizeBytes } from '../workload/quantity.js';
import { TRACE_FORMATS } from '../workload/traces/format.js';
import { TAG_BY } from '../workload/traces/load.js';
import { addressOption } from './connect.js';
import { describeTraces } from './replay-describe.js';
import { note, option, options, printResult } from './output.js';
import { checkShares, parseTagShares, readTraces } from './replay-plan.js';
import type { TraceOptions } from './replay-plan.js';
import { replayThroughService } from './replay-service.js';
import type { ReplayServiceOptions } from './replay-service.js';
import { noteSpeed, replaySimulated } from './replay-simulate.js';
import type { SimulateOptions } from './replay-simulate.js';
import { failures } from './service-run.js';
import { shareTable } from './share-table.js';

type ReplayOptions = TraceOptions &
  ReplayServiceOptions &
  SimulateOptions & { simulate?: boolean; describe?: boolean; json?: boolean };

const COUNT_MAX = Number.MAX_SAFE_INTEGER;

function count(name: string, min = 1, max = COUNT_MAX): (text: string) => number {
  return option((text) => parseInteger(text, min, max, name));
}

export function replayCommand(): Command {
  const command = new Command('replay')
    .description('replay recorded block traces, a tag a file, device or volume')
    .argument(
      '<trace...>',
      'trace files, gzip or plain: blkreplay, DiskSim/MQSim, MSR, Tencent, Alibaba, fio iolog, vSCSI',
    );
  traceOptions(command);
  paceOptions(command);
  serviceOptions(command);
  simulationOptions(command);
  return command
    .option('--describe', 'show the figures of the traces and stop')
    .option('--json', 'the result as one object, the last line of stdout')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  sluice replay web.load.gz db.load.gz --device disk0 --shares web=100 --shares db=300\n' +
        '  sluice replay tpcc.trace --tag-by device --simulate --sim-device ssd --until-cost 5000 --json',
    )
    .action(replay);
}

function traceOptions(command: Command): void {
  command
    .addOption(new Option('--format <format>', 'instead of telling it from the content').choices(TRACE_FORMATS))
    .addOption(new Option('--tag-by <what>', 'what becomes a tag').choices(TAG_BY).default('file'))
    .addOption(
      new Option('--limit <n>', 'only the first N records of each tag').argParser(count('--limit')).default(0, 'all'),
    )
    .addOption(
      new Option('--collapse-ms <ms>', 'drop repeats of sector, length and op within so long')
        .argParser(option((text) => parseNumber(text, 0, 1e9, '--collapse-ms')))
        .default(0, 'drop none'),
    )
    .option('--strict', 'stop at the first broken line');
}

function paceOptions(command: Command): void {
  command
    .addOption(
      new Option('--speed <x>', 'issue at the times of the trace, X times as fast')
        .argParser(option((text) => parseNumber(text, 1e-6, 1e9, '--speed')))
        .conflicts('closedLoop'),
    )
    .option(
      '--closed-loop <n>',
      'keep N requests of each tag outstanding (default: twice the depth)',
      count('--closed-loop', 1, 65_536),
    )
    .addOption(
      new Option('--loop <seconds>', 'start again at the end, for so long')
        .argParser(option((text) => parseNumber(text, 0.001, 1e7, '--loop')))
        .default(0, 'once through'),
    )
    .addOption(
      new Option('--requests <n>', 'N requests of each tag, starting again at the end of a shorter trace')
        .argParser(count('--requests'))
        .default(0, 'once through'),
    )
    .addOption(
      new Option('--until-cost <n>', 'start again at the end, until each tag was charged N cost units')
        .argParser(count('--until-cost'))
        .default(0, 'once through'),
    )
    .addOption(
      new Option('--map <how>', 'how addresses are fitted to the device').choices(ADDRESS_MAPS).default('fold'),
    )
    .option('--shares <tag=n>', 'shares of a tag or of one above; repeatable', options(parseTagShares));
}

function serviceOptions(command: Command): void {
  command
    .addOption(addressOption())
    .option('--device <name>', 'device of the service')
    .option('--check-usage', "compare the service's usage with the traces: exit 1 where it differs");
}

function simulationOptions(command: Command): void {
  command
    .option('--simulate', 'in virtual time instead of through a service')
    .addOption(new Option('--sim-device <kind>', 'the simulated device').choices(SIMULATION_KINDS).default('hdd'))
    .option(
      '--sim-size <bytes>',
      'its size (default 64g)',
      option((text) => parseSizeBytes(text, '--sim-size')),
    )
    .option('--depth <n>', 'most requests at it at once (default 32)', count('--depth', 1, 65_536))
    .addOption(new Option('--scheduler <name>', 'default fair').choices(SCHEDULERS))
    .addOption(new Option('--cost-model <name>', 'default normalized').choices(COST_MODELS))
    .option('--seed <n>', 'the same seed gives the same result', count('--seed', 0, 2 ** 32 - 1), 1);
}

async function replay(paths: string[], given: ReplayOptions, command: Command): Promise<void> {
  if (given.simulate !== true && given.describe !== true && given.device === undefined) {
    command.error('error: a replay through a service needs --device NAME; in virtual time, --simulate');
  }
  if (given.simulate === true && given.simDevice === 'null' && given.loop > 0) {
    command.error(
      'error: --loop needs --sim-device hdd or ssd: on null no time passes; take --requests or --until-cost',
    );
  }
  const traces = await readTraces(paths, given);
  checkShares(given.shares ?? [], traces);
  const json = given.json === true;
  if (given.describe === true) {
    const { text, object } = describeTraces(traces);
    printResult(json, text, object);
    return;
  }
  let lines: readonly string[];
  if (given.simulate === true) {
    const from = performance.now();
    const result = await replaySimulated(traces, given);
    noteSpeed(result, (performance.now() - from) / 1_000);
    printResult(json, shareTable(result.report), result.report);
    lines = failures(result);
  } else {
    const result = await replayThroughService(traces, given);
    printResult(json, shareTable(result.report), result.report);
    lines = [...failures(result), ...result.differences];
  }
  for (const line of lines) note(`sluice: ${line}`);
  if (lines.length > 0) process.exitCode = 1;
}
