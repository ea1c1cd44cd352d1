/** From a path to a device: what is there, is it what was meant, and is it ours alone. */
import { constants } from 'node:fs';
import { open, realpath, rm, stat, type FileHandle } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { SluiceError, invalid, show } from '../../core/model/errors.js';
import type { Clock } from '../../core/ports.js';
import { describeBlockSpecial } from './block-special.js';
import { FileDevice } from './file-device.js';
import { FileLock } from './lock.js';

/** A regular file or a block device on this host. */
export interface FileSpec {
  readonly path: string;
  /** What its size has to be; with `create`, the size that a new file gets. */
  readonly sizeBytes?: number;
  /** Makes the file where there is none; false. */
  readonly create?: boolean;
  readonly readOnly?: boolean;
  /** Power of two, 512..65536; 512, or what a block device says of itself. */
  readonly blockBytes?: number;
  /** What the WWID or UUID of a block device has to be. */
  readonly uuid?: string;
}

interface Found {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly lockPath: string;
}

const BLOCK_BYTES_MIN = 512;
const BLOCK_BYTES_MAX = 65_536;

/**
 * @throws SluiceError INVALID_ARGUMENT (a field makes no sense, or what is there is not what it says),
 * DEVICE_IO (it does not open, or another process has it)
 */
export async function openFileDevice(spec: FileSpec, clock: Clock): Promise<FileDevice> {
  checkSpec(spec);
  const handle = await openHandle(spec);
  let lock: FileLock | null = null;
  try {
    const found = await identify(spec, handle);
    if (!found.readOnly) lock = await FileLock.take(found.lockPath, spec.path);
    return new FileDevice(handle, lock, clock, found);
  } catch (error) {
    await lock?.release();
    await handle.close();
    throw asDeviceError(error, spec.path);
  }
}

function checkSpec(spec: FileSpec): void {
  const { blockBytes = BLOCK_BYTES_MIN, sizeBytes } = spec;
  if (spec.path === '') throw invalid('path', 'the path of a file or block device', spec.path);
  if (!(blockBytes >= BLOCK_BYTES_MIN && blockBytes <= BLOCK_BYTES_MAX && Number.isInteger(Math.log2(blockBytes)))) {
    throw invalid('block_bytes', `a power of two ${String(BLOCK_BYTES_MIN)}..${String(BLOCK_BYTES_MAX)}`, blockBytes);
  }
  if (sizeBytes !== undefined && !(Number.isSafeInteger(sizeBytes) && sizeBytes > 0 && sizeBytes % blockBytes === 0)) {
    throw invalid('size_bytes', `a positive multiple of block_bytes (${String(blockBytes)})`, sizeBytes);
  }
  if (spec.create === true && sizeBytes === undefined) {
    throw invalid('size_bytes', 'set where create is true', sizeBytes);
  }
  if (spec.create === true && spec.readOnly === true) throw invalid('create', 'false where read_only is true', true);
}

async function openHandle(spec: FileSpec): Promise<FileHandle> {
  try {
    if (spec.create === true && !(await exists(spec.path))) return await createFile(spec.path, spec.sizeBytes!);
    return await open(spec.path, spec.readOnly === true ? constants.O_RDONLY : constants.O_RDWR);
  } catch (error) {
    throw asDeviceError(error, spec.path);
  }
}

async function createFile(file: string, sizeBytes: number): Promise<FileHandle> {
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await handle.truncate(sizeBytes);
    await handle.sync();
    return handle;
  } catch (error) {
    await handle.close();
    await rm(file, { force: true });
    throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function identify(spec: FileSpec, handle: FileHandle): Promise<Found> {
  const stats = await handle.stat();
  const real = await realpath(spec.path);
  let found: Found;
  if (stats.isBlockDevice()) {
    const special = await describeBlockSpecial(stats.rdev);
    if (spec.uuid !== undefined && special.uuid !== spec.uuid) {
      throw invalid('uuid', `that of ${spec.path} (${show(special.uuid)})`, spec.uuid);
    }
    found = {
      sizeBytes: special.sizeBytes,
      blockBytes: spec.blockBytes ?? special.logicalBlockBytes,
      readOnly: spec.readOnly === true || special.readOnly,
      lockPath: path.join(os.tmpdir(), `sluice-block-${String(stats.rdev)}.lock`),
    };
  } else if (stats.isFile()) {
    if (spec.uuid !== undefined) {
      throw new SluiceError(
        'UNSUPPORTED',
        `uuid is checked on block devices only, and ${spec.path} is a regular file`,
        {
          field: 'uuid',
        },
      );
    }
    found = {
      sizeBytes: stats.size,
      blockBytes: spec.blockBytes ?? BLOCK_BYTES_MIN,
      readOnly: spec.readOnly === true,
      lockPath: `${real}.sluice-lock`,
    };
  } else {
    throw invalid('path', 'a regular file or a block device', spec.path);
  }
  checkSize(spec, found);
  return found;
}

function checkSize(spec: FileSpec, found: Found): void {
  if (spec.sizeBytes !== undefined && spec.sizeBytes !== found.sizeBytes) {
    throw invalid('size_bytes', `the size of ${spec.path} (${String(found.sizeBytes)})`, spec.sizeBytes);
  }
  if (found.sizeBytes < found.blockBytes || found.sizeBytes % found.blockBytes !== 0) {
    throw invalid(
      'path',
      `a file whose size is a positive multiple of block_bytes (${String(found.blockBytes)}), not ${String(found.sizeBytes)} bytes`,
      spec.path,
    );
  }
}

function asDeviceError(error: unknown, file: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const { message } = error as NodeJS.ErrnoException;
  return new SluiceError('DEVICE_IO', `${file} does not open: ${message}`, { field: 'path', cause: error });
}
