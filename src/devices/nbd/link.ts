/**
 * One connection in transmission: jobs go out as requests that the server takes (its longest, its
 * commands), replies come back as the end of jobs. What a server may not say ends the connection.
 */
import { MIB } from '../../core/model/units.js';
import { OPS } from '../../core/model/request.js';
import type { Chunk, FromServer } from '../../wire/nbd/client-reader.js';
import { COMMANDS, COMMAND_FLAGS, NBD_ERRNO, NbdProtocolError, TRANSMISSION_FLAGS } from '../../wire/nbd/protocol.js';
import { encodeRequest, type Cookie } from '../../wire/nbd/requests.js';
import { codeOfErrno, describeErrno } from './errno.js';
import type { Job } from './job.js';
import type { Session } from './session.js';

/** Written where the server knows no WRITE_ZEROES. */
const ZEROS = Buffer.alloc(MIB);

/** One request of the wire. */
interface Part {
  readonly job: Job;
  readonly offset: number;
  readonly lengthBytes: number;
  /** READ: what has come, as [from, to) from the part's begin. */
  got: { from: number; to: number }[];
  errno: number;
  said: string;
}

export interface LinkOwner {
  /** All parts of the job are answered: job.code and job.message say how. */
  answered(link: Link, job: Job): void;
  /** Told once, not within send: the connection is no more. `link.jobs` is what was out on it. */
  lost(link: Link, why: string): void;
}

export class Link {
  /** Sent, not answered. */
  readonly jobs = new Set<Job>();
  readonly #session: Session;
  readonly #owner: LinkOwner;
  readonly #parts = new Map<number, Part>();
  /** Longest request, of whole blocks. */
  readonly #partBytes: number;
  #cookie = 0;
  #corked = false;
  #gone = false;

  /** @param blockBytes of the device */
  constructor(session: Session, blockBytes: number, owner: LinkOwner) {
    this.#session = session;
    this.#owner = owner;
    const { blockBytesMax } = session.facts;
    this.#partBytes = blockBytesMax - (blockBytesMax % blockBytes);
    session.expected.dataBytesOf = (cookie) => this.#dataBytesOf(cookie);
    const { socket } = session;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', (error) => this.#lose(error.message));
    socket.on('close', () => this.#lose('the server hung up'));
    if (socket.destroyed) process.nextTick(() => this.#lose('the server hung up'));
    socket.resume();
  }

  can(flag: number): boolean {
    return (this.#session.facts.flags & flag) !== 0;
  }

  send(job: Job): void {
    this.jobs.add(job);
    job.code = 'OK';
    job.message = '';
    if (job.op === OPS.FLUSH) {
      job.partsLeft = 1;
      this.#sendPart(job, 0, 0);
      return;
    }
    const most = job.op === OPS.WRITE_ZEROES ? this.#zeroesBytes() : this.#partBytes;
    job.partsLeft = Math.ceil(job.lengthBytes / most);
    for (let at = 0; at < job.lengthBytes; at += most) {
      this.#sendPart(job, at, Math.min(most, job.lengthBytes - at));
    }
  }

  /** Cuts the connection; the owner is not told. What a server has not read of a reset TCP connection it never will. */
  cut(): void {
    this.#gone = true;
    const { socket, plain, tcp } = this.#session;
    if (plain !== socket) socket.destroy();
    // A Unix socket knows no reset: its server may read on what lies there.
    if (tcp) plain.resetAndDestroy();
    else plain.destroy();
  }

  /** Says good-bye; nothing may be out. */
  end(): void {
    this.#gone = true;
    const { socket } = this.#session;
    socket.write(this.#header(COMMANDS.DISC, 0, 0, 0, 0));
    socket.end();
    // A server that does not hang up is not waited for.
    socket.unref();
    socket.resume();
  }

  #zeroesBytes(): number {
    return this.can(TRANSMISSION_FLAGS.SEND_WRITE_ZEROES) ? this.#partBytes : Math.min(this.#partBytes, ZEROS.length);
  }

  #sendPart(job: Job, at: number, lengthBytes: number): void {
    do this.#cookie = (this.#cookie + 1) >>> 0;
    while (this.#parts.has(this.#cookie));
    const offset = job.op === OPS.FLUSH ? 0 : job.offset + at;
    this.#parts.set(this.#cookie, { job, offset, lengthBytes, got: [], errno: 0, said: '' });
    const fua = job.fua && job.changes && this.can(TRANSMISSION_FLAGS.SEND_FUA) ? COMMAND_FLAGS.FUA : 0;
    let payload: Uint8Array | null = null;
    let command: number;
    switch (job.op) {
      case OPS.READ:
        command = COMMANDS.READ;
        break;
      case OPS.WRITE:
        command = COMMANDS.WRITE;
        payload = lengthBytes === job.lengthBytes ? job.data! : job.data!.subarray(at, at + lengthBytes);
        break;
      case OPS.FLUSH:
        command = COMMANDS.FLUSH;
        break;
      case OPS.TRIM:
        command = COMMANDS.TRIM;
        break;
      case OPS.WRITE_ZEROES:
        command = COMMANDS.WRITE_ZEROES;
        if (!this.can(TRANSMISSION_FLAGS.SEND_WRITE_ZEROES)) {
          command = COMMANDS.WRITE;
          payload = ZEROS.subarray(0, lengthBytes);
        }
    }
    this.#write(this.#header(command, fua, this.#cookie, offset, lengthBytes));
    if (payload !== null) this.#write(payload);
  }

  #header(command: number, flags: number, cookieLow: number, offset: number, lengthBytes: number): Buffer {
    return encodeRequest({ flags, command, cookieHigh: 0, cookieLow, offset, lengthBytes });
  }

  /** All that one turn of the event loop sends leaves in one write. */
  #write(bytes: Uint8Array): void {
    const { socket } = this.#session;
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    socket.write(bytes);
  }

  #dataBytesOf({ cookieHigh, cookieLow }: Cookie): number {
    const part = cookieHigh === 0 ? this.#parts.get(cookieLow) : undefined;
    return part?.job.op === OPS.READ ? part.lengthBytes : 0;
  }

