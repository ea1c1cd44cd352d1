/**
 * `npm run simulate-cluster`: many hosts on the simulated state of one device, one seed a run, with all
 * that can go wrong; every promise of docs/consistency.md is checked as it happens. A broken one is
 * named with the command that replays it.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { ROOT, ensure } from './ensure.mjs';

const HELP = `usage: npm run simulate-cluster -- [--seeds N] [--from S] [--minutes M] [--workers W] [--json]
       npm run simulate-cluster -- --seed S

  --seeds N     run N seeds (1000)
  --from S      begin with seed S (1)
  --minutes M   go on with further seeds until so much time has passed
  --workers W   threads (as many as there are cores)
  --seed S      replay one seed and tell what happens in it
  --json        the summary as one line of JSON

example: npm run simulate-cluster -- --seeds 10000`;

const CHUNK = 10;
const SHOWN_MAX = 20;

function usage(message) {
  process.stderr.write(`simulate-cluster: ${message}\n${HELP}\n`);
  process.exit(2);
}

function whole(values, name, standard, least) {
  const text = values[name];
  if (text === undefined) return standard;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    usage(`--${name} must be an integer from ${least} on, got ${JSON.stringify(text)}`);
  }
  return value;
}

function options() {
  const text = { type: 'string' };
  const spec = { seeds: text, from: text, minutes: text, workers: text, seed: text };
  let values;
  try {
    ({ values } = parseArgs({ options: { ...spec, json: { type: 'boolean' }, help: { type: 'boolean' } } }));
  } catch (error) {
    usage(error.message);
  }
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    process.exit(0);
  }
  return {
    seed: whole(values, 'seed', -1, 0),
    from: whole(values, 'from', 1, 0),
    seeds: whole(values, 'seeds', values.minutes === undefined ? 1_000 : 1, 1),
    minutes: whole(values, 'minutes', 0, 0),
    workers: whole(values, 'workers', availableParallelism(), 1),
    json: values.json === true,
  };
}

const runner = () => import(pathToFileURL(join(ROOT, 'dist', 'simulator', 'cluster', 'run.js')).href);

function tell({ seed, broken }) {
  process.stdout.write(
    `seed ${seed} broke "${broken.promise}" at ${broken.atMs.toFixed(3)} ms: ${broken.message}\n` +
      `  replay: npm run simulate-cluster -- --seed ${seed}\n`,
  );
}

async function replay(seed) {
  const { runSeed } = await runner();
  const result = runSeed(seed, { log: (line) => process.stdout.write(`${line}\n`) });
  const { requests, calls, digest } = result;
  process.stdout.write(`seed ${seed}: ${requests} requests, ${calls} exchanges, digest ${digest}\n`);
  if (result.broken !== null) tell(result);
  process.exitCode = result.broken === null ? 0 : 1;
}

async function runAll({ from, seeds, minutes, workers, json }) {
  const startedMs = Date.now();
  const untilMs = startedMs + minutes * 60_000;
  const sum = { seeds: 0, broken: 0, requests: 0, exchanges: 0, faults: 0, excessMax: 0, orderWorst: 0, orderLooks: 0 };
  let next = from;
  let toldMs = startedMs;
  const take = (result) => {
    sum.seeds += 1;
    sum.requests += result.requests;
    sum.exchanges += result.calls;
    sum.faults += result.faults;
    sum.excessMax = Math.max(sum.excessMax, result.excessMax);
    sum.orderLooks += result.orderLooks;
    sum.orderWorst = Math.max(sum.orderWorst, result.orderWorst);
    if (result.broken !== null && (sum.broken += 1) <= SHOWN_MAX) tell(result);
    if (Date.now() - toldMs < 5_000) return;
    toldMs = Date.now();
    process.stderr.write(`${sum.seeds} seeds, ${sum.broken} with a broken promise\n`);
  };
  const chunk = () => {
    if (next >= from + seeds && Date.now() >= untilMs) return null;
    const first = next;
    next = next < from + seeds ? Math.min(next + CHUNK, from + seeds) : next + CHUNK;
    return { first, count: next - first };
  };
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: 'seeds' });
      const give = () => {
        const seedsToRun = chunk();
        worker.postMessage(seedsToRun);
        if (seedsToRun === null) resolve();
      };
      worker.on('message', (results) => {
        results.forEach(take);
        give();
      });
      worker.on('error', reject);
      give();
    });
  await Promise.all(Array.from({ length: Math.min(workers, seeds) }, work));
  const summary = { ...sum, seconds: (Date.now() - startedMs) / 1_000 };
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    process.stdout.write(
      `${summary.seeds} seeds in ${summary.seconds.toFixed(1)} s: ${summary.broken} with a broken promise; ` +
        `${summary.requests} requests, ${summary.exchanges} exchanges, ${summary.faults} faults; ` +
        `at most ${summary.excessMax} requests beyond the depth; at most ${summary.orderWorst.toFixed(2)} of the order's bound in ${summary.orderLooks} looks\n`,
    );
  }
  process.exitCode = summary.broken === 0 ? 0 : 1;
}

if (!isMainThread && workerData === 'seeds') {
  const { runSeed } = await runner();
  parentPort.on('message', (seeds) => {
    if (seeds === null) {
      parentPort.close();
      return;
    }
    parentPort.postMessage(Array.from({ length: seeds.count }, (_, i) => runSeed(seeds.first + i)));
  });
} else if (isMainThread) {
  const chosen = options();
  ensure();
  if (chosen.seed >= 0) await replay(chosen.seed);
  else await runAll(chosen);
}
