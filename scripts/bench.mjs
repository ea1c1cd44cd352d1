/** `npm run bench [NAME…]`: builds first where needed. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, TSC, ensure, run } from './ensure.mjs';

ensure();
run(process.execPath, [TSC, '-b', 'bench']);
const result = spawnSync(
  process.execPath,
  ['--expose-gc', join(ROOT, 'build', 'bench', 'run.js'), ...process.argv.slice(2)],
  { cwd: ROOT, stdio: 'inherit' },
);
process.exitCode = result.status ?? 1;
