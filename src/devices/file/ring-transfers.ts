/**
 * Transfers through io_uring: all that one turn of the event loop asks for goes to the kernel in one system
 * call, and all that has ended meanwhile is seen in the same turn.
 *
 * What ends while the loop sleeps has to wake it, and Node's loop wakes for sockets, not for rings. So
 * before it may sleep a bell is set: a second ring that waits for the first one to have a completion and
 * then, by itself, sends one byte to a socket that the loop does know.
 *
 *   transfers ─▶ ring ─ ended ─▶ bell: poll(ring) ─ linked ─▶ send ─▶ socket ─▶ the loop's next turn
 *
 * One bell serves all that ends until it rings. No thread waits, and none spins.
 */
import { Socket } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import type { Moved, Transfers } from './transfers.js';
import {
  FSYNC_DATASYNC,
  POLL_IN,
  URING_ENTRY,
  URING_OPS,
  Uring,
  addressOf,
  closeDescriptor,
  socketPair,
  type UringEntry,
} from './uring.js';

const ENTRIES = 256;
/**
 * So many are handed over at once; fewer when the turn is over. A disk may answer all of a batch together, a
 * virtual one does: were the batch as large as what is outstanding, disk and loop would take turns instead
 * of working beside each other (4 KiB reads at depth 32: 95,000 a second by 8, 76,000 by 32).
 */
const BATCH = 8;
/**
 * So many that have ended are seen in one turn of the loop; the others in the next. In between it hears what
 * clients have sent meanwhile, so that those who are owed most have something waiting when slots are given
 * away. Were all of a deep queue answered in one turn, clients and disk would take turns, each with all that it
 * has, and who asks for much would get no more than who asks for little (five clients of shares 1 to 5, 16
 * outstanding each, depth 24: 13:17:21:24:25 without this, 11:21:30:40:49 with it).
 */
const REAPED_MAX = 8;
/** That may end before the loop looks; past it the kernel keeps them. */
const COMPLETIONS = 4_096;
const BELL_ENTRIES = 2;
const BELL_BYTES = 64;
/** What a bell sends. It lives as long as any bell may. */
const STROKE = Buffer.allocUnsafeSlow(1).fill(1);

const NAMES: Readonly<Record<number, string>> = {
  [URING_OPS.READ]: 'read',
  [URING_OPS.WRITE]: 'write',
  [URING_OPS.FSYNC]: 'fdatasync',
};

export class RingTransfers implements Transfers {
  readonly #fd: number;
  readonly #ring: Uring;
  readonly #bell: Bell;
  /** By id: whom to tell, and what was asked. */
  readonly #done: (Moved | null)[] = [];
  readonly #op: number[] = [];
  readonly #free: number[] = [];
  readonly #addresses = new Map<Uint8Array, number>();
  /** Pushed in place of an object a request. */
  readonly #entry: UringEntry;
  /** Those that the ring had no room for, oldest first. */
  readonly #waiting: UringEntry[] = [];
  #outstanding = 0;
  #turn = false;
  #closed = false;

  /** null where this system has no io_uring for us. */
  static open(fd: number): RingTransfers | null {
    const ring = Uring.open(ENTRIES, COMPLETIONS);
    if (ring === null) return null;
    const bell = Uring.open(BELL_ENTRIES, BELL_ENTRIES * 2);
    if (bell !== null) return new RingTransfers(fd, ring, bell);
    ring.close();
    return null;
  }

  private constructor(fd: number, ring: Uring, bell: Uring) {
    this.#fd = fd;
    this.#ring = ring;
    this.#bell = new Bell(bell, ring.fd, this.#look);
    this.#entry = { op: 0, flags: 0, fd, offset: 0, address: 0, lengthBytes: 0, opFlags: 0, id: 0 };
  }

  read(memory: Uint8Array, at: number, lengthBytes: number, position: number, done: Moved): void {
    this.#begin(URING_OPS.READ, this.#address(memory) + at, lengthBytes, position, 0, done);
  }

  write(memory: Uint8Array, at: number, lengthBytes: number, position: number, done: Moved): void {
    this.#begin(URING_OPS.WRITE, this.#address(memory) + at, lengthBytes, position, 0, done);
  }

  sync(done: (error: NodeJS.ErrnoException | null) => void): void {
    this.#begin(URING_OPS.FSYNC, 0, 0, 0, FSYNC_DATASYNC, done);
  }

  close(): void {
    this.#closed = true;
    this.#bell.close();
    this.#ring.close();
  }

