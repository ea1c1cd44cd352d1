/**
 * The HTTP/2 receive window of a grpc-js server. It ignores `grpc-node.flow_control_window`, so the
 * window stays at 64 KiB, and 64 KiB writes reach a part of what they can (`npm run bench grpc`).
 * There is no public way to its HTTP/2 server: this file alone reaches inside.
 */
import type { Http2Server, ServerHttp2Session, ServerOptions } from 'node:http2';
import type { Server, ServerCredentials } from '@grpc/grpc-js';
import { MIB } from '../../core/model/units.js';

/** A stream's window, and a connection's: most that a peer can make the server hold unread. */
export interface ReceiveWindow {
  readonly streamBytes: number;
  readonly connectionBytes: number;
}

export const RECEIVE_WINDOW: ReceiveWindow = { streamBytes: 4 * MIB, connectionBytes: 16 * MIB };

interface Internals {
  commonServerOptions?: ServerOptions;
  createHttp2Server?: (credentials: ServerCredentials) => Http2Server;
}

/**
 * Raises the window of every connection that the server takes. Before bindAsync.
 * @returns false where this grpc-js is built otherwise: the window then stays as it was
 */
export function raiseReceiveWindow(server: Server, window: ReceiveWindow): boolean {
  const internals = server as unknown as Internals;
  const { commonServerOptions, createHttp2Server } = internals;
  if (commonServerOptions === undefined || createHttp2Server === undefined) return false;
  commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: window.streamBytes };
  internals.createHttp2Server = (credentials) => {
    const http2Server = createHttp2Server.call(server, credentials);
    http2Server.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(window.connectionBytes));
    return http2Server;
  };
  return true;
}
