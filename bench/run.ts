/** `node build/bench/run.js [NAME[:PART]…] [--json]`: runs benchmarks by name, all of them where none is named. */
import { symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { table, type BenchRow, type Benchmark } from './report.js';

/** Each loaded only when it runs: one benchmark's libraries are not in another's heap. */
const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  client: async () => (await import('./client.js')).clientBenchmark,
  devices: async () => (await import('./devices.js')).devicesBenchmark,
  fairness: async () => (await import('./fairness.js')).fairnessBenchmark,
  file: async () => (await import('./file.js')).fileBenchmark,
  gate: async () => (await import('./gate/index.js')).gateBenchmark,
  grpc: async () => (await import('./grpc.js')).grpcBenchmark,
  nbd: async () => (await import('./nbd.js')).nbdBenchmark,
  placements: async () => (await import('./placements/index.js')).placementsBenchmark,
  scheduler: async () => (await import('./scheduler.js')).schedulerBenchmark,
  usage: async () => (await import('./usage.js')).usageBenchmark,
  'usage-query': async () => (await import('./usage-query.js')).usageQueryBenchmark,
  vhost: async () => (await import('./vhost.js')).vhostBenchmark,
};

const USAGE = `usage: bench [NAME[:PART]…] [--json]; names: ${Object.keys(BENCHMARKS).join(', ')}`;

function split(named: string): [name: string, part: string] {
  const [name = '', part = ''] = named.split(':');
  return [name, part];
}

async function main(args: readonly string[]): Promise<number> {
  const json = args.includes('--json');
  const unknownFlag = args.find((arg) => arg.startsWith('-') && arg !== '--json' && arg !== '--help');
  const named = args.filter((arg) => !arg.startsWith('-'));
  const unknown = unknownFlag ?? named.find((name) => !Object.hasOwn(BENCHMARKS, split(name)[0]));
  if (args.includes('--help')) {
    process.stdout.write(`${USAGE}\nexample: bench scheduler --json\n`);
    return 0;
  }
  if (unknown !== undefined) {
    process.stderr.write(`${JSON.stringify(unknown)} is not known; ${USAGE}\n`);
    return 2;
  }
  const rows: BenchRow[] = [];
  for (const name of named.length > 0 ? named : Object.keys(BENCHMARKS)) {
    process.stderr.write(`bench ${name}\n`);
    const [benchmark, part] = split(name);
    const run = await BENCHMARKS[benchmark]!();
    const found = await run(part);
    (json ? process.stderr : process.stdout).write(`${table(found)}\n\n`);
    rows.push(...found);
  }
  if (json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  return 0;
}

/**
 * Benchmarks import `../src/…`, which TypeScript knows as the project that is built into dist/: let
 * the built benchmarks find it there, so that what is measured is what ships.
 */
function linkSources(): void {
  try {
    symlinkSync('../dist', fileURLToPath(new URL('../src', import.meta.url)), 'dir');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

linkSources();
process.exitCode = await main(process.argv.slice(2));
