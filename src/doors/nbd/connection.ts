/**
 * One client of the NBD door.
 *
 *   handshake ──GO, EXPORT_NAME──▶ transmission ──DISC──▶ finishing ──┐
 *       │ ▲ STARTTLS                    │ drain                       │ all answered and sent
 *       └─┘                             ▼                             ▼
 *                                    draining ───grace is over───▶ closed ◀── socket gone, bad bytes
 *
 * Invariants: what has been taken in is answered unless the client is gone; the socket is not read
 * while as much is held or unsent as one connection may, or while the door's budget has no room for
 * its next request, so that clients that never read their replies hold a bounded amount of memory.
 */
import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import { SluiceError } from '../../core/model/errors.js';
import { MIB, NS_PER_MS } from '../../core/model/units.js';
import type { Timer } from '../../core/ports.js';
import { COMMANDS, NbdProtocolError, PAYLOAD_BYTES_MAX } from '../../wire/nbd/protocol.js';
import type { NbdRequest } from '../../wire/nbd/requests.js';
import { ServerReader, type FromClient } from '../../wire/nbd/server-reader.js';
import type { Export } from './exports.js';
import type { MemoryHolder, MemoryPart } from './memory-budget.js';
import { Negotiation, type Negotiated } from './negotiation.js';
import type { NbdDoorMemory, NbdDoorParts } from './parts.js';
import type { ReadPlaces } from './read-places.js';
import { ReplyWriter } from './reply-writer.js';
import { Transmission } from './transmission.js';

/**
 * `handshake` until an export is chosen; `transmission`; `finishing` after the client's DISC:
 * nothing more is read; `draining`: new requests are answered ESHUTDOWN; `closed`.
 */
type ConnectionState = 'handshake' | 'transmission' | 'finishing' | 'draining' | 'closed';

/** Unsent bytes past which a client is not read. */
const UNSENT_BYTES_MAX = 4 * MIB;
/** A client that has not chosen an export by then holds a place that others may want. */
const HANDSHAKE_NS = 10_000 * NS_PER_MS;
/** How long a client may take to read its last answers and hang up. */
const LINGER_NS = 2_000 * NS_PER_MS;

export class NbdConnection implements MemoryHolder {
  readonly #parts: NbdDoorParts;
  readonly #ended: (connection: NbdConnection) => void;
  readonly #reader = new ServerReader();
  readonly #negotiation: Negotiation;
  #socket: Socket;
  #state: ConnectionState = 'handshake';
  #transmission: Transmission | null = null;
  readonly #memory: MemoryPart;
  readonly #places: ReadPlaces;
  readonly #out: ReplyWriter;
  /** Came in whole, and waits for room in the door's budget. */
  #stopped: NbdRequest | null = null;
  /** An option is being answered, or TLS is on its way: nothing is read meanwhile. */
  #busy = false;
  #pumping = false;
  /** The last has been written; what still comes is passed over. */
  #said = false;
  /** Of the handshake, later of the end. */
  #timer: Timer | null;

  constructor(socket: Socket, parts: NbdDoorParts, memory: NbdDoorMemory, ended: (connection: NbdConnection) => void) {
    this.#parts = parts;
    this.#memory = memory.budget.part(this);
    this.#places = memory.places;
    this.#out = new ReplyWriter(socket, memory.buffers, () => this.#pump());
    this.#socket = socket;
    this.#ended = ended;
    this.#timer = parts.clock.after(HANDSHAKE_NS, () => this.close());
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    this.#listen(socket);
    this.#negotiation = new Negotiation(parts, (bytes) => this.#out.write(bytes));
  }

