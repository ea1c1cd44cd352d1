/** From a path to a device: what is there, is it what was meant, and is it ours alone. */
import { constants, type Stats } from 'node:fs';
import { open, realpath, rm, stat, type FileHandle } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { SluiceError, invalid, show } from '../../core/model/errors.js';
import type { Clock } from '../../core/ports.js';
import { MIB } from '../../core/model/units.js';
import { AlignedPool } from './aligned-pool.js';
import { describeBlockSpecial } from './block-special.js';
import { asDirectError, checkDirect, directBlockBytesOf, directFlag } from './direct.js';
import { FileDevice } from './file-device.js';
import { FileLock } from './lock.js';
import { RingTransfers } from './ring-transfers.js';
import { ThreadTransfers, type Transfers } from './transfers.js';

/** `ring` is io_uring, `threads` those of libuv. */
export const FILE_ENGINES = ['ring', 'threads'] as const;
type FileEngine = (typeof FILE_ENGINES)[number];

/** A regular file or a block device on this host. */
export interface FileSpec {
  readonly path: string;
  /** What its size has to be; with `create`, the size that a new file gets. */
  readonly sizeBytes?: number;
  /** Makes the file where there is none; false. */
  readonly create?: boolean;
  readonly readOnly?: boolean;
  /** Power of two, 512..65536; 512, or what a block device says of itself, or what direct I/O needs of a file. */
  readonly blockBytes?: number;
  /** Past the page cache, with O_DIRECT; true for a block device, false for a regular file. */
  readonly direct?: boolean;
  /** Other hosts of the same store use it too, so that it is not locked; false. */
  readonly shared?: boolean;
  /** Who moves the bytes. Absent: the ring for direct I/O where this system allows it, else threads. */
  readonly engine?: FileEngine;
  /** What the WWID or UUID of a block device has to be. */
  readonly uuid?: string;
}

interface Found {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly lockPath: string;
  /** What its blocks have to be at least for O_DIRECT. */
  readonly directBlockBytes: number;
}

const BLOCK_BYTES_MIN = 512;
const BLOCK_BYTES_MAX = 65_536;
/** Buffers of a device with direct I/O: as many 1 MiB transfers as the default depth. Resident is what has been used. */
const POOL_BYTES = 32 * MIB;

/**
 * @throws SluiceError INVALID_ARGUMENT (a field makes no sense, or what is there is not what it says),
 * UNSUPPORTED (no O_DIRECT there), DEVICE_IO (it does not open, or another process has it)
 */
export async function openFileDevice(spec: FileSpec, clock: Clock): Promise<FileDevice> {
  checkSpec(spec);
  const { handle, direct, made } = await openHandle(spec);
  let lock: FileLock | null = null;
  try {
    const found = await identify(spec, handle, direct);
    if (direct) await checkDirect(handle, spec.path, found.blockBytes, found.directBlockBytes);
    checkSize(spec, found);
    if (!found.readOnly && spec.shared !== true) lock = await FileLock.take(found.lockPath, spec.path);
    const pool = direct ? new AlignedPool(POOL_BYTES) : null;
    return new FileDevice(handle, lock, clock, { ...found, pool, transfers: transfersOf(spec, handle.fd, direct) });
  } catch (error) {
    await lock?.release();
    await handle.close();
    if (made) await rm(spec.path, { force: true });
    throw asDeviceError(error, spec.path);
  }
}

