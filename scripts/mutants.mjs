/**
 * `node scripts/mutants.mjs`: does the simulated cluster find faults? Mutants of the twin are generated
 * from its source by the TypeScript compiler's tree (conditions negated, lines dropped, constants
 * changed), all of them or an evenly spread part; each is run against seeds until
 * one breaks a promise. Survivors are listed with what is known of why.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { ROOT, ensure } from './ensure.mjs';

const TWIN = 'coordination/twin';
/** The state machine; the network and the store around it are the simulation's own. */
const FILES = ['call', 'clock', 'exchange', 'grant', 'hosts', 'order', 'parts', 'report', 'rows', 'settle', 'tree'];
/** What a mutant needs of what is built. */
const PARTS = ['core', 'clock', 'coordination/exchange', TWIN, 'simulator/cluster'];
/** A mutant that never comes back is found. */
const HANGS_MS = 120_000;

const HELP = `usage: node scripts/mutants.mjs [--mutants N] [--seeds N] [--workers W] [--least PERCENT] [--json]

  --mutants N      how many, spread over all that can be generated (120)
  --seeds N        seeds a mutant is run against, at most (500)
  --workers W      threads (as many as there are cores)
  --least PERCENT  exit 1 where fewer are found (90)`;

async function mutantsOf(file) {
  const { default: ts } = await import('typescript');
  const path = join(ROOT, 'src', TWIN, `${file}.ts`);
  const text = readFileSync(path, 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const mutants = [];
  const add = (node, replacement, what) => {
    const start = node.getStart(source);
    const { line } = source.getLineAndCharacterOfPosition(start);
    const mutated = text.slice(0, start) + replacement + text.slice(node.end);
    const before = node.getText(source).replace(/\s+/g, ' ').slice(0, 70);
    mutants.push({ file, line: line + 1, what: `${what}: ${before}`, mutated });
  };
  const visit = (node) => {
    if (ts.isIfStatement(node)) add(node.expression, `!(${node.expression.getText(source)})`, 'negated');
    else if (ts.isConditionalExpression(node)) add(node.condition, `!(${node.condition.getText(source)})`, 'negated');
    else if (ts.isExpressionStatement(node)) add(node, ';', 'dropped');
    if (ts.isNumericLiteral(node) && !ts.isTypeNode(node.parent)) add(node, `(${node.getText(source)} + 1)`, 'changed');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants.map((mutant) => ({
    ...mutant,
    text: ts.transpileModule(mutant.mutated, {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
    }).outputText,
  }));
}

/** Runs seeds on the mutant until one breaks a promise. */
function run(dist, seeds) {
  return new Promise((resolve) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { dist, seeds }, stderr: true });
    const end = (found) => {
      clearTimeout(timer);
      void worker.terminate();
      resolve(found);
    };
    const timer = setTimeout(() => end('never came back'), HANGS_MS);
    worker.on('message', end);
    worker.on('error', (error) => end(error.message));
  });
}

async function work(take, seeds, told) {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'build', 'mutants-'));
  try {
    for (const part of PARTS) cpSync(join(ROOT, 'dist', part), join(folder, part), { recursive: true });
    for (let mutant = take(); mutant !== undefined; mutant = take()) {
      const path = join(folder, TWIN, `${mutant.file}.js`);
      const original = readFileSync(path);
      writeFileSync(path, mutant.text);
      told(mutant, await run(folder, seeds));
      writeFileSync(path, original);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: {
      mutants: text,
      seeds: text,
      workers: text,
      least: text,
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  ensure();
  const whole = (name, standard) => (values[name] === undefined ? standard : Number(values[name]));
  const all = (await Promise.all(FILES.map(mutantsOf))).flat();
  const count = Math.min(whole('mutants', 120), all.length);
  const seeds = whole('seeds', 500);
  const chosen = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]);
  const queue = [...chosen];
  const survivors = [];
  let found = 0;
  const told = (mutant, result) => {
    const where = `${TWIN}/${mutant.file}.ts:${mutant.line} ${mutant.what}`;
    if (result === null) survivors.push(where);
    else found += 1;
    process.stderr.write(
      `${result === null ? 'SURVIVES' : 'found   '} ${where}${result === null ? '' : `  [${result}]`}\n`,
    );
  };
  const workers = Math.min(whole('workers', availableParallelism()), count);
  await Promise.all(Array.from({ length: workers }, () => work(() => queue.shift(), seeds, told)));
  const percent = (100 * found) / count;
  if (values.json)
    process.stdout.write(`${JSON.stringify({ generated: all.length, run: count, found, percent, survivors })}\n`);
  else {
    process.stdout.write(
      `${found} of ${count} mutants found within ${seeds} seeds (${percent.toFixed(1)} %), of ${all.length} that can be generated\n`,
    );
    for (const survivor of survivors) process.stdout.write(`survivor: ${survivor}\n`);
  }
  process.exitCode = percent < whole('least', 90) ? 1 : 0;
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
  }
  parentPort.postMessage(found);
}
