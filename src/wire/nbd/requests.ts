/** A request of the transmission phase: 28 bytes, and for WRITE the payload after them. */
import { COMMANDS, PAYLOAD_BYTES_MAX, REQUEST_MAGIC, NbdProtocolError } from './protocol.js';

export const REQUEST_BYTES = 28;

/** Names one request of a connection; what it is is its client's own. */
export interface Cookie {
  readonly cookieHigh: number;
  readonly cookieLow: number;
}

export interface NbdRequest extends Cookie {
  readonly flags: number;
  /** One of COMMANDS, or a number that is none. */
  readonly command: number;
  /** In bytes; exact up to 2^53, which no device reaches. */
  readonly offset: number;
  readonly lengthBytes: number;
  /** WRITE: the payload, in order, in pieces; null where it was too long and has been dropped. Empty otherwise. */
  readonly payload: readonly Buffer[] | null;
}

/** The header of a request; its payload is sent after it. */
export function encodeRequest(request: Omit<NbdRequest, 'payload'>): Buffer {
  const bytes = Buffer.allocUnsafe(REQUEST_BYTES);
  bytes.writeUInt32BE(REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(request.flags, 4);
  bytes.writeUInt16BE(request.command, 6);
  bytes.writeUInt32BE(request.cookieHigh, 8);
  bytes.writeUInt32BE(request.cookieLow, 12);
  bytes.writeUInt32BE(Math.floor(request.offset / 2 ** 32), 16);
  bytes.writeUInt32BE(request.offset % 2 ** 32, 20);
  bytes.writeUInt32BE(request.lengthBytes, 24);
  return bytes;
}

/** Of all requests that have none. */
const NO_PAYLOAD: readonly Buffer[] = Object.freeze([]);

/**
 * The header that begins at `at`; the payload of a WRITE is still to come.
 * @throws NbdProtocolError where it does not begin as a request does
 */
export function decodeRequest(header: Buffer, at: number): NbdRequest {
  const magic = header.readUInt32BE(at);
  if (magic !== REQUEST_MAGIC) throw new NbdProtocolError(`a request must begin with its magic, got ${hex(magic)}`);
  const command = header.readUInt16BE(at + 6);
  const lengthBytes = header.readUInt32BE(at + 24);
  return {
    flags: header.readUInt16BE(at + 4),
    command,
    cookieHigh: header.readUInt32BE(at + 8),
    cookieLow: header.readUInt32BE(at + 12),
    offset: header.readUInt32BE(at + 16) * 2 ** 32 + header.readUInt32BE(at + 20),
    lengthBytes,
    payload: command !== COMMANDS.WRITE ? NO_PAYLOAD : lengthBytes > PAYLOAD_BYTES_MAX ? null : [],
  };
}

export function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
