/** A service of one's own: a process, a folder, free ports; all gone when it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '../../core/model/errors.js';

const LAUNCHER = fileURLToPath(new URL('../../../bin/sluice.cjs', import.meta.url));
const POLL_MS = 20;

/** Who sees to it that nothing is left of a service whose parent is killed. */
export interface ServiceOwner {
  /** Its files are made there; who owns it removes it. */
  readonly folder: string;
  /** Told at once: the leader of a group. */
  readonly started: (pid: number) => void;
}

export class ServiceProcess {
  readonly grpc: string;
  readonly http: string;
  readonly #child: ChildProcess;
  /** To be removed with it. */
  readonly #folder: string | null;

  private constructor(child: ChildProcess, folder: string | null, listening: { grpc: string; http: string }) {
    this.#child = child;
    this.#folder = folder;
    this.grpc = listening.grpc;
    this.http = listening.http;
  }

  /**
   * @param config YAML; listens on free ports of loopback in any case
   * @param more flags of `sluice serve`
   * @param owner none: it has a folder of its own, which goes with it
   * @throws SluiceError INTERNAL with what it said, when it ends before it listens
   */
  static async start(config: string, more: readonly string[] = [], owner?: ServiceOwner): Promise<ServiceProcess> {
    const folder = owner?.folder ?? mkdtempSync(join(tmpdir(), 'sluice-service-'));
    const readyFile = join(folder, 'ready.json');
    writeFileSync(join(folder, 'sluice.yaml'), config);
    const ports = ['--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0', '--ready-file', readyFile];
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'));
    const child = spawn(
      process.execPath,
      [LAUNCHER, 'serve', '--config', join(folder, 'sluice.yaml'), '--log-level', 'warn', ...ports, ...more],
      // Of its own group: Ctrl-C at the terminal is for whoever started it, which then ends the service in order.
      // Locks of block devices lie in the folder for temporary files.
      {
        env: { ...Object.fromEntries(environment), TMPDIR: folder },
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      },
    );
    if (child.pid !== undefined) owner?.started(child.pid);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_096)));
    while (!existsSync(readyFile)) {
      if (child.exitCode !== null || child.signalCode !== null) {
        if (owner === undefined) rmSync(folder, { recursive: true, force: true });
        throw new SluiceError('INTERNAL', `the service ended before it listened: ${said.trim()}`);
      }
      await sleep(POLL_MS);
    }
    const listening = JSON.parse(readFileSync(readyFile, 'utf8')) as { grpc: string; http: string };
    return new ServiceProcess(child, owner === undefined ? folder : null, listening);
  }

  /** In order, where it is not gone already. @param signal SIGKILL: as it stands */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill(signal);
      await ended;
    }
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }
}
