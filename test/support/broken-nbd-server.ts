/**
 * An NBD server in this process that fails in every way a test asks for, from a seed. It has a disk with
 * a cache: what is written is durable once flushed, and gone when the server dies before. Requests take a
 * while; those of a connection that is cut are executed all the same.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { SeededRng } from '../../src/core/rng.js';
import {
  COMMANDS,
  NBD_ERRNO,
  NbdProtocolError,
  OPTION_REPLIES,
  OPTIONS,
  TRANSMISSION_FLAGS,
} from '../../src/wire/nbd/protocol.js';
import * as replies from '../../src/wire/nbd/replies.js';
import type { NbdRequest } from '../../src/wire/nbd/requests.js';
import { ServerReader, type FromClient } from '../../src/wire/nbd/server-reader.js';

const F = TRANSMISSION_FLAGS;

/** Chances a reply, each in [0, 1). */
export interface Misdeeds {
  /** The connection is cut; what is out on it is executed later. */
  readonly cut?: number;
  /** The server dies: what is not flushed is gone. */
  readonly die?: number;
  /** Half a reply, then a cut. */
  readonly tear?: number;
  /** Random bytes instead of a reply. */
  readonly garbage?: number;
  readonly shutdown?: number;
  /** No reply, ever; the request is executed. */
  readonly hang?: number;
}

export interface BrokenOptions {
  readonly sizeBytes: number;
  readonly seed: number;
  readonly misdeeds?: Misdeeds;
  readonly flags?: number;
  readonly structured?: boolean;
  /** Longest time a request takes. */
  readonly delayMs?: number;
  /** How much longer it takes where its connection is gone, at most. */
  readonly lateMs?: number;
}

export class BrokenServer implements AsyncDisposable {
  /** As clients see it, and as it would be after a death. */
  seen: Buffer;
  durable: Buffer;
  misdeeds: Misdeeds;
  /** Told to clients. */
  sizeBytes: number;
  flags: number;
  /** Answers of requests by hand: an errno, or null for what is right. */
  answer: (request: NbdRequest) => number | null = () => null;
  /** Requests seen, connections made. */
  readonly requests: NbdRequest[] = [];
  connections = 0;
  port = 0;
  readonly #rng: SeededRng;
  readonly #options: BrokenOptions;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #life = 0;

  private constructor(options: BrokenOptions) {
    this.#options = options;
    this.#rng = new SeededRng(options.seed);
    this.sizeBytes = options.sizeBytes;
    this.seen = Buffer.alloc(options.sizeBytes);
    this.durable = Buffer.alloc(options.sizeBytes);
    this.misdeeds = options.misdeeds ?? {};
    this.flags =
      options.flags ?? F.HAS_FLAGS | F.SEND_FLUSH | F.SEND_FUA | F.SEND_TRIM | F.SEND_WRITE_ZEROES | F.CAN_MULTI_CONN;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(options: BrokenOptions): Promise<BrokenServer> {
    const server = new BrokenServer(options);
    await server.listen();
    return server;
  }

  get uri(): string {
    return `nbd://127.0.0.1:${String(this.port)}/disk`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as { port: number }).port;
  }

  /** Takes no connections any more, and ends those there are. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  die(): void {
    this.#life += 1;
    this.seen = Buffer.from(this.durable);
    this.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.stop();
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    const reader = new ServerReader();
    const state = { structured: false };
    socket.write(replies.encodeGreeting());
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk);
      try {
        for (let message = reader.next(); message !== null; message = reader.next()) {
          this.#take(socket, reader, state, message);
        }
      } catch (error) {
        if (!(error instanceof NbdProtocolError)) throw error;
        socket.destroy();
      }
    });
  }

  #take(socket: Socket, reader: ServerReader, state: { structured: boolean }, message: FromClient): void {
    if (message.kind === 'flags') return;
    if (message.kind === 'option') {
      if (message.number === OPTIONS.STRUCTURED_REPLY) {
        state.structured = this.#options.structured ?? true;
        const type = state.structured ? OPTION_REPLIES.ACK : OPTION_REPLIES.ERR_UNSUP;
        socket.write(replies.encodeOptionReply(message.number, type));
      } else if (message.number === OPTIONS.GO) {
        socket.write(replies.encodeInfoExport(OPTIONS.GO, this.sizeBytes, this.flags));
        socket.write(replies.encodeOptionReply(OPTIONS.GO, OPTION_REPLIES.ACK));
        reader.beginRequests(2 ** 25);
      } else socket.write(replies.encodeOptionReply(message.number, OPTION_REPLIES.ERR_UNSUP));
      return;
    }
    const { request } = message;
    if (request.command === COMMANDS.DISC) {
      socket.end();
      return;
    }
    this.requests.push(request);
    const life = this.#life;
    const delayMs = this.#options.delayMs ?? 0;
    // Whatever becomes of the connection: it has been read, so it is executed, unless the server dies first.
    const execute = (): void => {
      if (life === this.#life) this.#execute(socket, state.structured, request);
    };
    const due = (): void => {
      // Behind its client's back it takes longer still.
      if (socket.destroyed && this.#options.lateMs !== undefined)
        setTimeout(execute, this.#rng.below(this.#options.lateMs));
      else execute();
    };
    setTimeout(due, delayMs === 0 ? 0 : this.#rng.below(delayMs + 1));
  }

  #execute(socket: Socket, structured: boolean, request: NbdRequest): void {
    const errno = this.answer(request);
    let data: Buffer | null = null;
    if (errno === null) data = this.#apply(request);
    const misdeed = this.#misdeed();
    if (misdeed === 'die') this.die();
    else if (misdeed === 'cut') socket.destroy();
    else if (misdeed === 'garbage') socket.write(Buffer.from(Array.from({ length: 40 }, () => this.#rng.below(256))));
    else if (misdeed !== 'hang') {
      const reply = encode(request, structured, misdeed === 'shutdown' ? NBD_ERRNO.ESHUTDOWN : errno, data);
      if (misdeed === 'tear') socket.end(reply.subarray(0, this.#rng.below(reply.length)));
      else if (!socket.destroyed) socket.write(reply);
    }
  }

  #misdeed(): keyof Misdeeds | null {
    let draw = this.#rng.next();
    for (const [name, chance] of Object.entries(this.misdeeds) as [keyof Misdeeds, number][]) {
      if (draw < chance) return name;
      draw -= chance;
    }
    return null;
  }

  #apply({ command, offset, lengthBytes, payload }: NbdRequest): Buffer | null {
    const end = offset + lengthBytes;
    switch (command) {
      case COMMANDS.READ:
        return Buffer.from(this.seen.subarray(offset, end));
      case COMMANDS.WRITE:
        Buffer.concat(payload!).copy(this.seen, offset);
        return null;
      case COMMANDS.FLUSH:
        this.durable = Buffer.from(this.seen);
        return null;
      case COMMANDS.TRIM:
      case COMMANDS.WRITE_ZEROES:
        this.seen.fill(0, offset, end);
        return null;
      default:
        return null;
    }
  }
}

function encode(request: NbdRequest, structured: boolean, errno: number | null, data: Buffer | null): Buffer {
  if (!structured) {
    return Buffer.concat([replies.encodeSimpleReply(request, (errno ?? 0) as 0), data ?? Buffer.alloc(0)]);
  }
  if (errno !== null) return replies.encodeError(request, errno as 5, 'by hand');
  if (data === null) return replies.encodeDone(request);
  return Buffer.concat([replies.encodeDataHead(request, request.offset, data.length), data]);
}
