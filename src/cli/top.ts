/** `sluice top`: who gets what of a device, live in a terminal; once, as a table or JSON, anywhere else. */
import { Command, Option } from 'commander';
import type { SluiceClient } from '../client/index.js';
import { SluiceError, invalid } from '../core/model/errors.js';
import type { UsageRow } from '../core/model/usage.js';
import { addressOption, withClient } from './connect.js';
import { printResult } from './output.js';
import { TOP_QUANTILES, TOP_SORTS, arrange, topRows, type TopSort } from './top/rows.js';
import { TopSession } from './top/session.js';
import { Terminal } from './top/terminal.js';

interface TopOptions {
  address: string;
  device?: string;
  filter: string;
  sort: TopSort;
  once?: boolean;
  json?: boolean;
}

const WIDE = { columns: 160 };
const RETRY_MS = 1_000;

export function topCommand(): Command {
  return new Command('top')
    .description('who gets what of a device, every second')
    .addOption(addressOption())
    .option('--device <name>', 'which device to begin with (default: the first)')
    .addOption(new Option('--filter <text>', 'only tags that contain it').default('', 'all'))
    .addOption(new Option('--sort <column>', 'which column orders').choices(TOP_SORTS).default('got'))
    .option('--once', 'print one interval and end; so too where there is no terminal')
    .option('--json', 'one interval as one JSON line')
    .addHelpText(
      'after',
      '\nKeys: q quit, / filter, s sort by the next column, r reverse, d next device, p pause, arrows scroll.\n\nExample:\n  sluice top --device disk0 --sort queue',
    )
    .action(async (options: TopOptions) => {
      await withClient(options.address, async (client) => {
        const session = new TopSession(options.address, options.device ?? '', options.filter, options.sort);
        session.setDevices(await devicesOf(client, options.device));
        const live = process.stdin.isTTY && process.stdout.isTTY && options.once !== true && options.json !== true;
        await (live ? watch(client, session) : once(client, session, options));
      });
    });
}

async function devicesOf(client: SluiceClient, wanted: string | undefined) {
  const devices = [];
  for await (const device of client.devices.list()) devices.push(device);
  if (wanted !== undefined && !devices.some(({ name }) => name === wanted)) {
    throw invalid('--device', `one of ${devices.map(({ name }) => name).join(', ') || '(there is none)'}`, wanted);
  }
  return devices;
}

async function policiesOf(client: SluiceClient) {
  const policies = [];
  for await (const policy of client.policies.list()) policies.push(policy);
  return policies;
}

/** Intervals of all devices, so that another one can be looked at without a new stream. */
function intervals(client: SluiceClient, signal?: AbortSignal): AsyncGenerator<readonly UsageRow[], void> {
  return client.usage.watch({
    orderBy: 'cost',
    quantiles: TOP_QUANTILES,
    ...(signal !== undefined && { signal }),
  });
}

async function once(client: SluiceClient, session: TopSession, options: TopOptions): Promise<void> {
  for await (const usage of intervals(client)) {
    const { device } = session;
    const rows = topRows(
      usage.filter((row) => row.device === device),
      await policiesOf(client),
      device,
    );
    session.setDevices(await devicesOf(client, undefined));
    session.setRows(rows, usage[0]?.endMs ?? 0);
    const shown = arrange(rows, options.filter, options.sort, false);
    // Head, totals and column titles, the tags, and no line of keys.
    const lines = session.draw({ ...WIDE, lines: shown.length + 4 }).slice(0, -1);
    printResult(options.json === true, lines.join('\n').trimEnd(), { device, tags: shown });
    return;
  }
  throw new SluiceError('STORE_UNAVAILABLE', 'the service ended the stream before an interval was over');
}

/** Until a key or a signal ends it. A service that goes away is waited for. */
async function watch(client: SluiceClient, session: TopSession): Promise<void> {
  const end = new AbortController();
  const stop = (): void => end.abort();
  const ended = (): boolean => end.signal.aborted;
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  let draw = (): void => undefined;
  using terminal = new Terminal(
    process.stdin,
    process.stdout,
    (key) => {
      if (session.key(key, terminal.size)) draw();
      else stop();
    },
    () => draw(),
  );
  draw = () => terminal.draw(session.draw(terminal.size));
  draw();
  while (!ended()) {
    try {
      for await (const usage of intervals(client, end.signal)) {
        session.setDevices(await devicesOf(client, undefined));
        const { device } = session;
        const rows = usage.filter((row) => row.device === device);
        session.setRows(topRows(rows, await policiesOf(client), device), usage[0]?.endMs ?? 0);
        draw();
      }
    } catch (error) {
      if (ended()) break;
      session.setProblem(`no answer: ${SluiceError.from(error).message}`);
      draw();
    }
    if (!ended()) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  process.off('SIGTERM', stop);
  process.off('SIGINT', stop);
}
