/** The way to an export: connect, options, transmission. https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md */
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { SluiceError, show } from '../../core/model/errors.js';
import { NS_PER_S } from '../../core/model/units.js';
import type { Clock } from '../../core/ports.js';
import { ClientReader, type FromServer } from '../../wire/nbd/client-reader.js';
import { encodeOption } from '../../wire/nbd/options.js';
import {
  FIXED_NEWSTYLE,
  INFO,
  NO_ZEROES,
  NbdProtocolError,
  OPTION_REPLIES,
  OPTIONS,
  PAYLOAD_BYTES_MAX,
  TRANSMISSION_FLAGS,
} from '../../wire/nbd/protocol.js';
import type { Cookie } from '../../wire/nbd/requests.js';
import type { NbdTarget } from './target.js';

/** In PEM. */
export interface NbdTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** Whom the server's certificate has to name, where that is not the host of the URI. */
  readonly serverName?: string;
}

/** What the server says of the export. */
export interface ExportFacts {
  readonly sizeBytes: number;
  /** TRANSMISSION_FLAGS. */
  readonly flags: number;
  readonly structured: boolean;
  /** '' where it gives none. */
  readonly description: string;
  /** Offsets and lengths are multiples of it; 1 where the server does not say. */
  readonly blockBytesMin: number;
  /** Longest request. */
  readonly blockBytesMax: number;
}

/** A connection on which requests may be sent. */
export interface Session {
  readonly facts: ExportFacts;
  /** The one to speak through, and the one below it that is cut: the same without TLS. */
  readonly socket: Socket;
  readonly plain: Socket;
  readonly tcp: boolean;
  readonly reader: ClientReader;
  readonly expected: Expected;
}

/** What the reader of a session asks of whoever sends requests on it. */
export interface Expected {
  /** Data that a simple reply without error to this request brings. */
  dataBytesOf: (cookie: Cookie) => number;
}

/** Longest time from the first packet to transmission. */
const HANDSHAKE_NS = 10 * NS_PER_S;

type OptionReply = Extract<FromServer, { kind: 'option-reply' }>;

/**
 * @throws SluiceError DEVICE_IO (nobody there, no NBD, no answer in time), NOT_FOUND (no such export, or not for us),
 * UNSUPPORTED (a server without OPT_GO, or without TLS where it is asked for)
 */
