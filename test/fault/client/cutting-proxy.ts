/** A TCP proxy that cuts its connections after a random number of bytes either way. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { SeededRng } from '../../../src/core/rng.js';

export class CuttingProxy implements AsyncDisposable {
  cuts = 0;
  /** Cuts no more. */
  peaceful = false;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(target: number, rng: SeededRng, bytesMax: number) {
    this.server = createServer((client) => {
      const host = connect(target, '127.0.0.1');
      let left = rng.below(bytesMax);
      const cut = (): void => {
        client.resetAndDestroy();
        host.resetAndDestroy();
      };
      for (const [from, to] of [
        [client, host],
        [host, client],
      ] as const) {
        this.sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => {
          this.sockets.delete(from);
          to.destroy();
        });
        from.on('data', (bytes: Buffer) => {
          left -= bytes.length;
          if (left < 0 && !this.peaceful) {
            this.cuts += 1;
            // What came of the last piece is anybody's guess.
            to.write(bytes.subarray(0, rng.below(bytes.length)), cut);
          } else if (!to.write(bytes)) {
            from.pause();
            to.once('drain', () => from.resume());
          }
        });
      }
    });
  }

  static async to(port: number, rng: SeededRng, bytesMax: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(port, rng, bytesMax);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  /** Cuts what there is now. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}
