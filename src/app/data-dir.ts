/** Opens `data_dir` for this process alone. */
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError, invalid } from '../core/model/errors.js';
import type { Clock, Logger } from '../core/ports.js';
import { Ledger } from '../core/usage.js';
import { DataFolder } from '../coordination/local/data-folder.js';
import { FileLock } from '../devices/file/lock.js';

export interface DataDir {
  readonly folder: DataFolder;
  /** After the folder was closed. */
  release(): Promise<void>;
}

/** @throws SluiceError INVALID_ARGUMENT (no folder that can be written), DEVICE_IO (another process has it) */
export async function openDataDir(path: string, clock: Clock, logger: Logger): Promise<DataDir> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw invalid('data_dir', `a folder that can be written (${(error as Error).message})`, path);
  }
  const lock = await FileLock.take(join(path, 'lock'), `data_dir ${path}`);
  try {
    const folder = await DataFolder.open(path, clock, logger, () => new Ledger(clock));
    return { folder, release: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw SluiceError.from(error);
  }
}