export async function openSession(
  target: NbdTarget,
  tls: NbdTls | null,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Session> {
  const negotiator = new Negotiator(target, tls);
  const aborted = (): void => negotiator.fail(new Error('the device is closed'));
  signal?.addEventListener('abort', aborted);
  if (signal?.aborted === true) aborted();
  const timer = clock.after(HANDSHAKE_NS, () => negotiator.fail(new Error('no answer in time')));
  try {
    return await negotiator.run();
  } catch (error) {
    negotiator.destroy();
    if (error instanceof SluiceError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new SluiceError('DEVICE_IO', `${target.uri} does not open: ${why}`, { field: 'uri', cause: error });
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', aborted);
  }
}

class Negotiator {
  readonly #target: NbdTarget;
  readonly #tls: NbdTls | null;
  readonly #plain: Socket;
  #socket: Socket;
  readonly #expected: Expected = { dataBytesOf: () => 0 };
  readonly #reader = new ClientReader((cookie) => this.#expected.dataBytesOf(cookie));
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(target: NbdTarget, tls: NbdTls | null) {
    this.#target = target;
    this.#tls = tls;
    this.#plain = connectSocket('path' in target.at ? { path: target.at.path } : target.at);
    this.#plain.setNoDelay(true);
    this.#plain.setKeepAlive(true, 10_000);
    this.#socket = this.#plain;
    this.#listen(this.#plain);
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#plain.destroy();
  }

  async run(): Promise<Session> {
    const greeting = await this.#receive();
    if (greeting.kind !== 'greeting' || !greeting.fixedNewstyle) {
      throw new NbdProtocolError('it does not speak the fixed newstyle of NBD');
    }
    const flags = Buffer.alloc(4);
    flags.writeUInt32BE(FIXED_NEWSTYLE | (greeting.noZeroes ? NO_ZEROES : 0));
    this.#socket.write(flags);
    if (this.#target.tls) await this.#startTls();
    this.#socket.write(encodeOption({ kind: 'structured-reply' }));
    const structured = (await this.#reply(OPTIONS.STRUCTURED_REPLY)).type === OPTION_REPLIES.ACK;
    const facts = { ...(await this.#go()), structured };
    this.#reader.beginReplies();
    // Nothing is due from the server until it is asked; errors go on being heard.
    this.#socket.pause();
    for (const event of ['data', 'close']) this.#socket.removeAllListeners(event);
    const tcp = 'host' in this.#target.at;
    return { facts, socket: this.#socket, plain: this.#plain, tcp, reader: this.#reader, expected: this.#expected };
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#wake?.();
    });
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server hung up')));
  }

  async #startTls(): Promise<void> {
    this.#socket.write(encodeOption({ kind: 'starttls' }));
    const { type } = await this.#reply(OPTIONS.STARTTLS);
    if (type !== OPTION_REPLIES.ACK) throw this.#unsupported('does not offer TLS');
    // What came ahead of TLS could have been put there by anyone on the way.
    if (this.#reader.buffered > 0) throw new NbdProtocolError('bytes after STARTTLS, ahead of TLS');
    for (const event of ['data', 'close']) this.#plain.removeAllListeners(event);
    const { at } = this.#target;
    const { serverName, ...identity } = this.#tls ?? {};
    const host = serverName ?? ('path' in at ? 'localhost' : at.host);
    const secure = connectTls({
      socket: this.#plain,
      ...identity,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    this.#socket = secure;
    this.#listen(secure);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      secure.once('secureConnect', resolve);
    });
    this.#wake = null;
    this.#throwFailure();
  }

  async #go(): Promise<Omit<ExportFacts, 'structured'>> {
    const { exportName } = this.#target;
    const infos = [INFO.DESCRIPTION, INFO.BLOCK_SIZE];
    this.#socket.write(encodeOption({ kind: 'go', name: exportName, infos }));
    let facts = { sizeBytes: -1, flags: 0, description: '', blockBytesMin: 1, blockBytesMax: PAYLOAD_BYTES_MAX };
    for (;;) {
      const reply = await this.#reply(OPTIONS.GO);
      if (reply.type === OPTION_REPLIES.INFO) facts = { ...facts, ...decodeInfo(reply.data) };
      else if (reply.type === OPTION_REPLIES.ACK) break;
      else throw this.#refused(reply);
    }
    if (facts.sizeBytes < 0 || (facts.flags & TRANSMISSION_FLAGS.HAS_FLAGS) === 0) {
      throw new NbdProtocolError('the server did not describe the export');
    }
    return facts;
  }

  /** The next reply to the option. */
  async #reply(option: number): Promise<OptionReply> {
    const message = await this.#receive();
    if (message.kind === 'option-reply' && message.option === option) return message;
    throw new NbdProtocolError(`it answered something else than option ${String(option)}`);
  }

  async #receive(): Promise<FromServer> {
    for (;;) {
      const message = this.#reader.next();
      if (message !== null) return message;
      this.#throwFailure();
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #refused({ type, data }: OptionReply): SluiceError {
    const said = data.length === 0 ? '' : `: ${show(data.toString('utf8', 0, Math.min(data.length, 200)))}`;
    const { exportName, uri } = this.#target;
    switch (type) {
      case OPTION_REPLIES.ERR_UNKNOWN:
      case OPTION_REPLIES.ERR_POLICY:
        return new SluiceError('NOT_FOUND', `${uri}: the server does not give export ${show(exportName)}${said}`, {
          field: 'uri',
        });
      case OPTION_REPLIES.ERR_TLS_REQD:
        return this.#unsupported('wants TLS: nbds:// asks for it');
      case OPTION_REPLIES.ERR_UNSUP:
        return this.#unsupported('does not know OPT_GO');
      default:
        return new SluiceError('DEVICE_IO', `${uri}: the server refused the export (${String(type)})${said}`, {
          field: 'uri',
        });
    }
  }

  #unsupported(what: string): SluiceError {
    return new SluiceError('UNSUPPORTED', `${this.#target.uri}: the server ${what}`, { field: 'uri' });
  }
}

/** @throws NbdProtocolError */
function decodeInfo(data: Buffer): Partial<ExportFacts> {
  const short = (): NbdProtocolError => new NbdProtocolError('an information reply is too short');
  if (data.length < 2) throw short();
  switch (data.readUInt16BE(0)) {
    case INFO.EXPORT: {
      if (data.length !== 12) throw short();
      const size = data.readBigUInt64BE(2);
      if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new NbdProtocolError(`a size of ${String(size)} bytes`);
      return { sizeBytes: Number(size), flags: data.readUInt16BE(10) };
    }
    case INFO.DESCRIPTION:
      return { description: data.toString('utf8', 2) };
    case INFO.BLOCK_SIZE: {
      if (data.length !== 14) throw short();
      const [least, most] = [data.readUInt32BE(2), data.readUInt32BE(10)];
      if (least === 0 || (least & (least - 1)) !== 0 || most < least) {
        throw new NbdProtocolError(`blocks of ${String(least)} to ${String(most)} bytes`);
      }
      return { blockBytesMin: least, blockBytesMax: Math.min(most, PAYLOAD_BYTES_MAX) };
    }
    default:
      return {};
  }
}
