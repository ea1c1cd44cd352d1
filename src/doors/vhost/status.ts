/** The one map from this service's codes to the answers of a virtio disk, which knows three. */
import type { ErrorCode } from '../../core/model/errors.js';
import { BLK_STATUS, type BlkStatus } from '../../wire/vhost/blk.js';

const { IOERR, UNSUPP } = BLK_STATUS;

export const TO_STATUS = {
  INVALID_ARGUMENT: IOERR,
  UNSUPPORTED: UNSUPP,
  NOT_FOUND: IOERR,
  ALREADY_EXISTS: IOERR,
  ETAG_MISMATCH: IOERR,
  UNAUTHENTICATED: IOERR,
  PERMISSION_DENIED: IOERR,
  OUT_OF_RANGE: IOERR,
  TOO_LARGE: IOERR,
  READ_ONLY: IOERR,
  NO_SPACE: IOERR,
  CREDIT_EXCEEDED: IOERR,
  // The door waits and tries again; no guest sees it.
  QUEUE_FULL: IOERR,
  OVERCOMMITTED: IOERR,
  DEADLINE_EXCEEDED: IOERR,
  CANCELLED: IOERR,
  DRAINING: IOERR,
  STORE_UNAVAILABLE: IOERR,
  DEVICE_IO: IOERR,
  OUTCOME_UNKNOWN: IOERR,
  INTERNAL: IOERR,
} as const satisfies Record<ErrorCode, BlkStatus>;