  #received(chunk: Buffer): void {
    const { reader } = this.#session;
    try {
      reader.push(chunk);
      // What is told within may cut this connection: what has come behind is nobody's then.
      for (let message = reader.next(); message !== null && !this.#gone; message = reader.next()) this.#take(message);
    } catch (error) {
      if (!(error instanceof NbdProtocolError)) throw error;
      this.#lose(`what the server sent is not NBD: ${error.message}`);
    }
  }

  #lose(why: string): void {
    if (this.#gone) return;
    this.cut();
    this.#owner.lost(this, why);
  }

  /** @throws NbdProtocolError */
  #take(message: FromServer): void {
    if (message.kind === 'simple-reply') {
      const part = this.#partOf(message.cookie);
      part.errno = message.errno;
      if (message.errno === 0 && part.job.op === OPS.READ) this.#place(part, 0, message.data);
      this.#finish(message.cookie, part);
    } else if (message.kind === 'chunk') {
      if (!this.#session.facts.structured) throw new NbdProtocolError('a structured reply that was not agreed on');
      const part = this.#partOf(message.cookie);
      this.#takeChunk(part, message.chunk);
      if (message.done) this.#finish(message.cookie, part);
    } else throw new NbdProtocolError(`${message.kind} in transmission`);
  }

  #partOf({ cookieHigh, cookieLow }: Cookie): Part {
    const part = cookieHigh === 0 ? this.#parts.get(cookieLow) : undefined;
    if (part === undefined) throw new NbdProtocolError('a reply to no request that is out');
    return part;
  }

  #takeChunk(part: Part, chunk: Chunk): void {
    switch (chunk.kind) {
      case 'none':
        return;
      case 'data':
        this.#place(part, chunk.offset - part.offset, chunk.data);
        return;
      case 'hole':
        this.#placeZeros(part, chunk.offset - part.offset, chunk.lengthBytes);
        return;
      case 'error':
        if (chunk.errno === 0) throw new NbdProtocolError('an error that is none');
        part.errno = chunk.errno;
        part.said = chunk.message;
        return;
      case 'block-status':
      case 'unknown':
        throw new NbdProtocolError(`a chunk (${chunk.kind}) that nobody asked for`);
    }
  }

  #place(part: Part, from: number, data: Buffer): void {
    claim(part, from, data.length);
    const io = part.job.io!;
    if (io.data === null && data.length === io.lengthBytes) {
      io.data = data;
      return;
    }
    io.data ??= Buffer.allocUnsafe(io.lengthBytes);
    io.data.set(data, part.offset - io.offset + from);
  }

  #placeZeros(part: Part, from: number, lengthBytes: number): void {
    claim(part, from, lengthBytes);
    const io = part.job.io!;
    io.data ??= Buffer.allocUnsafe(io.lengthBytes);
    const at = part.offset - io.offset + from;
    io.data.fill(0, at, at + lengthBytes);
  }

  #finish(cookie: Cookie, part: Part): void {
    const { job } = part;
    // The server goes before it has served this: another, or itself anew, will.
    if (part.errno === NBD_ERRNO.ESHUTDOWN) {
      this.#lose('the server is shutting down');
      return;
    }
    if (job.op === OPS.READ && part.errno === 0) checkWhole(part);
    this.#parts.delete(cookie.cookieLow);
    if (part.errno !== 0 && job.code === 'OK') {
      job.code = codeOfErrno(part.errno, job.op);
      job.message = describeErrno(part.errno, part.said);
    }
    job.partsLeft -= 1;
    if (job.partsLeft > 0) return;
    this.jobs.delete(job);
    this.#owner.answered(this, job);
  }
}

/** @throws NbdProtocolError where the data is not of the part */
function claim(part: Part, from: number, lengthBytes: number): void {
  if (part.job.op !== OPS.READ) throw new NbdProtocolError('data in the reply to a request that reads none');
  const to = from + lengthBytes;
  if (from < 0 || lengthBytes === 0 || to > part.lengthBytes) throw new NbdProtocolError('data outside its request');
  part.got.push({ from, to });
}

/** @throws NbdProtocolError where a byte did not come, or came twice */
function checkWhole(part: Part): void {
  let at = 0;
  for (const { from, to } of part.got.sort((a, b) => a.from - b.from)) {
    if (from !== at) break;
    at = to;
  }
  const bytes = part.got.reduce((sum, { from, to }) => sum + to - from, 0);
  if (at !== part.lengthBytes || bytes !== at) throw new NbdProtocolError('a read that did not come whole');
}
