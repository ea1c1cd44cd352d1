/** Real Redis servers in folders of their own, for as long as a test needs them. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

export const canRedis =
  spawnSync('redis-server', ['--version']).status === 0 && spawnSync('redis-sentinel', ['--version']).status === 0;

/** How long a server may take to come up on a loaded machine. */
const START_MS = 40_000;

/** A port that was free just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Waits until `probe` gives something other than null or throws; the last failure is told. */
export async function eventually<T>(what: string, probe: () => Promise<T | null> | T | null): Promise<T> {
  const until = Date.now() + START_MS;
  let last: unknown = null;
  for (;;) {
    try {
      const found = await probe();
      if (found !== null) return found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until) throw new Error(`${what}: not within ${String(START_MS)} ms`, { cause: last });
    await sleep(20);
  }
}

export interface RedisServerOptions {
  /** Lines of redis.conf after the usual ones. */
  readonly config?: readonly string[];
  /** Listens on a port of loopback besides the socket; without it on the socket alone. */
  readonly tcp?: boolean;
  /** Keeps what it is told on disk, so that it survives kill(). */
  readonly persistent?: boolean;
  readonly sentinel?: boolean;
  /** Variables of the process besides those of this one. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class RedisServer implements AsyncDisposable {
  readonly folder: string;
  readonly socket: string;
  /** 0 without TCP. */
  readonly port: number;
  readonly #sentinel: boolean;
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;
  #output = '';
  /** For the test's own commands. */
  #admin: Redis | null = null;

  private constructor(folder: string, port: number, { sentinel, environment }: RedisServerOptions) {
    this.folder = folder;
    this.socket = join(folder, 'redis.sock');
    this.port = port;
    this.#sentinel = sentinel === true;
    this.#environment = environment ?? {};
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
    const port = options.tcp === true || options.sentinel === true ? await freePort() : 0;
    const server = new RedisServer(folder, port, options);
    writeFileSync(
      server.#config,
      [
        `port ${String(port)}`,
        'bind 127.0.0.1',
        `unixsocket ${server.socket}`,
        `dir ${folder}`,
        'daemonize no',
        ...(server.#sentinel
          ? []
          : ['save ""', `appendonly ${options.persistent === true ? 'yes' : 'no'}`, 'appendfsync always']),
        ...(options.config ?? []),
        '',
      ].join('\n'),
    );
    await server.restart();
    return server;
  }

  get #config(): string {
    return join(this.folder, 'redis.conf');
  }

  /** The URL that a store takes, over the socket. */
  get url(): string {
    return `redis+unix://${this.socket}`;
  }

  get tcpUrl(): string {
    return `redis://127.0.0.1:${String(this.port)}`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** What it has printed. */
  get output(): string {
    return this.#output;
  }

  get admin(): Redis {
    if (this.#admin === null) {
      this.#admin = new Redis({ path: this.socket, retryStrategy: () => 50, disableClientInfo: true });
      this.#admin.on('error', () => undefined);
    }
    return this.#admin;
  }

  /** Starts the process (again) on the same folder; resolves when it answers. */
  async restart(): Promise<void> {
    rmSync(this.socket, { force: true });
    const child = spawn(this.#sentinel ? 'redis-sentinel' : 'redis-server', [this.#config], {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-16_384);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    await eventually('redis-server answers', async () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended:\n${this.#output}`);
      return await this.admin.ping();
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** kill -9; what it had on disk stays. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** Loses what is on disk; between kill() and restart(). */
  wipe(): void {
    rmSync(join(this.folder, 'appendonlydir'), { recursive: true, force: true });
    rmSync(join(this.folder, 'dump.rdb'), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#admin?.disconnect();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
