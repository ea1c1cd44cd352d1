/** Where an NBD export is: the URI form that libnbd, QEMU and nbdkit share (doc/uri.md of the NBD project). */
import { invalid } from '../../core/model/errors.js';
import { STRING_BYTES_MAX } from '../../wire/nbd/protocol.js';

export interface NbdTarget {
  /** As it was given, for messages. */
  readonly uri: string;
  readonly at: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly tls: boolean;
  /** '' = the server's default export. */
  readonly exportName: string;
}

const ALLOWED = 'nbd://HOST[:PORT]/EXPORT, nbds://… or nbd+unix:///EXPORT?socket=PATH';
const DEFAULT_PORT = 10_809;
/** Longest path of a Unix socket that the system takes. */
const SOCKET_PATH_MAX = 107;

/** @throws SluiceError INVALID_ARGUMENT */
export function parseNbdUri(uri: string): NbdTarget {
  const refused = invalid('uri', ALLOWED, uri);
  let url: URL;
  let exportName: string;
  try {
    url = new URL(uri);
    exportName = decodeURIComponent(url.pathname.replace(/^\//, ''));
  } catch {
    throw refused;
  }
  const scheme = /^nbd(s?)(\+unix)?:$/.exec(url.protocol);
  if (scheme === null || url.hash !== '' || url.username !== '' || Buffer.byteLength(exportName) > STRING_BYTES_MAX) {
    throw refused;
  }
  const tls = scheme[1] === 's';
  if (scheme[2] === undefined) {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (host === '' || url.search !== '') throw refused;
    return { uri, at: { host, port: url.port === '' ? DEFAULT_PORT : Number(url.port) }, tls, exportName };
  }
  const path = url.searchParams.get('socket');
  if (path === null || url.host !== '' || url.searchParams.size !== 1) throw refused;
  if (!path.startsWith('/') || Buffer.byteLength(path) > SOCKET_PATH_MAX) {
    throw invalid('uri', `with an absolute path of at most ${String(SOCKET_PATH_MAX)} bytes as its socket`, uri);
  }
  return { uri, at: { path }, tls, exportName };
}
