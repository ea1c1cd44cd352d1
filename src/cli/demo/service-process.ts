/** A service of the demo's own: a process, a folder, free ports; all gone when it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '../../core/model/errors.js';

const LAUNCHER = fileURLToPath(new URL('../../../bin/sluice.cjs', import.meta.url));
const POLL_MS = 20;

export class ServiceProcess {
  readonly grpc: string;
  readonly http: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, listening: { grpc: string; http: string }) {
    this.#child = child;
    this.#folder = folder;
    this.grpc = listening.grpc;
    this.http = listening.http;
  }

  /**
   * @param more flags of `sluice serve`
   * @throws SluiceError INTERNAL with what it said, when it ends before it listens
   */
  static async start(config: string, more: readonly string[] = []): Promise<ServiceProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-'));
    const readyFile = join(folder, 'ready.json');
    writeFileSync(join(folder, 'sluice.yaml'), config);
    const ports = ['--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0', '--ready-file', readyFile];
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'));
    const child = spawn(
      process.execPath,
      [LAUNCHER, 'serve', '--config', join(folder, 'sluice.yaml'), '--log-level', 'warn', ...ports, ...more],
      // Of its own group: Ctrl-C at the terminal is for the demo, which then ends the service in order.
      { env: Object.fromEntries(environment), stdio: ['ignore', 'ignore', 'pipe'], detached: true },
    );
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_096)));
    while (!existsSync(readyFile)) {
      if (child.exitCode !== null || child.signalCode !== null) {
        rmSync(folder, { recursive: true, force: true });
        throw new SluiceError('INTERNAL', `the demo's service ended before it listened: ${said.trim()}`);
      }
      await sleep(POLL_MS);
    }
    const listening = JSON.parse(readFileSync(readyFile, 'utf8')) as { grpc: string; http: string };
    return new ServiceProcess(child, folder, listening);
  }

  /** In order, where it is not gone already. @param signal SIGKILL: as it stands */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill(signal);
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
