/**
 * What an IoRequest or Open must be, whatever the device: checked after decoding, since loaders of the other
 * side coerce silently (-1 becomes 4294967295, "abc" becomes 0).
 */
import { show, type ErrorCode } from '../../core/model/errors.js';
import { OPS, OP_NAMES, isOp, type Op } from '../../core/model/request.js';
import { TAG_ALLOWED, isTag, isWithin } from '../../core/model/tag.js';
import type { ServedDevice, ServedDevices } from '../../core/ports.js';
import type { IoRequest__Output } from '../../wire/gen/sluice/v1/IoRequest.js';
import type { Open__Output } from '../../wire/gen/sluice/v1/Open.js';
import type { IoLimits } from './limits.js';

/** Why a request is not taken. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  /** The field at fault. */
  readonly field: string;
}

/** A refusal in the house form. */
export function refuse(code: ErrorCode, field: string, allowed: string, got: unknown): Refusal {
  return { code, message: `${field} must be ${allowed}, got ${show(got)}`, field };
}

const ALLOWED_OPS = Object.values(OP_NAMES).join(', ');
const ALLOWED_INTEGER = `an integer 0..${String(Number.MAX_SAFE_INTEGER)}`;

/** Whether the operation moves `length` bytes between client and server. */
export function movesData(op: number): boolean {
  return op === OPS.READ || op === OPS.WRITE;
}

/** Whether doing it twice, or late, can change what somebody reads. */
export function changesDevice(op: Op): boolean {
  return op === OPS.WRITE || op === OPS.TRIM || op === OPS.WRITE_ZEROES;
}

/** @returns null where the request may go on to the device. @param leased its client does the I/O: it brings no data */
export function checkRequest(request: IoRequest__Output, maxIoBytes: number, leased = false): Refusal | null {
  const { id, op, offset, length, data } = request;
  if (!Number.isSafeInteger(id)) return refuse('INVALID_ARGUMENT', 'request.id', ALLOWED_INTEGER, id);
  if (!isOp(op)) return refuse('INVALID_ARGUMENT', 'request.op', `one of ${ALLOWED_OPS}`, op);
  if (!Number.isSafeInteger(offset)) return refuse('INVALID_ARGUMENT', 'request.offset', ALLOWED_INTEGER, offset);
  if (!Number.isSafeInteger(length)) return refuse('INVALID_ARGUMENT', 'request.length', ALLOWED_INTEGER, length);
  if (op === OPS.FLUSH) {
    if (offset !== 0) return refuse('INVALID_ARGUMENT', 'request.offset', '0 for FLUSH', offset);
    if (length !== 0) return refuse('INVALID_ARGUMENT', 'request.length', '0 for FLUSH', length);
  } else if (length === 0) {
    return refuse('INVALID_ARGUMENT', 'request.length', `above 0 for ${OP_NAMES[op]}`, length);
  }
  if (length > maxIoBytes && movesData(op)) {
    return refuse('TOO_LARGE', 'request.length', `at most max_io_bytes (${String(maxIoBytes)})`, length);
  }
  const carries = op === OPS.WRITE && !leased;
  if (carries ? data.length !== length : data.length !== 0) {
    const allowed = carries
      ? `as long as request.length (${String(length)} bytes)`
      : `empty for ${OP_NAMES[op]}${leased ? ' of a lease device' : ''}`;
    return refuse('INVALID_ARGUMENT', 'request.data', allowed, data.length);
  }
  return null;
}

/** The tag that a request goes by: its own, where it has one that lies within its handle's. */
export function effectiveTag(own: string, handleTag: string): string | Refusal {
  if (own === '' || own === handleTag) return handleTag;
  if (!isTag(own)) return refuse('INVALID_ARGUMENT', 'request.tag', TAG_ALLOWED, own);
  if (isWithin(own, handleTag)) return own;
  return refuse('PERMISSION_DENIED', 'request.tag', `the handle's tag (${handleTag}) or below it`, own);
}

/** The device that a handle is to be opened on, or why it is not. */
export function checkOpen(
  open: Open__Output,
  handles: ReadonlyMap<number, unknown>,
  limits: IoLimits,
  devices: ServedDevices,
  leaving: boolean,
): ServedDevice | Refusal {
  const { handle, device: name, tag } = open;
  if (handle === 0) return refuse('INVALID_ARGUMENT', 'open.handle', '1 or more', handle);
  if (handles.has(handle)) return refuse('INVALID_ARGUMENT', 'open.handle', 'one that is not open yet', handle);
  if (handles.size >= limits.maxHandles) {
    const allowed = `one of at most max_handles (${String(limits.maxHandles)}) open on a stream`;
    return refuse('QUEUE_FULL', 'open.handle', allowed, `${String(handle)} as one more`);
  }
  if (!isTag(tag)) return refuse('INVALID_ARGUMENT', 'open.tag', TAG_ALLOWED, tag);
  if (leaving)
    return { code: 'DRAINING', message: 'this host is draining and opens nothing new', field: 'open.handle' };
  const device = devices.get(name);
  if (device === undefined) return refuse('NOT_FOUND', 'open.device', 'a device of this host', name);
  const refusal = device.refusal(tag);
  return refusal === null ? device : { ...refusal, field: 'open' };
}

export function isRefusal(value: Refusal | ServedDevice | string): value is Refusal {
  return typeof value === 'object' && 'code' in value;
}
