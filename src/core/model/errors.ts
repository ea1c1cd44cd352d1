/**
 * The one error type of the service and its closed list of codes. Each door owns one exhaustive
 * map from code to its protocol. The numbers are those of `sluice.v1.Code`.
 */
export const CODES = {
  OK: 0,
  INVALID_ARGUMENT: 1,
  UNSUPPORTED: 2,
  NOT_FOUND: 3,
  ALREADY_EXISTS: 4,
  ETAG_MISMATCH: 5,
  UNAUTHENTICATED: 6,
  PERMISSION_DENIED: 7,
  OUT_OF_RANGE: 8,
  TOO_LARGE: 9,
  READ_ONLY: 10,
  NO_SPACE: 11,
  CREDIT_EXCEEDED: 12,
  QUEUE_FULL: 13,
  OVERCOMMITTED: 14,
  DEADLINE_EXCEEDED: 15,
  CANCELLED: 16,
  DRAINING: 17,
  STORE_UNAVAILABLE: 18,
  DEVICE_IO: 19,
  OUTCOME_UNKNOWN: 20,
  INTERNAL: 21,
} as const;

/** How something ended, by name; `OK` is the one that is no error. */
export type Code = keyof typeof CODES;
/** A code that says what went wrong. */
export type ErrorCode = Exclude<Code, 'OK'>;

const NAMES = Object.keys(CODES) as Code[];

/** The name of a code's number; INTERNAL for a number outside the list. */
export function codeName(value: number): Code {
  return NAMES[value] ?? 'INTERNAL';
}

/** What a caller of a later try may expect: `no`, `later` here, or `elsewhere` at once. */
export type Retry = 'no' | 'later' | 'elsewhere' | 'yes' | 'caller';

export const RETRY: Record<ErrorCode, Retry> = {
  INVALID_ARGUMENT: 'no',
  UNSUPPORTED: 'no',
  NOT_FOUND: 'no',
  ALREADY_EXISTS: 'no',
  ETAG_MISMATCH: 'no',
  UNAUTHENTICATED: 'no',
  PERMISSION_DENIED: 'no',
  OUT_OF_RANGE: 'no',
  TOO_LARGE: 'no',
  READ_ONLY: 'no',
  NO_SPACE: 'no',
  CREDIT_EXCEEDED: 'later',
  QUEUE_FULL: 'later',
  OVERCOMMITTED: 'no',
  DEADLINE_EXCEEDED: 'yes',
  CANCELLED: 'yes',
  DRAINING: 'elsewhere',
  STORE_UNAVAILABLE: 'elsewhere',
  DEVICE_IO: 'no',
  OUTCOME_UNKNOWN: 'caller',
  INTERNAL: 'no',
};

/** Which input was wrong, where one was. */
export interface ErrorDetail {
  /** The field or configuration key at fault, dotted. */
  readonly field?: string;
  /** When a later try may succeed, where that is known. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** Everything that this project throws or rejects with. The message names what is wrong, which value, and what is allowed. */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'SluiceError';
    this.code = code;
    this.field = detail.field;
    this.retryAfterMs = detail.retryAfterMs;
  }

  /** `error` itself if it is one of ours, else INTERNAL around it. */
  static from(error: unknown): SluiceError {
    if (error instanceof SluiceError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new SluiceError('INTERNAL', message, { cause: error });
  }
}

/** INVALID_ARGUMENT in the house form: `FIELD must be ALLOWED, got VALUE`. */
export function invalid(field: string, allowed: string, got: unknown): SluiceError {
  return new SluiceError('INVALID_ARGUMENT', `${field} must be ${allowed}, got ${show(got)}`, { field });
}

const SHOWN_MAX = 80;

/** A value as an error message shows it: quoted where it is text, cut where it is long. */
export function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}… (${String(text.length)} characters)` : text;
}

/** What a request to a draining device is told. */
export function drainingMessage(device: string): string {
  return `device ${device} is draining and takes no new requests`;
}
