/** `node scripts/sluice.mjs COMMAND…`: the sluice command from a checkout, built first where needed. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, ensure } from './ensure.mjs';

ensure();
const child = spawn(process.execPath, [join(ROOT, 'bin', 'sluice.cjs'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// A terminal sends its signals to both; a supervisor only to this one. The child decides how to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143);
});
