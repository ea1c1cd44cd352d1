/** A real `sluice serve` in a process and folder of its own, for as long as a test needs it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const SLUICE = join(ROOT, 'bin', 'sluice.cjs');

/** The environment without configuration of a service that this machine may have. */
export function cleanEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith('SLUICE_'));
  return { ...(Object.fromEntries(kept) as Record<string, string>), ...extra };
}

export interface ServiceOptions {
  /** YAML; listens on free ports of loopback in any case. */
  readonly config: string;
  readonly args?: readonly string[];
  /** Kept by the caller over restarts; else one is made and removed. */
  readonly folder?: string;
  readonly environment?: Record<string, string>;
  /** Addresses to use instead of free ports, for a restart. */
  readonly grpc?: string;
}

export class TestService implements AsyncDisposable {
  readonly grpc: string;
  readonly http: string;
  /** Empty where the configuration has no NBD door. */
  readonly nbd: string;
  readonly child: ChildProcess;
  readonly folder: string;
  readonly #ownsFolder: boolean;
  #output: () => string;

  private constructor(
    child: ChildProcess,
    ready: { grpc: string; http: string; nbd?: string },
    folder: string,
    owns: boolean,
    output: () => string,
  ) {
    this.child = child;
    this.grpc = ready.grpc;
    this.http = ready.http;
    this.nbd = ready.nbd ?? '';
    this.folder = folder;
    this.#ownsFolder = owns;
    this.#output = output;
  }

  /** Resolves when it listens; rejects with what it printed when it ends before that. */
  static async start(options: ServiceOptions): Promise<TestService> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'sluice-test-'));
    const config = join(folder, 'sluice.yaml');
    const readyFile = join(folder, 'ready.json');
    writeFileSync(config, options.config);
    rmSync(readyFile, { force: true });
    const child = spawn(
      process.execPath,
      [
        SLUICE,
        'serve',
        '--config',
        config,
        '--grpc',
        options.grpc ?? '127.0.0.1:0',
        '--http',
        '127.0.0.1:0',
        '--ready-file',
        readyFile,
        ...(options.args ?? []),
      ],
      { cwd: folder, env: cleanEnvironment(options.environment), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-65_536);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    while (!existsSync(readyFile)) {
      if (child.exitCode !== null || child.signalCode !== null) {
        if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
        throw new Error(`the service ended with ${String(child.exitCode ?? child.signalCode)}:\n${output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const ready = JSON.parse(readFileSync(readyFile, 'utf8')) as { grpc: string; http: string; nbd?: string };
    return new TestService(child, ready, folder, options.folder === undefined, () => output);
  }

  /** What it has printed so far, the last 64 KiB. */
  get output(): string {
    return this.#output();
  }

  /** Sends the signal; resolves with the exit code, or the signal's name, when it has ended. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
      await new Promise((resolve) => this.child.once('exit', resolve));
    }
    return this.child.exitCode ?? this.child.signalCode ?? 'unknown';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
    if (this.#ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs one command of the CLI to its end. */
export async function runSluice(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [SLUICE, ...args], {
    env: cleanEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
  return { code, stdout, stderr };
}
