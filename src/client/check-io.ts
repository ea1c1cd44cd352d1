/** What a request must be before it is encoded: the loaders of the wire coerce silently (-1 becomes 4294967295). */
import { SluiceError, invalid } from '../core/model/errors.js';
import { OPS, OP_NAMES, isOp, type Op } from '../core/model/request.js';
import { checkTag, isWithin } from '../core/model/tag.js';
import { NS_PER_MS, NS_PER_US } from '../core/model/units.js';

const US_PER_MS = NS_PER_MS / NS_PER_US;
/** Of the wire's uint32 in microseconds: 71 minutes. */
export const QUEUE_TIMEOUT_MS_MAX = Math.floor((2 ** 32 - 1) / US_PER_MS);

/** What is known of a device when a request for it is checked. */
export interface Geometry {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
}

function multiple(field: string, value: number, min: number, blockBytes: number): void {
  if (!Number.isSafeInteger(value) || value < min || value % blockBytes !== 0) {
    const above = min > 0 ? ' and above 0' : '';
    throw invalid(field, `a multiple of block_bytes (${String(blockBytes)})${above}`, value);
  }
}

/** @throws SluiceError INVALID_ARGUMENT, OUT_OF_RANGE, READ_ONLY */
export function checkRange(device: Geometry, op: Op, offset: number, length: number): void {
  if (!isOp(op)) throw invalid('op', `one of ${Object.values(OP_NAMES).join(', ')}`, op);
  if (op === OPS.FLUSH) {
    if (offset !== 0) throw invalid('offset', '0 for FLUSH', offset);
    if (length !== 0) throw invalid('length', '0 for FLUSH', length);
  } else {
    multiple('offset', offset, 0, device.blockBytes);
    multiple('length', length, 1, device.blockBytes);
    if (offset + length > device.sizeBytes) {
      const got = `${String(offset)} + ${String(length)}`;
      throw new SluiceError(
        'OUT_OF_RANGE',
        `offset + length must be at most the device's ${String(device.sizeBytes)} bytes, got ${got}`,
        { field: 'offset' },
      );
    }
    if (op !== OPS.READ && device.readOnly) {
      throw new SluiceError('READ_ONLY', `op ${OP_NAMES[op]} must not change a read-only device`, { field: 'op' });
    }
  }
}

/** @throws SluiceError INVALID_ARGUMENT, OUT_OF_RANGE, READ_ONLY */
export function checkIo(device: Geometry, op: Op, offset: number, length: number, data: Uint8Array | null): void {
  checkRange(device, op, offset, length);
  if (op === OPS.WRITE) {
    if (!(data instanceof Uint8Array)) throw invalid('data', 'a Buffer or Uint8Array', data);
    if (data.length !== length)
      throw invalid('data', `length (${String(length)}) bytes`, `${String(data.length)} bytes`);
  } else if (data !== null) {
    throw invalid('data', `absent for ${OP_NAMES[op]}`, `${String(data.length)} bytes`);
  }
}

/** The tag as it goes on the wire: '' where it is the handle's own. @throws SluiceError INVALID_ARGUMENT, PERMISSION_DENIED */
export function checkOverride(tag: string | undefined, handleTag: string): string {
  if (tag === undefined || tag === handleTag) return '';
  checkTag(tag);
  if (!isWithin(tag, handleTag)) {
    throw invalid('tag', `the handle's tag (${handleTag}) or below it`, tag);
  }
  return tag;
}

/** Microseconds for the wire; 0 = no bound. @throws SluiceError INVALID_ARGUMENT */
export function queueTimeoutUs(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined) return 0;
  if (!(timeoutMs > 0 && timeoutMs <= QUEUE_TIMEOUT_MS_MAX)) {
    throw invalid('timeoutMs', `above 0 and at most ${String(QUEUE_TIMEOUT_MS_MAX)}`, timeoutMs);
  }
  return Math.max(1, Math.round(timeoutMs * US_PER_MS));
}