function transfersOf(spec: FileSpec, fd: number, direct: boolean): Transfers {
  // Without O_DIRECT most of what is asked for is in memory, and would be copied from there on the one thread that serves all.
  const ring = spec.engine === 'threads' || !direct ? null : RingTransfers.open(fd);
  if (ring !== null) return ring;
  if (spec.engine !== 'ring') return new ThreadTransfers(fd);
  const why = direct ? 'this system has no io_uring of Linux 5.19 or later, or does not allow it' : 'direct is false';
  throw new SluiceError('UNSUPPORTED', `engine must be threads for ${spec.path}: ${why}`, { field: 'engine' });
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

interface OpenHandle {
  readonly handle: FileHandle;
  readonly direct: boolean;
  /** Whether the file was not there before. */
  readonly made: boolean;
}

async function openHandle(spec: FileSpec): Promise<OpenHandle> {
  let made = false;
  try {
    let there = await statIfThere(spec.path);
    if (there === null && spec.create === true) {
      await createFile(spec.path, spec.sizeBytes!);
      made = true;
      there = await statIfThere(spec.path);
    }
    const block = there?.isBlockDevice() === true;
    const direct = spec.direct ?? block;
    const handle = block ? await openBlock(spec, there!.rdev, direct) : await openAt(spec.path, spec.readOnly, direct);
    return { handle, direct, made };
  } catch (error) {
    if (made) await rm(spec.path, { force: true });
    throw asDeviceError(error, spec.path);
  }
}

async function openAt(file: string, readOnly = false, direct = false, more = 0): Promise<FileHandle> {
  const flags = (readOnly ? constants.O_RDONLY : constants.O_RDWR) | more;
  if (!direct) return open(file, flags);
  const withDirect = flags | directFlag(file);
  try {
    return await open(file, withDirect);
  } catch (error) {
    throw asDirectError(error, file);
  }
}

/** For writing with O_EXCL: the kernel then keeps out mounts, and other programs that ask the same (open(2)). */
async function openBlock(spec: FileSpec, rdev: number, direct: boolean): Promise<FileHandle> {
  if (spec.readOnly === true || (await describeBlockSpecial(rdev)).readOnly) return openAt(spec.path, true, direct);
  try {
    return await openAt(spec.path, false, direct, constants.O_EXCL);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    // Where it is another scheduler, the lock says which.
    const lock = await FileLock.take(blockLockPath(rdev), spec.path);
    await lock.release();
    const why = 'it is mounted, or another program holds it';
    throw new SluiceError('DEVICE_IO', `${spec.path} is busy: ${why} (${(error as Error).message})`, {
      field: 'path',
      cause: error,
    });
  }
}

async function createFile(file: string, sizeBytes: number): Promise<void> {
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await handle.truncate(sizeBytes);
    await handle.sync();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function statIfThere(file: string): Promise<Stats | null> {
  try {
    return await stat(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function blockLockPath(rdev: number): string {
  return path.join(os.tmpdir(), `sluice-block-${String(rdev)}.lock`);
}

async function identify(spec: FileSpec, handle: FileHandle, direct: boolean): Promise<Found> {
  const stats = await handle.stat();
  if (stats.isBlockDevice()) {
    const special = await describeBlockSpecial(stats.rdev);
    if (spec.uuid !== undefined && special.uuid !== spec.uuid) {
      throw invalid('uuid', `that of ${spec.path} (${show(special.uuid ?? 'none')})`, spec.uuid);
    }
    return {
      sizeBytes: special.sizeBytes,
      blockBytes: spec.blockBytes ?? special.logicalBlockBytes,
      readOnly: spec.readOnly === true || special.readOnly,
      lockPath: blockLockPath(stats.rdev),
      directBlockBytes: special.logicalBlockBytes,
    };
  }
  if (!stats.isFile()) throw invalid('path', 'a regular file or a block device', spec.path);
  if (spec.uuid !== undefined) {
    const message = `uuid is checked on block devices only, and ${spec.path} is a regular file`;
    throw new SluiceError('UNSUPPORTED', message, { field: 'uuid' });
  }
  const directBlockBytes = direct ? await directBlockBytesOf(stats.dev) : BLOCK_BYTES_MIN;
  return {
    sizeBytes: stats.size,
    blockBytes: spec.blockBytes ?? directBlockBytes,
    readOnly: spec.readOnly === true,
    lockPath: `${await realpath(spec.path)}.sluice-lock`,
    directBlockBytes,
  };
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
