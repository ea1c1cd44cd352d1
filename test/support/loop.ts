/** Loop devices and small file systems, where this machine and user can make them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB } from '../../src/core/model/units.js';

function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** A block device over a file of its own, for as long as a test needs it. */
export class LoopDevice implements Disposable {
  readonly path: string;
  /** The file below. */
  readonly backing: string;
  readonly #folder: string;

  /** @param options of losetup, such as `--read-only` or `--sector-size 4096` */
  constructor(sizeBytes: number, ...options: readonly string[]) {
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-loop-'));
    this.backing = join(this.#folder, 'backing');
    writeFileSync(this.backing, '');
    truncateSync(this.backing, sizeBytes);
    try {
      this.path = run('losetup', '--find', '--show', ...options, this.backing);
    } catch (error) {
      rmSync(this.#folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Cuts the device down to what the file below has now. */
  shrink(sizeBytes: number): void {
    truncateSync(this.backing, sizeBytes);
    run('losetup', '--set-capacity', this.path);
  }

  [Symbol.dispose](): void {
    run('losetup', '--detach', this.path);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A file system mounted in a folder of its own. */
export class Mounted implements Disposable {
  readonly folder: string;

  private constructor(...options: readonly string[]) {
    this.folder = mkdtempSync(join(tmpdir(), 'sluice-mount-'));
    try {
      run('mount', ...options, this.folder);
    } catch (error) {
      rmSync(this.folder, { recursive: true, force: true });
      throw error;
    }
  }

  static tmpfs(sizeBytes: number): Mounted {
    return new Mounted('-t', 'tmpfs', '-o', `size=${String(sizeBytes)}`, 'sluice-test');
  }

  /** A new ext4 on the device. */
  static ext4(device: string): Mounted {
    run('mkfs.ext4', '-q', device);
    return new Mounted(device);
  }

  [Symbol.dispose](): void {
    run('umount', this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function works(attempt: () => Disposable): boolean {
  try {
    attempt()[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

export const canLoop = works(() => new LoopDevice(MIB));
export const canMount =
  canLoop &&
  works(() => {
    run('mkfs.ext4', '-V');
    return Mounted.tmpfs(MIB);
  });
