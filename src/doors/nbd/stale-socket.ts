/** A Unix socket that a killed process left behind: nobody listens at it, and nobody can until it is gone. */
import { lstat, rm } from 'node:fs/promises';
import { connect } from 'node:net';

/**
 * Removes the socket at the path if nobody listens there. Anything else stays: one that somebody listens
 * at, and what is no socket, are errors of listening.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => null);
  if (stats?.isSocket() !== true || !(await isRefused(path))) return;
  await rm(path, { force: true });
}

/** Whether the system says that nobody listens: the one sure sign. */
function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
