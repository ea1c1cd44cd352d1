import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Code } from '../../../src/core/model/errors.js';
import type { DeviceIo } from '../../../src/core/model/request.js';
import type { BlockDevice } from '../../../src/core/ports.js';
import { RingTransfers } from '../../../src/devices/file/ring-transfers.js';

export interface Performed {
  readonly code: Code;
  readonly message: string;
  readonly io: DeviceIo;
}

/** Submits one; resolves when it has ended. */
export function perform(device: BlockDevice, io: DeviceIo): Promise<Performed> {
  return new Promise((resolve) => device.submit(io, (_io, code, message) => resolve({ code, message, io })));
}

/** Whether files for tests lie in a file system that takes O_DIRECT. */
export const takesDirect = ((): boolean => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-takes-'));
  try {
    closeSync(openSync(path.join(folder, 'file'), constants.O_RDWR | constants.O_CREAT | constants.O_DIRECT));
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
})();

/** Whether this system has an io_uring that the file device can use. */
export const takesRing = ((): boolean => {
  const ring = takesDirect ? RingTransfers.open(0) : null;
  ring?.close();
  return ring !== null;
})();
