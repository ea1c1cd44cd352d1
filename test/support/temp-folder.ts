/** A folder of its own for as long as a test needs it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class TempFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'sluice-test-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
