/**
 * `node scripts/mutants.mjs`: does the simulated cluster find faults? Mutants of the twin are generated
 * from its source by the TypeScript compiler's tree (conditions negated, lines dropped, constants
 * changed), all of them or an evenly spread part; each is run against seeds until one breaks a promise.
 * Survivors are listed. A mutant that cannot change anything is no fault: those of which that is shown, each by
 * its reason in mutants-equivalent.mjs, are run as well and listed apart, but not counted.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { ROOT, ensure } from './ensure.mjs';
import { reasonWhyEquivalent } from './mutants-equivalent.mjs';

const TWIN = 'coordination/twin';
/** The state machine; the network and the store around it are the simulation's own. */
const FILES = ['call', 'clock', 'exchange', 'grant', 'hosts', 'order', 'parts', 'report', 'rows', 'settle', 'tree'];
/** What a mutant needs of what is built. */
const PARTS = ['core', 'clock', 'coordination/exchange', TWIN, 'simulator/cluster'];
/** CPU time without the end of a seed, in any worker: a mutant that never comes back is found. */
const HANGS_CPU_MS = 20_000;

const HELP = `usage: node scripts/mutants.mjs [--mutants N] [--offset K] [--seeds N] [--workers W] [--least PERCENT] [--json]

  --mutants N      how many, spread over all that can be generated (120)
  --offset K       begin with the K-th of those that can be generated: another choice (0)
  --only TEXT      those alone whose place and name contain it, such as order.ts:21
  --seeds N        seeds a mutant is run against, at most (500)
  --workers W      threads (as many as there are cores)
  --least PERCENT  exit 1 where fewer are found (90)
  --json           the summary as one line of JSON`;

function usage(message) {
  process.stderr.write(`mutants: ${message}\n${HELP}\n`);
  process.exit(2);
}

async function mutantsOf(file) {
  const { default: ts } = await import('typescript');
  const path = join(ROOT, 'src', TWIN, `${file}.ts`);
  const text = readFileSync(path, 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const lines = text.split('\n');
  const mutants = [];
  const add = (node, replacement, what) => {
    const start = node.getStart(source);
    const { line } = source.getLineAndCharacterOfPosition(start);
    const [above, shown] = [lines[line - 1] ?? '', lines[line]].map((each) => each.trim().slice(0, 90));
    const before = node.getText(source).replace(/\s+/g, ' ').slice(0, 70);
    mutants.push({
      file,
      line: line + 1,
      what: `${what}: ${before}`,
      above,
      shown,
      start,
      end: node.end,
      replacement,
      text,
    });
  };
  const visit = (node) => {
    if (ts.isIfStatement(node)) add(node.expression, `!(${node.expression.getText(source)})`, 'negated');
    else if (ts.isConditionalExpression(node)) add(node.condition, `!(${node.condition.getText(source)})`, 'negated');
    else if (ts.isExpressionStatement(node)) add(node, ';', 'dropped');
    if (ts.isNumericLiteral(node) && !ts.isTypeNode(node.parent)) add(node, `(${node.getText(source)} + 1)`, 'changed');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants;
}

async function compiled({ text, start, end, replacement }) {
  const { default: ts } = await import('typescript');
  const compilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  };
  const mutated = text.slice(0, start) + replacement + text.slice(end);
  return ts.transpileModule(mutated, { compilerOptions }).outputText;
}

/** CPU time of this process, all its threads: it stands still while the process is stopped. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Runs seeds on the mutant until one breaks a promise. */
function run(dist, seeds, workers) {
  return new Promise((resolve) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { dist, seeds }, stderr: true });
    let sinceMs = cpuMs();
    const end = (found) => {
      clearInterval(timer);
      void worker.terminate();
      resolve(found);
    };
    const timer = setInterval(() => {
      if (cpuMs() - sinceMs > HANGS_CPU_MS * workers) end('never came back');
    }, 1_000);
    worker.on('message', (told) => {
      sinceMs = cpuMs();
      if (told !== 'next') end(told.found);
    });
    worker.on('error', (error) => end(error.message));
  });
}

