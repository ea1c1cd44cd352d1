/**
 * `grpc-status-details-bin`: google.rpc.Status with ErrorInfo (the code of this service as reason),
 * BadRequest and RetryInfo. Source: google.aip.dev/193.
 */
import protoLoader from '@grpc/proto-loader';
import { CODES, type ErrorCode } from '../core/model/errors.js';
import { MS_PER_S, NS_PER_MS } from '../core/model/units.js';
import { LOADER_OPTIONS } from './proto.js';

/** The trailing metadata that carries the details. */
export const DETAILS_KEY = 'grpc-status-details-bin';
/** The domain of ErrorInfo, by which a reason is known to be one of ours. */
export const ERROR_DOMAIN = 'sluice-io';

/** A failure as the details tell it. */
export interface StatusDetails {
  readonly code: ErrorCode;
  readonly message: string;
  /** The field at fault, where one was. */
  readonly field?: string | undefined;
  /** When another try may succeed, where one may. */
  readonly retryAfterMs?: number | undefined;
}

interface Any {
  readonly type_url: string;
  readonly value: Uint8Array;
}

type MessageName = 'Status' | 'ErrorInfo' | 'RetryInfo' | 'BadRequest';

let loaded: protoLoader.PackageDefinition | undefined;

function definition(name: MessageName): protoLoader.MessageTypeDefinition<object, object> {
  loaded ??= protoLoader.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto'], LOADER_OPTIONS);
  return loaded[`google.rpc.${name}`] as protoLoader.MessageTypeDefinition<object, object>;
}

const TYPE_PREFIX = 'type.googleapis.com/google.rpc.';

function packed(name: MessageName, value: object): Any {
  return { type_url: TYPE_PREFIX + name, value: definition(name).serialize(value) };
}

/** @param status the gRPC status that the call ends with */
export function encodeStatusDetails(status: number, details: StatusDetails): Buffer {
  const { code, message, field, retryAfterMs } = details;
  const parts = [packed('ErrorInfo', { reason: code, domain: ERROR_DOMAIN })];
  if (field !== undefined) parts.push(packed('BadRequest', { fieldViolations: [{ field, description: message }] }));
  if (retryAfterMs !== undefined) {
    const seconds = Math.floor(retryAfterMs / MS_PER_S);
    const nanos = Math.round((retryAfterMs % MS_PER_S) * NS_PER_MS);
    parts.push(packed('RetryInfo', { retryDelay: { seconds, nanos } }));
  }
  return definition('Status').serialize({ code: status, message, details: parts });
}

/** What the details say; null where they are not of this service. */
export function decodeStatusDetails(bytes: Buffer): StatusDetails | null {
  const status = definition('Status').deserialize(bytes) as { message: string; details: Any[] };
  const part = (name: MessageName): object | undefined => {
    const any = status.details.find((detail) => detail.type_url === TYPE_PREFIX + name);
    return any === undefined ? undefined : definition(name).deserialize(Buffer.from(any.value));
  };
  const info = part('ErrorInfo') as { reason: string; domain: string } | undefined;
  if (info?.domain !== ERROR_DOMAIN || !(info.reason in CODES) || info.reason === 'OK') return null;
  const request = part('BadRequest') as { fieldViolations: { field: string }[] } | undefined;
  const retry = (part('RetryInfo') as { retryDelay: { seconds: number; nanos: number } | null } | undefined)
    ?.retryDelay;
  return {
    code: info.reason as ErrorCode,
    message: status.message,
    field: request?.fieldViolations[0]?.field,
    retryAfterMs: retry ? retry.seconds * MS_PER_S + retry.nanos / NS_PER_MS : undefined,
  };
}
