/** A Redis server of the benchmark's own, on a socket in a folder of its own, without persistence. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisConnection } from '../../src/coordination/redis/connection.js';
import { parseStoreUrl } from '../../src/coordination/redis/url.js';
import type { Logger } from '../../src/core/ports.js';

const quiet: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const TRIES = 200;

export class BenchRedis implements AsyncDisposable {
  readonly socket: string;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    this.socket = join(this.#folder, 'redis.sock');
    const flags = ['--port', '0', '--unixsocket', this.socket, '--save', '', '--maxmemory-policy', 'noeviction'];
    this.#child = spawn('redis-server', flags, { cwd: this.#folder, stdio: 'ignore' });
  }

  static async start(): Promise<BenchRedis> {
    const server = new BenchRedis();
    for (let left = TRIES; ; left--) {
      try {
        (await server.connect()).close();
        return server;
      } catch (error) {
        if (left === 0) throw error;
        await sleep(20);
      }
    }
  }

  connect(): Promise<RedisConnection> {
    const url = parseStoreUrl(`redis+unix://${this.socket}`);
    return RedisConnection.open({ url, password: '', tls: {}, logger: quiet });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
