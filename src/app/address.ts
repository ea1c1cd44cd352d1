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

/** HOST:PORT, or `unix:` and the path of a socket, which only this machine reaches. */
export type SocketAddress = Address | { readonly path: string };

/** Longest path of a Unix socket that the system takes. */
const SOCKET_PATH_MAX = 107;

/**
 * Reads what parseAddress reads, and `unix:/run/sluice.nbd`.
 * @throws SluiceError INVALID_ARGUMENT
 */
export function parseSocketAddress(text: string, field: string): SocketAddress {
  if (!text.startsWith('unix:')) return parseAddress(text, field);
  const path = text.slice('unix:'.length);
  if (!path.startsWith('/') || Buffer.byteLength(path) > SOCKET_PATH_MAX) {
    throw invalid(field, `unix: and an absolute path of at most ${String(SOCKET_PATH_MAX)} bytes`, text);
  }
  return { path };
}

/** The address that clients connect to, once it is listened at. */
export function formatSocketAddress(address: SocketAddress, port: number): string {
  return 'path' in address ? `unix:${address.path}` : formatAddress(address.host, port);
}
