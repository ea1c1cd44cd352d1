/** The folder that a report is written to, file by file: what is there is whole, whenever a run is interrupted. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SluiceError, show } from '../../core/model/errors.js';

export class ReportFolder {
  readonly path: string;

  /** Makes it where it is not there. @throws SluiceError INVALID_ARGUMENT where it cannot be written */
  constructor(path: string) {
    this.path = path;
    try {
      makeFolder(resolve(path));
      const probe = join(path, '.sluice-probe');
      writeFileSync(probe, '');
      rmSync(probe);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new SluiceError(
        'INVALID_ARGUMENT',
        `--out must be a folder that can be written, got ${show(path)}: ${why}`,
        {
          field: '--out',
        },
      );
    }
  }

  write(name: string, text: string): void {
    const path = join(this.path, name);
    writeFileSync(`${path}.part`, text);
    renameSync(`${path}.part`, path);
  }
}

/** Not mkdirSync's own `recursive`: where a parent takes no folders, such as /proc, Node 20 tries for ever. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}
