/** A TCP proxy in front of one server that delays, swallows and cuts, as a test says. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo, NetConnectOpts } from 'node:net';

export class TcpProxy implements AsyncDisposable {
  /** Milliseconds that each chunk is held, each way. */
  delayMs = 0;
  /** What comes is swallowed, either way, ends too: connections stay up and nothing arrives. */
  silent = false;
  /** New connections are closed at once. */
  refusing = false;
  readonly #target: NetConnectOpts;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: NetConnectOpts) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  static async start(target: NetConnectOpts): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Ends every connection there is. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    if (this.refusing) {
      client.destroy();
      return;
    }
    const server = connect(this.#target);
    this.#pass(client, server);
    this.#pass(server, client);
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => {
      if (this.silent) return;
      // Timers of the same length fire in order, so that bytes stay in theirs.
      if (this.delayMs === 0) to.write(chunk);
      else setTimeout(() => to.write(chunk), this.delayMs);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      if (!this.silent) to.destroy();
    });
  }
}
