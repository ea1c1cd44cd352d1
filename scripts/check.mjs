/** `npm run check`: format, lint, types, contract, dependency rules, dead code. All run; any failure fails. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, ensure, say } from './ensure.mjs';

const bin = (name) => join(ROOT, 'node_modules', '.bin', name);
const CHECKS = [
  ['format', bin('prettier'), ['--check', '--log-level=warn', '.']],
  ['types', bin('tsc'), ['-b', 'src', 'src/dashboard', 'bench', 'test']],
  ['lint', bin('eslint'), ['--max-warnings=0', 'src', 'bench', 'test', 'scripts']],
  ['contract', bin('buf'), ['lint', 'proto']],
  ['dependency rules', bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'src', 'bench', 'test']],
  ['dead code', bin('knip'), ['--no-progress']],
];

ensure();
const only = process.argv.slice(2);
let failed = 0;
for (const [name, command, args] of CHECKS) {
  if (only.length > 0 && !only.includes(name)) continue;
  const startedMs = Date.now();
  const result = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  const ok = result.status === 0;
  if (!ok) failed += 1;
  say(`${ok ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - startedMs) / 1000).toFixed(1)} s)`);
}
process.exitCode = failed === 0 ? 0 : 1;
