/** The one map from this service's codes to gRPC's, and an error as the status of a call. */
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { RETRY, SluiceError, type ErrorCode } from '../../core/model/errors.js';
import { DETAILS_KEY, encodeStatusDetails } from '../../wire/status-details.js';

export const GRPC_STATUS = {
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  UNSUPPORTED: status.UNIMPLEMENTED,
  NOT_FOUND: status.NOT_FOUND,
  ALREADY_EXISTS: status.ALREADY_EXISTS,
  ETAG_MISMATCH: status.ABORTED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  OUT_OF_RANGE: status.OUT_OF_RANGE,
  TOO_LARGE: status.INVALID_ARGUMENT,
  READ_ONLY: status.FAILED_PRECONDITION,
  NO_SPACE: status.RESOURCE_EXHAUSTED,
  CREDIT_EXCEEDED: status.RESOURCE_EXHAUSTED,
  QUEUE_FULL: status.RESOURCE_EXHAUSTED,
  OVERCOMMITTED: status.FAILED_PRECONDITION,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  CANCELLED: status.CANCELLED,
  DRAINING: status.UNAVAILABLE,
  STORE_UNAVAILABLE: status.UNAVAILABLE,
  DEVICE_IO: status.DATA_LOSS,
  OUTCOME_UNKNOWN: status.UNKNOWN,
  INTERNAL: status.INTERNAL,
} as const satisfies Record<ErrorCode, status>;

/** When to come back where the error does not say. */
const RETRY_AFTER_MS_DEFAULT = 100;

/** The error as grpc-js takes it for the end of a call: status, message and details. */
export function toServiceError(error: unknown): ServiceError {
  const cause = SluiceError.from(error);
  const code = GRPC_STATUS[cause.code];
  const retryAfterMs = cause.retryAfterMs ?? (RETRY[cause.code] === 'later' ? RETRY_AFTER_MS_DEFAULT : undefined);
  const metadata = new Metadata();
  metadata.set(
    DETAILS_KEY,
    encodeStatusDetails(code, { code: cause.code, message: cause.message, field: cause.field, retryAfterMs }),
  );
  return Object.assign(new Error(cause.message), { code, details: cause.message, metadata });
}
