/** A redis-server on a socket in a folder of its own, for one benchmark. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS_MAX = 10_000;
const STEP_MS = 20;

export class BenchRedis {
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  /** null where there is no redis-server on this machine. */
  static async start(): Promise<BenchRedis | null> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    const options = ['--port', '0', '--unixsocket', join(folder, 'redis.sock'), '--dir', folder, '--save', ''];
    const child = spawn('redis-server', options, { stdio: 'ignore' });
    const failed = once(child, 'error').then(
      () => true,
      () => true,
    );
    const redis = new BenchRedis(child, folder);
    for (let waitedMs = 0; !existsSync(join(folder, 'redis.sock')); waitedMs += STEP_MS) {
      if ((await Promise.race([failed, sleep(STEP_MS, false)])) || waitedMs > START_MS_MAX) {
        rmSync(folder, { recursive: true, force: true });
        return null;
      }
    }
    return redis;
  }

  get url(): string {
    return `redis+unix://${join(this.#folder, 'redis.sock')}`;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
