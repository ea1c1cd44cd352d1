/** `sluice usage`: what was served, by tag and device. */
import { once } from 'node:events';
import { Command, Option } from 'commander';
import type { UsageQuery } from '../client/usage.js';
import { OP_NAMES } from '../core/model/request.js';
import { SluiceError, invalid } from '../core/model/errors.js';
import { USAGE_ORDERS, USAGE_STEPS, type UsageOrder, type UsageRow } from '../core/model/usage.js';
import { csvHeader, csvLines } from '../core/usage/csv.js';
import { integer } from './arguments.js';
import { addressOption, withClient } from './connect.js';
import { note } from './output.js';
import { renderTable, shortBytes, shortTime } from './table.js';

const QUANTILES = [0.5, 0.99];
const STEPS: Record<string, number> = { '1s': 1_000, '1m': 60_000, '1h': 3_600_000 };
const TABLE_ROWS_MAX = 20_000;
const FORMATS = ['table', 'json', 'csv'] as const;

interface UsageOptions {
  address: string;
  tag?: string;
  device?: string;
  from?: string;
  to?: string;
  step?: string;
  level: number;
  order: UsageOrder;
  top: number;
  format: (typeof FORMATS)[number];
  json?: boolean;
}

export function usageCommand(): Command {
  return new Command('usage')
    .description('what was served, by device and tag')
    .option('--tag <tag>', 'only this tag and those below it; acme/. is what carries the tag acme itself')
    .option('--device <device>', 'only this device')
    .option('--from <time>', 'ISO time, or milliseconds since 1970, or "-15m" before now')
    .option('--to <time>', 'the same; exclusive (default with --from: now)')
    .addOption(new Option('--step <step>', 'a row a step').choices(Object.keys(STEPS)))
    .addOption(
      new Option('--level <n>', 'sum over tags with the same first N segments')
        .argParser(integer)
        .default(0, 'a row a tag'),
    )
    .addOption(new Option('--order <by>', 'order of rows').choices(USAGE_ORDERS).default('tag'))
    .addOption(new Option('--top <n>', 'only the first N tags of each step').argParser(integer).default(0, 'all'))
    .addOption(new Option('--format <format>', 'how to print').choices(FORMATS).default('table'))
    .option('--json', 'the same as --format json')
    .addOption(addressOption())
    .addHelpText('after', '\nExample:\n  sluice usage --device disk0 --from -15m --step 1m --level 1 --format csv')
    .action(async (options: UsageOptions) => {
      const format = options.json === true ? 'json' : options.format;
      const asked = queryOf(options);
      await withClient(options.address, async (client) => {
        const rows = client.usage.query(asked);
        if (format === 'json') await print(jsonPieces(rows));
        else if (format === 'csv') await print(csvPieces(rows, asked.quantiles ?? []));
        else await printTable(rows, options.step !== undefined);
      });
    });
}

function queryOf(options: UsageOptions): UsageQuery {
  const stepMs = options.step === undefined ? 0 : STEPS[options.step]!;
  const range = timeRange(options, stepMs);
  return {
    ...(options.device !== undefined && { device: options.device }),
    ...(options.tag !== undefined && { tagPrefix: options.tag }),
    ...range,
    stepMs,
    groupLevel: options.level,
    orderBy: options.order,
    topN: options.top,
    quantiles: keepsQuantiles(range.fromMs) ? QUANTILES : [],
  };
}

async function print(pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
  }
}

async function* jsonPieces(rows: AsyncIterable<UsageRow>): AsyncGenerator<string, void> {
  let lead = '{"rows":[';
  for await (const row of rows) {
    yield lead + JSON.stringify(row);
    lead = ',';
  }
  yield lead === ',' ? ']}\n' : `${lead}]}\n`;
}

/** The header comes with the first line: what is refused prints nothing. */
async function* csvPieces(rows: AsyncIterable<UsageRow>, quantiles: readonly number[]): AsyncGenerator<string, void> {
  let header = csvHeader(quantiles);
  for await (const row of rows) {
    yield header + csvLines([row]);
    header = '';
  }
  if (header !== '') yield header;
}

