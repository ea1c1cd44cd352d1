/**
 * `npm run check [NAME…]`: lint, format, types, contract, dependency rules, dead code. All run, a core each, and what
 * each says is shown when it has ended; any failure fails.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ROOT, TSC, ensure, say } from './ensure.mjs';

const bin = (name) => join(ROOT, 'node_modules', '.bin', name);
// The longest first. Two lints, each with types of its own to find out, are 20 s more of a core and half a minute less of two.
const CHECKS = [
  ['lint', bin('eslint'), ['--max-warnings=0', 'src', 'bench', 'scripts']],
  ['lint of tests', bin('eslint'), ['--max-warnings=0', 'test']],
  ['format', bin('prettier'), ['--check', '--log-level=warn', '.']],
  ['types', process.execPath, [TSC, '-b', 'src', 'src/dashboard', 'bench', 'test']],
  ['dependency rules', bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'src', 'bench', 'test']],
  ['dead code', bin('knip'), ['--no-progress']],
  ['contract', bin('buf'), ['lint', 'proto']],
];

/** @returns whether it passed */
function check([name, command, args]) {
  const startedMs = Date.now();
  const said = [];
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
    child.once('error', (error) => said.push(Buffer.from(`${error.message}\n`)));
    child.once('close', (status) => {
      process.stdout.write(Buffer.concat(said));
      const ok = status === 0;
      say(`${ok ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - startedMs) / 1000).toFixed(1)} s)`);
      resolve(ok);
    });
  });
}

ensure();
const only = process.argv.slice(2);
const waiting = CHECKS.filter(([name]) => only.length === 0 || only.includes(name));
let failed = 0;
async function work() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) if (!(await check(next))) failed += 1;
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
process.exitCode = failed === 0 ? 0 : 1;
