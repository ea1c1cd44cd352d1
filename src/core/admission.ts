/** What a request must be to be queued: checks that need the device, and the bounds of its queues. */
import type { ErrorCode } from './model/errors.js';
import { OPS, OP_NAMES } from './model/request.js';
import type { DeviceSettings } from './model/device.js';
import { GIB } from './model/units.js';
import type { BlockDevice } from './ports.js';
import type { Flow } from './flow.js';
import type { PendingIo } from './pending-io.js';

/** Most that waits in all flows of one device on one host, whatever each flow may hold. */
export const DEVICE_QUEUED_REQUESTS_MAX = 1_048_576;
export const DEVICE_QUEUED_BYTES_MAX = 2 * GIB;

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Whether the device can do what the request asks; the refusal, or null. */
export function checkAgainstDevice(io: PendingIo, device: BlockDevice): Refusal | null {
  const { op, offset, lengthBytes } = io;
  if (op !== OPS.READ && op !== OPS.FLUSH && device.readOnly) {
    return { code: 'READ_ONLY', message: `op ${OP_NAMES[op]} must not change a read-only device` };
  }
  if (op === OPS.FLUSH) return null;
  // Alignment first: an unaligned offset past the end is more likely a wrong unit than a wrong place.
  // `&` takes the low 32 bits of a whole number of any size, where `%` of what has more divides step by step.
  const mask = device.blockBytes - 1;
  if ((offset & mask) !== 0) {
    return invalidMultiple('offset', device.blockBytes, offset);
  }
  if ((lengthBytes & mask) !== 0 || lengthBytes === 0) {
    return invalidMultiple('length', device.blockBytes, lengthBytes);
  }
  if (offset + lengthBytes > device.sizeBytes) {
    return {
      code: 'OUT_OF_RANGE',
      message: `offset + length must be at most ${String(device.sizeBytes)}, got ${String(offset)} + ${String(lengthBytes)}`,
    };
  }
  return null;
}

function invalidMultiple(field: string, blockBytes: number, got: number): Refusal {
  return {
    code: 'INVALID_ARGUMENT',
    message: `${field} must be a multiple of ${String(blockBytes)}${field === 'length' ? ' and above 0' : ''}, got ${String(got)}`,
  };
}

/** What a request holds of its flow's byte bound: the data it carries or brings back. */
export function queuedBytes(io: PendingIo): number {
  return io.op === OPS.READ || io.op === OPS.WRITE ? io.lengthBytes : 0;
}

/** Whether the bounds leave room for one more; the refusal, or null. */
export function checkBounds(
  flow: Flow,
  bytes: number,
  deviceQueuedRequests: number,
  deviceQueuedBytes: number,
  settings: DeviceSettings,
): Refusal | null {
  if (flow.backlog >= settings.maxQueuedRequests) {
    return full(`tag ${flow.tag} has max_queued_requests (${String(settings.maxQueuedRequests)}) waiting`);
  }
  if (flow.backlogBytes + bytes > settings.maxQueuedBytes) {
    return full(`tag ${flow.tag} would have more than max_queued_bytes (${String(settings.maxQueuedBytes)}) waiting`);
  }
  if (deviceQueuedRequests >= DEVICE_QUEUED_REQUESTS_MAX) {
    return full(`the device has ${String(DEVICE_QUEUED_REQUESTS_MAX)} requests waiting on this host`);
  }
  if (deviceQueuedBytes + bytes > DEVICE_QUEUED_BYTES_MAX) {
    return full(`the device would have more than ${String(DEVICE_QUEUED_BYTES_MAX)} bytes waiting on this host`);
  }
  return null;
}

function full(message: string): Refusal {
  return { code: 'QUEUE_FULL', message };
}
