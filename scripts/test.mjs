/** `npm test`: installs, builds, looks for the peers that tests use, then runs every test. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, ensure } from './ensure.mjs';
import { ensurePackages } from './system-packages.mjs';

const args = process.argv.slice(2);
const long = args.includes('--long');
ensure();
ensurePackages();
const result = spawnSync(
  process.execPath,
  [join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...args.filter((arg) => arg !== '--long')],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...(long ? { SLUICE_LONG: '1' } : {}) } },
);
process.exitCode = result.status ?? 1;
