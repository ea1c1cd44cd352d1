/** Errors as problem details (RFC 9457), with the code of the one error type. */
import { STATUS_CODES } from 'node:http';
import type { Response } from 'express';
import { SluiceError, type ErrorCode } from '../../core/model/errors.js';

export const PROBLEM_TYPE = 'application/problem+json';

export const STATUS: Record<ErrorCode, number> = {
  INVALID_ARGUMENT: 400,
  UNSUPPORTED: 501,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ETAG_MISMATCH: 412,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  OUT_OF_RANGE: 400,
  TOO_LARGE: 413,
  READ_ONLY: 409,
  NO_SPACE: 507,
  CREDIT_EXCEEDED: 429,
  QUEUE_FULL: 429,
  OVERCOMMITTED: 409,
  DEADLINE_EXCEEDED: 504,
  CANCELLED: 499,
  DRAINING: 503,
  STORE_UNAVAILABLE: 503,
  DEVICE_IO: 502,
  OUTCOME_UNKNOWN: 502,
  INTERNAL: 500,
};

const CLIENT_CLOSED_REQUEST = 499;

/** @param status where HTTP has a finer word than the code's own status, as 405 */
export function sendProblem(res: Response, error: SluiceError, status = STATUS[error.code]): void {
  if (error.retryAfterMs !== undefined) res.setHeader('Retry-After', String(Math.ceil(error.retryAfterMs / 1_000)));
  const field = error.field === undefined ? undefined : jsonName(error.field);
  const problem = {
    type: 'about:blank',
    title: status === CLIENT_CLOSED_REQUEST ? 'Client Closed Request' : (STATUS_CODES[status] ?? error.code),
    status,
    detail: field === undefined ? error.message : error.message.replace(error.field!, field),
    code: error.code,
    ...(field !== undefined && { field }),
  };
  res.status(status).setHeader('Content-Type', PROBLEM_TYPE);
  res.end(`${JSON.stringify(problem)}\n`);
}

/** The use cases name fields as the proto does; here they are called as in its JSON. */
function jsonName(field: string): string {
  return field.replace(/^policy\./, '').replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}

/** What express and its body parser throw, as the one error type; null where it is none of theirs. */
export function fromExpress(error: unknown): SluiceError | null {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return null;
  const type = 'type' in error ? error.type : undefined;
  if (type === 'entity.too.large' && 'limit' in error) {
    return new SluiceError('TOO_LARGE', `the body must be at most ${String(error.limit)} bytes`, { field: 'body' });
  }
  if (type === 'entity.parse.failed') {
    return new SluiceError('INVALID_ARGUMENT', `the body must be JSON: ${error.message}`, { field: 'body' });
  }
  return error.status < 500 ? new SluiceError('INVALID_ARGUMENT', `malformed request: ${error.message}`) : null;
}