async function work(take, { seeds, workers }, told) {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'build', 'mutants-'));
  try {
    for (const part of PARTS) cpSync(join(ROOT, 'dist', part), join(folder, part), { recursive: true });
    for (let mutant = take(); mutant !== undefined; mutant = take()) {
      const path = join(folder, TWIN, `${mutant.file}.js`);
      const original = readFileSync(path);
      writeFileSync(path, await compiled(mutant));
      told(mutant, await run(folder, seeds, workers));
      writeFileSync(path, original);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function options() {
  const text = { type: 'string' };
  const spec = { mutants: text, offset: text, only: text, seeds: text, workers: text, least: text };
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
  const whole = (name, standard, least) => {
    const value = values[name] === undefined ? standard : Number(values[name]);
    if (!Number.isSafeInteger(value) || value < least) {
      usage(`--${name} must be an integer from ${least} on, got ${JSON.stringify(values[name])}`);
    }
    return value;
  };
  return {
    mutants: whole('mutants', 120, 1),
    offset: whole('offset', 0, 0),
    seeds: whole('seeds', 500, 1),
    workers: whole('workers', availableParallelism(), 1),
    least: whole('least', 90, 0),
    only: values.only ?? '',
    json: values.json === true,
  };
}

function placeOf({ file, line, what }) {
  return `${TWIN}/${file}.ts:${line} ${what}`;
}

async function main() {
  const chosen = options();
  ensure();
  const all = (await Promise.all(FILES.map(mutantsOf)))
    .flat()
    .filter((mutant) => placeOf(mutant).includes(chosen.only));
  if (all.length === 0) usage(`--only ${JSON.stringify(chosen.only)} names no mutant`);
  const count = Math.min(chosen.mutants, all.length);
  const at = (i) => (Math.floor((i * all.length) / count) + chosen.offset) % all.length;
  const queue = Array.from({ length: count }, (_, i) => all[at(i)]);
  const survivors = [];
  const equivalent = [];
  let found = 0;
  const told = (mutant, result) => {
    const where = `${placeOf(mutant)}   (${mutant.shown})`;
    const reason = reasonWhyEquivalent(mutant);
    if (result !== null) found += 1;
    else if (reason !== '') equivalent.push(`${where}: ${reason}`);
    else survivors.push(where);
    // What is shown to change nothing, and did: the reason is wrong.
    if (result !== null && reason !== '')
      survivors.push(`${where} is said to change nothing, and was found: ${result}`);
    const mark = result !== null ? 'found   ' : reason === '' ? 'SURVIVES' : 'the same';
    process.stderr.write(`${mark} ${where}${result === null ? '' : `  [${result}]`}\n`);
  };
  const workers = Math.min(chosen.workers, count);
  const take = () => queue.shift();
  await Promise.all(Array.from({ length: workers }, () => work(take, { seeds: chosen.seeds, workers }, told)));
  const faults = count - equivalent.length;
  const percent = (100 * found) / faults;
  const summary = { generated: all.length, run: count, faults, found, percent, survivors, equivalent };
  if (chosen.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    process.stdout.write(
      `${found} of ${faults} mutants found within ${chosen.seeds} seeds (${percent.toFixed(1)} %); ` +
        `${equivalent.length} more change nothing, of ${all.length} that can be generated ${count} were run\n`,
    );
    for (const survivor of survivors) process.stdout.write(`survivor: ${survivor}\n`);
    for (const each of equivalent) process.stdout.write(`changes nothing: ${each}\n`);
  }
  process.exitCode = percent < chosen.least ? 1 : 0;
}

if (isMainThread) {
  await main();
} else {
  const { dist, seeds } = workerData;
  const { runSeed } = await import(pathToFileURL(join(dist, 'simulator', 'cluster', 'run.js')).href);
  let found = null;
  for (let seed = 1; seed <= seeds && found === null; seed++) {
    const { broken } = runSeed(seed);
    if (broken !== null) found = `seed ${seed}: ${broken.promise}`;
    parentPort.postMessage('next');
  }
  parentPort.postMessage({ found });
}