/** Columns are as wide as their widest value, so all rows are looked at first. */
async function printTable(rows: AsyncIterable<UsageRow>, steps: boolean): Promise<void> {
  const shown: UsageRow[] = [];
  for await (const row of rows) {
    if (shown.length === TABLE_ROWS_MAX) {
      const bound = String(TABLE_ROWS_MAX);
      throw new SluiceError('TOO_LARGE', `a table shows at most ${bound} rows: use --format csv, --top or --level`);
    }
    shown.push(row);
  }
  process.stdout.write(`${shown.length === 0 ? 'nothing was served' : table(shown, steps)}\n`);
}

/** The range asked for, widened to whole steps: what is kept is kept by the step. */
function timeRange(options: UsageOptions, stepMs: number): { fromMs?: number; toMs?: number } {
  if (options.from === undefined && options.to === undefined) {
    if (stepMs > 0) throw new SluiceError('INVALID_ARGUMENT', '--step needs --from, as --from -15m');
    return {};
  }
  if (options.from === undefined) throw new SluiceError('INVALID_ARGUMENT', '--to needs --from');
  const nowMs = Date.now();
  const beginMs = timeMs(options.from, '--from', nowMs);
  const grainMs = stepMs === 0 ? keptStepMs(nowMs - beginMs) : stepMs;
  const fromMs = Math.floor(beginMs / grainMs) * grainMs;
  const toMs = Math.ceil(timeMs(options.to ?? String(nowMs), '--to', nowMs) / grainMs) * grainMs;
  if (toMs <= fromMs) throw invalid('--to', 'later than --from', options.to);
  if (stepMs === 0) note(`(from ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()})`);
  return { fromMs, toMs };
}

/** The finest step that reaches back so far, with a step to spare for the time that passes until the service is asked. */
function keptStepMs(backMs: number): number {
  const step = USAGE_STEPS.find(({ stepMs, keepMs }) => backMs + stepMs < keepMs) ?? USAGE_STEPS.at(-1)!;
  return step.stepMs;
}

/** Whether percentiles of that time are kept at some step. */
function keepsQuantiles(fromMs: number | undefined): boolean {
  const { stepMs, keepQuantilesMs } = USAGE_STEPS.at(-1)!;
  return fromMs === undefined || Date.now() - fromMs + stepMs < keepQuantilesMs;
}

const BEFORE_UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function timeMs(text: string, field: string, nowMs: number): number {
  const before = /^-(\d+)([smhd])$/.exec(text);
  if (before !== null) return nowMs - Number(before[1]) * BEFORE_UNITS[before[2]!]!;
  const ms = /^\d{9,}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(ms)) throw invalid(field, 'an ISO time, milliseconds since 1970, or as -15m', text);
  return ms;
}

function sums(row: UsageRow): { count: number; errors: number; bytes: number; cost: number } {
  const sum = { count: 0, errors: 0, bytes: 0, cost: 0 };
  for (const op of row.ops) {
    sum.count += op.count;
    sum.errors += op.errors;
    sum.bytes += op.bytes;
    sum.cost += op.cost;
  }
  return sum;
}

function table(rows: readonly UsageRow[], steps: boolean): string {
  const times = (us: readonly number[]): string => us.map((value) => shortTime(value)).join(' / ');
  return renderTable(
    [
      ...(steps ? [{ head: 'from', align: 'left' as const }] : []),
      { head: 'device', align: 'left' },
      { head: 'tag', align: 'left' },
      { head: 'ops' },
      { head: 'reads' },
      { head: 'writes' },
      { head: 'bytes' },
      { head: 'cost' },
      { head: 'errors' },
      { head: 'queue p50 / p99' },
      { head: 'service p50 / p99' },
    ],
    rows.map((row) => {
      const { count, errors, bytes, cost } = sums(row);
      const of = (name: string): number => row.ops.find(({ op }) => OP_NAMES[op] === name)?.count ?? 0;
      return [
        ...(steps ? [new Date(row.startMs).toISOString()] : []),
        row.device,
        row.tag,
        count,
        of('READ'),
        of('WRITE'),
        shortBytes(bytes),
        Math.round(cost),
        errors,
        times(row.queueUs),
        times(row.serviceUs),
      ];
    }),
  );
}
