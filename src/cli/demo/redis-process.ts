/** A Redis of the demo's own: a process on a socket in a folder of its own, gone when the demo ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../core/model/errors.js';

const POLL_MS = 20;

export class RedisProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, socket: string) {
    this.#child = child;
    this.#folder = folder;
    this.url = `redis+unix://${socket}`;
  }

  /** @throws SluiceError NOT_FOUND where there is no redis-server; INTERNAL with what it said, when it ends before it listens */
  static async start(): Promise<RedisProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-'));
    const socket = join(folder, 'redis.sock');
    const flags = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--maxmemory-policy', 'noeviction'];
    // Of its own group: Ctrl-C at the terminal is for the demo.
    const child = spawn('redis-server', [...flags, '--save', ''], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_096)));
    const ended = new Promise<NodeJS.ErrnoException | null>((resolve) => {
      child.once('error', resolve);
      child.once('exit', () => resolve(null));
    });
    while (!existsSync(socket)) {
      const failure = await Promise.race([ended, sleep(POLL_MS, 'waits' as const)]);
      if (failure === 'waits') continue;
      rmSync(folder, { recursive: true, force: true });
      throw failed(failure, said);
    }
    return new RedisProcess(child, folder, socket);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function failed(failure: NodeJS.ErrnoException | null, said: string): SluiceError {
  if (failure?.code === 'ENOENT') {
    return new SluiceError(
      'NOT_FOUND',
      '--hosts above 1 needs redis-server, which is not to be found: install Redis 7.0 or later, or leave --hosts away',
      { field: 'hosts' },
    );
  }
  const why = failure?.message ?? said.trim().split('\n').at(-1) ?? '';
  return new SluiceError('INTERNAL', `the demo's redis-server ended before it listened: ${why}`);
}
