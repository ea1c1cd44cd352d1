/** The one map from this service's codes to the errors of NBD, whose list is closed. */
import type { ErrorCode } from '../../core/model/errors.js';
import { NBD_ERRNO, OPTION_REPLIES, type NbdErrno, type OptionReplyType } from '../../wire/nbd/protocol.js';

const { EPERM, EIO, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP, ESHUTDOWN } = NBD_ERRNO;

export const TO_NBD = {
  INVALID_ARGUMENT: EINVAL,
  UNSUPPORTED: ENOTSUP,
  // NBD has no ENOENT, EEXIST, EAGAIN or ETIMEDOUT, and a guest takes an error that it does not know for EINVAL.
  NOT_FOUND: EINVAL,
  ALREADY_EXISTS: EINVAL,
  ETAG_MISMATCH: EINVAL,
  UNAUTHENTICATED: EPERM,
  PERMISSION_DENIED: EPERM,
  OUT_OF_RANGE: EINVAL,
  TOO_LARGE: EOVERFLOW,
  READ_ONLY: EPERM,
  NO_SPACE: ENOSPC,
  CREDIT_EXCEEDED: ENOMEM,
  // The door waits and tries again; ENOMEM is for a queue that stays full.
  QUEUE_FULL: ENOMEM,
  OVERCOMMITTED: EINVAL,
  DEADLINE_EXCEEDED: EIO,
  CANCELLED: ESHUTDOWN,
  DRAINING: ESHUTDOWN,
  STORE_UNAVAILABLE: ESHUTDOWN,
  DEVICE_IO: EIO,
  OUTCOME_UNKNOWN: EIO,
  INTERNAL: EIO,
} as const satisfies Record<ErrorCode, NbdErrno>;

/** How the refusal of an export is said before transmission. */
export function toOptionReply(code: ErrorCode): OptionReplyType {
  switch (TO_NBD[code]) {
    case ESHUTDOWN:
      return OPTION_REPLIES.ERR_SHUTDOWN;
    case EPERM:
      return OPTION_REPLIES.ERR_POLICY;
    case EIO:
    case ENOMEM:
    case EINVAL:
    case ENOSPC:
    case EOVERFLOW:
    case ENOTSUP:
      return OPTION_REPLIES.ERR_UNKNOWN;
  }
}
