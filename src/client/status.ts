/** A gRPC status as a SluiceError: by its details where it carries them, else by its number. */
import { Metadata, status, type StatusObject } from '@grpc/grpc-js';
import { SluiceError, type ErrorCode } from '../core/model/errors.js';
import { DETAILS_KEY, decodeStatusDetails, type StatusDetails } from '../wire/status-details.js';

/** For statuses that gRPC itself, a proxy or another server gives. Several codes share a number: the least surprising stands here. */
const BY_NUMBER: Partial<Record<status, ErrorCode>> = {
  [status.INVALID_ARGUMENT]: 'INVALID_ARGUMENT',
  [status.UNIMPLEMENTED]: 'UNSUPPORTED',
  [status.NOT_FOUND]: 'NOT_FOUND',
  [status.ALREADY_EXISTS]: 'ALREADY_EXISTS',
  [status.ABORTED]: 'ETAG_MISMATCH',
  [status.UNAUTHENTICATED]: 'UNAUTHENTICATED',
  [status.PERMISSION_DENIED]: 'PERMISSION_DENIED',
  [status.OUT_OF_RANGE]: 'OUT_OF_RANGE',
  [status.RESOURCE_EXHAUSTED]: 'QUEUE_FULL',
  [status.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [status.CANCELLED]: 'CANCELLED',
  [status.UNAVAILABLE]: 'STORE_UNAVAILABLE',
  [status.DATA_LOSS]: 'DEVICE_IO',
  [status.UNKNOWN]: 'OUTCOME_UNKNOWN',
};

/** What of a status is looked at: a StatusObject, or the error of a call. */
export type StatusLike = Pick<StatusObject, 'code' | 'details'> & { readonly metadata?: Metadata | undefined };

function detailsOf(ended: StatusLike): StatusDetails | null {
  const bytes = ended.metadata?.get(DETAILS_KEY)[0];
  if (!(bytes instanceof Buffer)) return null;
  try {
    return decodeStatusDetails(bytes);
  } catch {
    // Not a google.rpc.Status: the number still tells.
    return null;
  }
}

/** Statuses that, when gRPC itself gives them, leave open whether the host had begun. */
const UNCERTAIN: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.INTERNAL,
  status.UNKNOWN,
]);

/**
 * @param address named in the message where the status came from below the service
 * @param mayHaveRun whether the call does what must not be done twice
 */
export function errorFromStatus(ended: StatusLike, address: string, mayHaveRun = false): SluiceError {
  const details = detailsOf(ended);
  if (details !== null) {
    return new SluiceError(details.code, details.message, {
      ...(details.field !== undefined && { field: details.field }),
      ...(details.retryAfterMs !== undefined && { retryAfterMs: details.retryAfterMs }),
    });
  }
  const text = ended.details === '' ? `the call ended with status ${status[ended.code]}` : ended.details;
  const code = mayHaveRun && UNCERTAIN.has(ended.code) ? 'OUTCOME_UNKNOWN' : (BY_NUMBER[ended.code] ?? 'INTERNAL');
  return new SluiceError(code, `${address}: ${text}`);
}