  /** Requests from now on are answered ESHUTDOWN; closes when those before are answered. */
  drain(): void {
    if (this.#state === 'handshake') this.#finish();
    else if (this.#state === 'transmission') {
      this.#state = 'draining';
      this.#finishIfDone();
    }
  }

  /** Takes back what is queued. */
  cancelQueued(): void {
    this.#transmission?.cancelQueued();
  }

  /** Ends it now. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#timer?.cancel();
    this.#transmission?.end();
    this.#out.drop();
    this.#socket.destroy();
    this.#memory.leave();
    this.#ended(this);
  }

  roomMade(): void {
    const request = this.#stopped;
    this.#stopped = null;
    if (request !== null) this.#take(request);
    this.#pump();
  }

  movedBytes(): number | null {
    const { bytesRead, bytesWritten, writableLength } = this.#socket;
    const forClient = writableLength > 0 || (this.#reader.arrivingBytes > 0 && !this.#memory.waiting);
    return forClient ? bytesRead + bytesWritten - writableLength : null;
  }

  cutOff(why: string): void {
    this.#parts.logger.warn({ error: why }, 'an NBD client was cut off');
    this.close();
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      if (this.#said) return;
      this.#reader.push(chunk);
      this.#pump();
    });
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
    socket.on('end', () => this.close());
  }

  /** Takes in what has come, for as long as there is room. */
  readonly #pump = (): void => {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#mayRead()) {
        const message = this.#reader.next();
        if (message === null) break;
        this.#received(message);
      }
    } catch (error) {
      if (!(error instanceof NbdProtocolError)) throw error;
      this.#cutOff(error.message);
    } finally {
      this.#pumping = false;
    }
    if (this.#state === 'closed') return;
    this.#count();
    if (this.#said) return;
    if (this.#mayRead()) this.#socket.resume();
    else this.#socket.pause();
    this.#finishIfDone();
  };

  /** Tells the budget what is held, and asks it for a request of which more is to come than its head. */
  #count(): void {
    if (this.#transmission === null) return;
    this.#memory.holds(this.#transmission.heldBytes + this.#out.unsentBytes);
    const { arrivingBytes } = this.#reader;
    if (arrivingBytes > 0) this.#memory.claim(arrivingBytes);
  }

  #mayRead(): boolean {
    if (this.#busy || this.#memory.waiting || this.#state === 'finishing' || this.#state === 'closed') return false;
    return this.#transmission?.full !== true && this.#out.unsentBytes < UNSENT_BYTES_MAX;
  }

  #received(message: FromClient): void {
    switch (message.kind) {
      case 'flags':
        this.#negotiation.flags(message.noZeroes);
        return;
      case 'option':
        this.#busy = true;
        this.#negotiation.answer(message.number, message.option, this.#state !== 'handshake').then(
          (next) => this.#negotiated(next),
          (error: unknown) => this.#cutOff(SluiceError.from(error).message),
        );
        return;
      case 'request':
        if (message.request.command === COMMANDS.DISC) this.#state = 'finishing';
        else if (this.#memory.claim(movedBy(message.request))) this.#take(message.request);
        else this.#stopped = message.request;
    }
  }

  #take(request: NbdRequest): void {
    this.#memory.took();
    this.#transmission!.take(request, this.#state === 'draining');
  }

  #negotiated(next: Negotiated): void {
    if (this.#state === 'closed') return;
    switch (next.kind) {
      case 'more':
        break;
      case 'gone':
        this.#finish();
        return;
      case 'starttls':
        this.#startTls();
        return;
      case 'transmission':
        if (this.#state === 'handshake') this.#begin(next.export);
    }
    this.#busy = false;
    this.#pump();
  }

  /** Reads nothing more; what was asked before is answered. */
  #cutOff(why: string): void {
    this.#parts.logger.warn({ error: why }, 'an NBD client was cut off');
    if (this.#state !== 'closed') this.#state = 'finishing';
    this.#finishIfDone();
  }

  #begin(target: Export): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#state = 'transmission';
    const { clock, maxIoBytes } = this.#parts;
    const { blockBytes } = target;
    const most = Math.min(maxIoBytes, target.device.record.settings.maxQueuedBytes);
    const pieceBytes = Math.max(blockBytes, most - (most % blockBytes));
    this.#reader.beginRequests(pieceBytes);
    this.#transmission = new Transmission({
      clock,
      export: target,
      pieceBytes,
      structured: this.#negotiation.structured,
      blockStatus: this.#negotiation.hasContext(target.name),
      out: this.#out,
      places: this.#places,
      answered: this.#pump,
    });
  }

  /** The acknowledgement is on its way; from here on both sides speak TLS. */
  #startTls(): void {
    // What came ahead of TLS could have been put there by anyone on the way.
    if (this.#reader.buffered > 0) {
      this.#cutOff('bytes after STARTTLS, ahead of TLS');
      return;
    }
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('end');
    const { ca, ...identity } = this.#parts.tls!;
    // With a CA only its clients are let in. A server of its own that never listens: only it checks them.
    const verify = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
    const upgrade = createServer({ ...identity, ...verify }, (secure) => {
      if (this.#state === 'closed') {
        secure.destroy();
        return;
      }
      this.#socket = secure;
      this.#out.redirect(secure);
      this.#listen(secure);
      this.#negotiation.secured();
      this.#busy = false;
      this.#pump();
    });
    upgrade.on('tlsClientError', (error) => {
      this.#parts.logger.warn({ error: error.message }, 'an NBD client was cut off in its TLS handshake');
      this.close();
    });
    upgrade.emit('connection', plain);
  }

  #finishIfDone(): void {
    if (this.#state !== 'finishing' && this.#state !== 'draining') return;
    if (this.#transmission === null || this.#transmission.held === 0) this.#finish();
  }

  /** Sends what is to be sent; closes once the client has, since a reset would drop what it has not read. */
  #finish(): void {
    if (this.#said || this.#state === 'closed') return;
    this.#said = true;
    this.#state = 'finishing';
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(LINGER_NS, () => this.close());
    this.#out.end();
    this.#socket.resume();
  }
}

/** What a request and its answer hold, bytes; one that is too long is refused before it holds anything. */
function movedBy({ command, lengthBytes }: NbdRequest): number {
  const moves = command === COMMANDS.READ || command === COMMANDS.WRITE;
  return moves && lengthBytes <= PAYLOAD_BYTES_MAX ? lengthBytes : 0;
}