  #address(memory: Uint8Array): number {
    let address = this.#addresses.get(memory);
    if (address === undefined) this.#addresses.set(memory, (address = addressOf(memory)));
    return address;
  }

  #begin(op: number, address: number, lengthBytes: number, offset: number, opFlags: number, done: Moved): void {
    const id = this.#free.pop() ?? this.#done.length;
    this.#done[id] = done;
    this.#op[id] = op;
    this.#outstanding += 1;
    if (this.#outstanding === 1) this.#bell.ref();
    const entry = this.#entry;
    entry.op = op;
    entry.offset = offset;
    entry.address = address;
    entry.lengthBytes = lengthBytes;
    entry.opFlags = opFlags;
    entry.id = id;
    if (this.#waiting.length > 0 || !this.#ring.push(entry)) this.#waiting.push({ ...entry, fd: this.#fd });
    if (this.#ring.pushed >= BATCH) this.#ring.enter();
    this.#soon();
  }

  /** After the callbacks of this turn: what they ask for goes together. */
  #soon(): void {
    if (this.#turn) return;
    this.#turn = true;
    setImmediate(this.#handOver);
  }

  readonly #handOver = (): void => {
    this.#turn = false;
    if (this.#closed) return;
    while (this.#waiting.length > 0 && this.#ring.push(this.#waiting[0]!)) this.#waiting.shift();
    if (this.#ring.pushed > 0) this.#ring.enter();
    const more = this.#ring.reap(this.#ended, REAPED_MAX) === REAPED_MAX;
    const all = !more && this.#ring.pushed === 0 && this.#waiting.length === 0;
    if (this.#outstanding > 0 && !(all && this.#bell.set())) this.#soon();
  };

  /** The bell has rung. */
  readonly #look = (): void => {
    this.#ring.reap(this.#ended, REAPED_MAX);
    if (this.#outstanding > 0) this.#soon();
  };

  readonly #ended = (id: number, result: number): void => {
    const done = this.#done[id]!;
    this.#done[id] = null;
    this.#free.push(id);
    this.#outstanding -= 1;
    if (this.#outstanding === 0) this.#bell.unref();
    if (result >= 0) done(null, result);
    else done(systemError(result, NAMES[this.#op[id]!]!), 0);
  };
}

/** Rings once for each time that it is set, when the ring that it listens to has a completion. */
class Bell {
  readonly #uring: Uring;
  readonly #socket: Socket;
  readonly #clapper: number;
  readonly #poll: UringEntry;
  readonly #send: UringEntry;
  #isSet = false;

  constructor(uring: Uring, ringFd: number, rung: () => void) {
    this.#uring = uring;
    const [hears, clapper] = socketPair();
    this.#clapper = clapper;
    const { LINK, SILENT } = URING_ENTRY;
    const none = { offset: 0, address: 0, lengthBytes: 0, opFlags: 0, id: 0 };
    this.#poll = { ...none, op: URING_OPS.POLL_ADD, flags: LINK | SILENT, fd: ringFd, opFlags: POLL_IN };
    this.#send = {
      ...none,
      op: URING_OPS.SEND,
      flags: SILENT,
      fd: clapper,
      address: addressOf(STROKE),
      lengthBytes: 1,
    };
    const callback = (): boolean => {
      this.#isSet = false;
      rung();
      return true;
    };
    const onread = { buffer: Buffer.allocUnsafeSlow(BELL_BYTES), callback };
    this.#socket = new Socket({ fd: hears, readable: true, writable: false, onread } as never);
    this.#socket.unref();
  }

  /** False where the kernel has not taken it yet: to be called again. */
  set(): boolean {
    if (!this.#isSet) {
      this.#isSet = true;
      this.#uring.push(this.#poll);
      this.#uring.push(this.#send);
    }
    if (this.#uring.pushed > 0) this.#uring.enter();
    return this.#uring.pushed === 0;
  }

  /** While something is under way the process does not end. */
  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): void {
    // First, so that what it sends to is still what it was made for.
    this.#uring.close();
    this.#socket.destroy();
    closeDescriptor(this.#clapper);
  }
}

/** What node:fs would have given. */
function systemError(result: number, syscall: string): NodeJS.ErrnoException {
  const [code = `errno ${String(-result)}`, text = 'unknown error'] = getSystemErrorMap().get(result) ?? [];
  return Object.assign(new Error(`${code}: ${text}, ${syscall}`), { code, errno: result, syscall });
}
