/** Speaks as much of Redis's protocol as a start needs: INFO says what the test says, all else is OK. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class TellingServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(info: string) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        for (let command = shift(text); command !== null; command = shift(text)) {
          text = text.slice(command.length);
          const isInfo = command.words[0]!.toUpperCase() === 'INFO';
          socket.write(isInfo ? `$${String(info.length)}\r\n${info}\r\n` : '+OK\r\n');
        }
      });
    });
  }

  static async start(info: string): Promise<TellingServer> {
    const made = new TellingServer(info);
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The first command, an array of bulk strings, where all of it is there. */
function shift(text: string): { readonly words: readonly string[]; readonly length: number } | null {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return null;
  const words: string[] = [];
  let at = head[0].length;
  for (let i = 0; i < Number(head[1]); i++) {
    const bulk = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (bulk === null) return null;
    at += bulk[0].length;
    const word = text.slice(at, at + Number(bulk[1]));
    at += word.length + 2;
    if (at > text.length) return null;
    words.push(word);
  }
  return { words, length: at };
}
