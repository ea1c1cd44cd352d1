/** The `sluice` command. */
import { runCli } from './cli/index.js';

// A reader that has seen enough (head, a pager) ends the command as a signal does: what it has started stops with it.
let readerGone = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!readerGone) process.kill(process.pid, 'SIGTERM');
  readerGone = true;
});

process.exitCode = await runCli(process.argv.slice(2));
