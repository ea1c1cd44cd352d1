/** What Linux tells of a block device (`Documentation/ABI/stable/sysfs-block`): fstat gives no size of one. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { SluiceError } from '../../core/model/errors.js';

export interface BlockSpecial {
  readonly sizeBytes: number;
  readonly logicalBlockBytes: number;
  readonly readOnly: boolean;
  /** Its WWID or device-mapper UUID; null where it has neither. */
  readonly uuid: string | null;
}

/** sysfs counts in these whatever the device's blocks are. */
const SYSFS_SECTOR_BYTES = 512;

/**
 * @param rdev the device number that stat gives
 * @throws SluiceError DEVICE_IO where sysfs does not know it
 */
export async function describeBlockSpecial(rdev: number, sysfs = '/sys'): Promise<BlockSpecial> {
  const folder = folderOf(rdev, sysfs);
  const size = Number(await attribute(folder, ['size']));
  if (!Number.isSafeInteger(size) || size <= 0) {
    throw new SluiceError('DEVICE_IO', `${folder}/size does not tell the size of the block device`);
  }
  return {
    sizeBytes: size * SYSFS_SECTOR_BYTES,
    logicalBlockBytes: (await logicalBlockBytesOf(rdev, sysfs)) ?? SYSFS_SECTOR_BYTES,
    readOnly: (await attribute(folder, ['ro'])) === '1',
    uuid: (await attribute(folder, ['wwid', 'device/wwid', 'dm/uuid'])) ?? null,
  };
}

/** The logical blocks of the block device with that number; null where sysfs knows none such. */
export async function logicalBlockBytesOf(dev: number, sysfs = '/sys'): Promise<number | null> {
  // A partition's queue is that of its disk.
  const names = ['queue/logical_block_size', '../queue/logical_block_size'];
  const text = await attribute(folderOf(dev, sysfs), names);
  return text === undefined ? null : Number(text);
}

function folderOf(dev: number, sysfs: string): string {
  return path.join(sysfs, 'dev/block', `${String(major(dev))}:${String(minor(dev))}`);
}

async function attribute(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    try {
      const text = (await readFile(path.join(folder, name), 'utf8')).trim();
      if (text !== '') return text;
    } catch {
      // The next name, if any: which of them exist depends on the driver.
    }
  }
  return undefined;
}

// The kernel's encoding of device numbers in user space (new_encode_dev, glibc's sys/sysmacros.h);
// the numbers may pass 32 bits, so no shifts.
function major(rdev: number): number {
  return (Math.floor(rdev / 2 ** 8) & 0xfff) + Math.floor(rdev / 2 ** 44) * 2 ** 12;
}

function minor(rdev: number): number {
  return (rdev & 0xff) + (Math.floor(rdev / 2 ** 20) & 0xffffff) * 2 ** 8;
}
