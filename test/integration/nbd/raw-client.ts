/** An NBD client under a test's hand, on the codec's other side. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { ClientReader, type FromServer } from '../../../src/wire/nbd/client-reader.js';
import { encodeOption, type NbdOption } from '../../../src/wire/nbd/options.js';
import { COMMANDS, OPTION_REPLIES } from '../../../src/wire/nbd/protocol.js';
import type { Extent } from '../../../src/wire/nbd/replies.js';
import { encodeRequest } from '../../../src/wire/nbd/requests.js';

export type Option = Exclude<NbdOption, { kind: 'malformed' | 'unknown' }>;
type OptionReply = Extract<FromServer, { kind: 'option-reply' }>;

export interface Answer {
  errno: number;
  message: string;
  data: Buffer;
  extents: readonly Extent[];
}

export interface More {
  readonly flags?: number;
  readonly data?: Buffer;
}

const FLAGS = Buffer.from([0, 0, 0, 3]);

export class RawNbd implements Disposable {
  socket: Socket;
  /** Resolves when the connection is closed, whoever did it. */
  readonly closed: Promise<void>;
  readonly #reader = new ClientReader((cookie) => this.#readBytes.get(cookie.cookieLow) ?? 0);
  readonly #messages: FromServer[] = [];
  readonly #pending = new Map<number, (answer: Answer) => void>();
  readonly #readBytes = new Map<number, number>();
  #wake: (() => void) | null = null;
  #gone = false;
  #transmission = false;
  #cookie = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#gone = true;
        this.#wake?.();
        resolve();
      });
    });
    this.#listen(socket);
  }

  /** Connected and greeted; no option has been asked. */
  static async connect(port: number): Promise<RawNbd> {
    const client = new RawNbd(connect(port, '127.0.0.1'));
    const greeting = await client.#next();
    if (greeting.kind !== 'greeting') throw new Error(`a server greets first, got ${greeting.kind}`);
    client.socket.write(FLAGS);
    return client;
  }

  /** In transmission. */
  static async open(port: number, name: string, structured = true): Promise<RawNbd> {
    const client = await RawNbd.connect(port);
    if (structured) {
      await client.ask({ kind: 'structured-reply' });
      await client.ask({ kind: 'set-meta-context', name, queries: ['base:allocation'] });
    }
    const replies = await client.ask({ kind: 'go', name, infos: [] });
    const last = replies.at(-1)!;
    if (last.type !== OPTION_REPLIES.ACK) throw new Error(last.data.toString());
    client.begin();
    return client;
  }

  /** What is answered to an option, the last of it an acknowledgement or an error. */
  async ask(option: Option): Promise<OptionReply[]> {
    this.socket.write(encodeOption(option));
    const replies: OptionReply[] = [];
    for (;;) {
      const reply = await this.#next();
      if (reply.kind !== 'option-reply') throw new Error(`expected a reply to an option, got ${reply.kind}`);
      replies.push(reply);
      if (reply.type === OPTION_REPLIES.ACK || reply.type >= 2 ** 31) return replies;
    }
  }

  /** EXPORT_NAME, which is answered without a reply. */
  async exportName(name: string): Promise<{ sizeBytes: number; flags: number }> {
    this.socket.write(encodeOption({ kind: 'export-name', name }));
    this.#reader.awaitExport(true);
    const reply = await this.#next();
    if (reply.kind !== 'export') throw new Error(`expected an export, got ${reply.kind}`);
    this.begin();
    return reply;
  }

  begin(): void {
    this.#transmission = true;
    this.#reader.beginReplies();
  }

  /** TLS over the connection so far; STARTTLS has been acknowledged. */
  async secure(options: ConnectionOptions): Promise<void> {
    const plain = this.socket;
    plain.removeAllListeners('data');
    const socket = connectTls({ socket: plain, ...options });
    this.socket = socket;
    this.#listen(socket);
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  }

  read(offset: number, length: number, more: More = {}): Promise<Answer> {
    return this.request(COMMANDS.READ, offset, length, more);
  }

  write(offset: number, data: Buffer, flags = 0): Promise<Answer> {
    return this.request(COMMANDS.WRITE, offset, data.length, { flags, data });
  }

  /** Rejects where the connection ends first. */
  request(command: number, offset: number, lengthBytes: number, more: More = {}): Promise<Answer> {
    const cookieLow = ++this.#cookie;
    if (command === COMMANDS.READ) this.#readBytes.set(cookieLow, lengthBytes);
    return new Promise((resolve, reject) => {
      this.#pending.set(cookieLow, resolve);
      this.socket.write(
        encodeRequest({ flags: more.flags ?? 0, command, cookieHigh: 9, cookieLow, offset, lengthBytes }),
      );
      if (more.data !== undefined) this.socket.write(more.data);
      void this.closed.then(() => reject(new Error('the connection ended')));
    });
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #listen(socket: Socket): void {
    // Whether it was reset or closed is the same to a test: it is gone.
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      for (let message = this.#reader.next(); message !== null; message = this.#reader.next()) {
        if (this.#transmission && message.kind !== 'export') this.#answered(message);
        else {
          this.#messages.push(message);
          this.#wake?.();
          // The phase may change before the rest is read.
          if (message.kind !== 'option-reply') break;
        }
      }
    });
  }

  #answered(message: FromServer): void {
    if (message.kind !== 'simple-reply' && message.kind !== 'chunk') throw new Error(message.kind);
    const { cookieLow } = message.cookie;
    const done = this.#pending.get(cookieLow);
    if (done === undefined) throw new Error(`an answer to ${String(cookieLow)}, which is not out`);
    this.#pending.delete(cookieLow);
    this.#readBytes.delete(cookieLow);
    const answer: Answer = { errno: 0, message: '', data: Buffer.alloc(0), extents: [] };
    if (message.kind === 'simple-reply') Object.assign(answer, { errno: message.errno, data: message.data });
    else Object.assign(answer, message.chunk);
    done(answer);
  }

  async #next(): Promise<FromServer> {
    while (this.#messages.length === 0) {
      if (this.#gone) throw new Error('the connection ended');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#messages.shift()!;
  }
}
