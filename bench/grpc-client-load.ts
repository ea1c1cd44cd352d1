/** The client library as a closed loop: a fixed number of requests out, a new one for each reply. */
import { SluiceClient, type Handle, type IoReply, type Op, type ReplySink } from '../src/client/index.js';
import type { Load } from './grpc-load.js';
import type { Timed } from './report.js';

export class ClientLibraryLoad {
  readonly #client: SluiceClient;
  readonly #handle: Handle;

  private constructor(client: SluiceClient, handle: Handle) {
    this.#client = client;
    this.#handle = handle;
  }

  static async connect(port: number): Promise<ClientLibraryLoad> {
    const client = await SluiceClient.connect(`127.0.0.1:${String(port)}`);
    return new ClientLibraryLoad(client, await client.open('null0', 'bench'));
  }

  /** perFrame is the library's own to choose. */
  run({ requests, window, request }: Load): Promise<Timed> {
    return new Promise((resolve) => {
      const from = process.hrtime.bigint();
      let issued = 0;
      let answered = 0;
      const issue = (): void => {
        const { op = 1, offset = 0, length = 0 } = request(issued);
        this.#handle.issue(op as Op, Number(offset), Number(length), null, sink, issued++);
      };
      const sink: ReplySink = {
        replied: (token: number, reply: IoReply) => {
          if (reply.code !== 0) throw new Error(`request ${String(token)}: ${String(reply.code)} ${reply.message}`);
          if (issued < requests) issue();
          if (++answered === requests) {
            resolve({ seconds: Number(process.hrtime.bigint() - from) / 1e9, operations: requests });
          }
        },
      };
      while (issued < Math.min(window, requests)) issue();
    });
  }

  close(): void {
    this.#client.destroy();
  }
}
