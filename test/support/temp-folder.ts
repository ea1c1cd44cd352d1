/** A folder of its own for as long as a test needs it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class TempFolder implements Disposable {
  readonly path: string;

  constructor(base = tmpdir()) {
    this.path = mkdtempSync(join(base, 'sluice-test-'));
  }

  /** Where there is a file system in memory: for who writes many times and does not ask what the disk makes of it. */
  static inMemory(): TempFolder {
    return existsSync('/dev/shm') ? new TempFolder('/dev/shm') : new TempFolder();
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
