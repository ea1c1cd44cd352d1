/** Whether and in what blocks a path takes O_DIRECT. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { SluiceError, invalid } from '../../core/model/errors.js';
import { KIB } from '../../core/model/units.js';
import { alignedBytes } from './aligned-pool.js';
import { logicalBlockBytesOf } from './block-special.js';

/** Where the file system lies on no block device of its own (overlay, network, btrfs): right for all disks there are. */
const BLOCK_BYTES_UNKNOWN = 4 * KIB;
const PROBE_BYTES = 64 * KIB;

/** @throws SluiceError UNSUPPORTED where this system has none */
export function directFlag(file: string): number {
  // Absent outside Linux, whatever the types say.
  const flag = constants.O_DIRECT as number | undefined;
  if (flag === undefined) throw refused(file, `${process.platform} has no O_DIRECT`);
  return flag;
}

/** What an open with O_DIRECT failed with, named: EINVAL is how a file system says that it has none (open(2)). */
export function asDirectError(error: unknown, file: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'EINVAL' ? refused(file, `its file system refuses O_DIRECT (${message})`) : error;
}

/**
 * The blocks that O_DIRECT needs of a regular file: the logical blocks of the disk below its file system.
 * Trying cannot tell: over a hole Linux lets any length pass.
 */
export async function directBlockBytesOf(dev: number): Promise<number> {
  return (await logicalBlockBytesOf(dev)) ?? BLOCK_BYTES_UNKNOWN;
}

/**
 * Checks the blocks asked for against those needed, and reads one.
 * @throws SluiceError INVALID_ARGUMENT, UNSUPPORTED
 */
export async function checkDirect(
  handle: FileHandle,
  file: string,
  blockBytes: number,
  neededBytes: number,
): Promise<void> {
  if (blockBytes < neededBytes) {
    throw invalid(
      'block_bytes',
      `at least ${String(neededBytes)}, what direct I/O on ${file} needs (or direct false)`,
      blockBytes,
    );
  }
  try {
    await handle.read(alignedBytes(PROBE_BYTES), 0, blockBytes, 0);
  } catch (error) {
    throw asDirectError(error, file);
  }
}

function refused(file: string, reason: string): SluiceError {
  return new SluiceError('UNSUPPORTED', `direct must be false for ${file}: ${reason}`, { field: 'direct' });
}
