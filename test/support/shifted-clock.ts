/** A wall clock that a test sets ahead and back under a process that runs: libfaketime, from the Debian package `faketime`. */
import { spawnSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TempFolder } from './temp-folder.js';

/** What the command would load into a process: the library of several threads. */
const asked = spawnSync('faketime', ['-m', '-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' });

export const canShiftClocks = asked.status === 0;

export class ShiftedClock implements Disposable {
  readonly #folder = TempFolder.inMemory();
  /** For the processes that are to have this clock; their monotonic one is as it was. */
  readonly environment: Readonly<Record<string, string>>;

  constructor() {
    this.environment = {
      // Memory is libc's: jemalloc, which Redis has, asks for the time as it begins, and libfaketime for memory.
      LD_PRELOAD: `${asked.stdout.trim()} libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    this.set(0);
  }

  get #file(): string {
    return join(this.#folder.path, 'offset');
  }

  /** From now on it shows so many seconds more than it is. */
  set(seconds: number): void {
    // Renamed: no process may find half of it.
    writeFileSync(`${this.#file}.new`, `${seconds < 0 ? '' : '+'}${String(seconds)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}
