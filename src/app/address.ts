/** `HOST:PORT` to listen at. */
import { isIP } from 'node:net';
import { invalid } from '../core/model/errors.js';

export interface Address {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Only this machine reaches it. */
  readonly loopback: boolean;
}

/**
 * Reads `127.0.0.1:50051`, `localhost:0`, `[::1]:8080`.
 * @throws SluiceError INVALID_ARGUMENT
 */
export function parseAddress(text: string, field: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) throw invalid(field, 'HOST:PORT with a port 0..65535', text);
  return { host, port, loopback: isLoopback(host) };
}

/** The form that parseAddress reads. */
export function formatAddress(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
