/** NBD servers of others, each in a process of its own, that a test starts, kills and starts again. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hasNbdkit = spawnSync('nbdkit', ['--version'], { stdio: 'ignore' }).status === 0;
export const hasQemuNbd = spawnSync('qemu-nbd', ['--version'], { stdio: 'ignore' }).status === 0;

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class NbdServer implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-nbd-'));
  readonly socket = join(this.folder, 'nbd.sock');
  /** 0 = at the Unix socket. */
  readonly port: number;
  readonly #command: (server: NbdServer) => readonly string[];
  #child: ChildProcess | null = null;
  #said = '';

  private constructor(port: number, command: (server: NbdServer) => readonly string[]) {
    this.port = port;
    this.#command = command;
  }

  /** nbdkit with the plug-in and its arguments, such as `memory 64M`. */
  static nbdkit(tcp: boolean, ...plugin: readonly string[]): Promise<NbdServer> {
    return NbdServer.#of(tcp, (server) => [
      ...['nbdkit', '--foreground', '--pidfile', server.#pidFile],
      ...(tcp ? ['--ipaddr', '127.0.0.1', '--port', String(server.port)] : ['--unix', server.socket]),
      ...plugin,
    ]);
  }

  /** nbdkit on a file that it makes. */
  static async nbdkitFile(sizeBytes: number, ...more: readonly string[]): Promise<NbdServer> {
    const server = new NbdServer(0, ({ folder, socket }) => [
      ...['nbdkit', '--foreground', '--pidfile', join(folder, 'pid'), '--unix', socket, ...more],
      ...['file', join(folder, 'image')],
    ]);
    writeFileSync(join(server.folder, 'image'), '');
    truncateSync(join(server.folder, 'image'), sizeBytes);
    await server.start();
    return server;
  }

  /** qemu-nbd on an image that it makes: `qcow2` or `raw`. */
  static async qemu(tcp: boolean, format: string, sizeBytes: number, ...more: readonly string[]): Promise<NbdServer> {
    const server = new NbdServer(tcp ? await freePort() : 0, ({ folder, port, socket }) => [
      ...['qemu-nbd', '--persistent', '--shared=8', '--format', format, '--pid-file', join(folder, 'pid')],
      ...(tcp ? ['--bind', '127.0.0.1', '--port', String(port)] : ['--socket', socket]),
      ...[...more, join(folder, 'image')],
    ]);
    const made = spawnSync('qemu-img', ['create', '-f', format, join(server.folder, 'image'), String(sizeBytes)]);
    if (made.status !== 0) throw new Error(`qemu-img: ${made.stderr.toString()}`);
    await server.start();
    return server;
  }

  static async #of(tcp: boolean, command: (server: NbdServer) => readonly string[]): Promise<NbdServer> {
    const server = new NbdServer(tcp ? await freePort() : 0, command);
    await server.start();
    return server;
  }

  get uri(): string {
    return this.port > 0 ? `nbd://127.0.0.1:${String(this.port)}` : `nbd+unix:///?socket=${this.socket}`;
  }

  get #pidFile(): string {
    return join(this.folder, 'pid');
  }

  async start(): Promise<void> {
    // What was killed leaves these behind.
    rmSync(this.#pidFile, { force: true });
    rmSync(this.socket, { force: true });
    const [command, ...args] = this.#command(this);
    const child = spawn(command!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-4_096)));
    while (!existsSync(this.#pidFile)) {
      if (child.exitCode !== null) throw new Error(`${command!} ended: ${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
