/**
 * Linux's io_uring (io_uring(7)): the one file that calls the system itself, by way of koffi.
 *
 *   push() ─▶ entries in shared memory ─ enter() ─▶ kernel ─▶ completions in shared memory ─▶ reap()
 *
 * One system call hands over all that has been pushed, none is needed to see what has ended. Nothing is
 * checked here: who pushes answers for memory that stays where it is until its completion has been reaped.
 * An instance belongs to the thread that made it.
 */
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** Opcodes, of linux/io_uring.h. */
export const URING_OPS = { FSYNC: 3, POLL_ADD: 6, READ: 22, WRITE: 23, SEND: 26 } as const;
/** Flags of an entry: the next one begins when this one has ended well; it has no completion if it ends well. */
export const URING_ENTRY = { LINK: 1 << 2, SILENT: 1 << 6 } as const;
export const FSYNC_DATASYNC = 1;
export const POLL_IN = 1;

/** What one entry asks for. */
export interface UringEntry {
  op: number;
  flags: number;
  fd: number;
  offset: number;
  address: number;
  lengthBytes: number;
  opFlags: number;
  /** Comes back with its completion; 0..2^31-1. */
  id: number;
}

const SETUP_CQSIZE = 1 << 3;
/** Completions are written down when the thread is in the kernel anyway: without it each interrupts it. Since Linux 5.19. */
const SETUP_COOP_TASKRUN = 1 << 8;
const ENTER_GETEVENTS = 1;
const SQ_CQ_OVERFLOW = 1 << 1;
/** The same number on every architecture that came after 2019, and on those before. */
const SYSCALL = { setup: 425, enter: 426 } as const;
const MMAP_ENTRIES = 0x1000_0000;
const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;
const MAP_FAILED = 2n ** 64n - 1n;
const AF_UNIX = 1;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 0o2004001;
const ENTRY_WORDS = 16;
const COMPLETION_WORDS = 4;
const WORD = 4;
/** errno of a call that is to be made again a little later: EINTR, EAGAIN, EBUSY. */
const LATER: ReadonlySet<number> = new Set([4, 11, 16]);
const HIGH = 2 ** 32;

interface Native {
  readonly koffi: typeof Koffi;
  readonly setup: (number: number, entries: number, parameters: Uint8Array) => number;
  readonly enter: (
    number: number,
    fd: number,
    submit: number,
    wait: number,
    flags: number,
    signals: null,
    size: number,
  ) => number;
  readonly mmap: (at: null, bytes: number, protection: number, flags: number, fd: number, offset: number) => unknown;
  readonly munmap: (at: unknown, bytes: number) => number;
  readonly socketpair: (family: number, type: number, protocol: number, fds: Uint8Array) => number;
  readonly close: (fd: number) => number;
}

let native: Native | null | undefined;

/** koffi is an optional package; null without it, or where there is no such library. */
function load(): Native | null {
  if (native !== undefined) return native;
  native = null;
  if (process.platform !== 'linux') return native;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const libc = koffi.load('libc.so.6');
    native = {
      koffi,
      setup: libc.func('syscall', 'long', ['long', 'uint32', 'void *']),
      enter: libc.func('syscall', 'long', ['long', 'int', 'uint32', 'uint32', 'uint32', 'void *', 'size_t']),
      mmap: libc.func('mmap', 'void *', ['void *', 'size_t', 'int', 'int', 'int', 'int64']),
      munmap: libc.func('munmap', 'int', ['void *', 'size_t']),
      socketpair: libc.func('socketpair', 'int', ['int', 'int', 'int', 'void *']),
      close: libc.func('close', 'int', ['int']),
    };
  } catch {
    // Who asks is told that there is none.
  }
  return native;
}

/** Where memory lies that neither moves nor is freed while it is used: not that of a small Buffer. */
export function addressOf(memory: Uint8Array): number {
  return Number(load()!.koffi.address(memory));
}

/** Two connected sockets; whoever has no more use for them closes them. */
export function socketPair(): [number, number] {
  const fds = new Int32Array(2);
  const { socketpair, koffi } = load()!;
  if (socketpair(AF_UNIX, SOCK_STREAM_NONBLOCK_CLOEXEC, 0, new Uint8Array(fds.buffer)) !== 0) {
    throw new Error(`socketpair: errno ${String(koffi.errno())}`);
  }
  return [fds[0]!, fds[1]!];
}

export function closeDescriptor(fd: number): void {
  load()!.close(fd);
}

interface Mapping {
  readonly at: unknown;
  readonly bytes: number;
}

export class Uring {
  readonly fd: number;
  readonly #native: Native;
  readonly #maps: readonly Mapping[];
  /** The heads, tails, flags and completions; the entries. */
  readonly #words: Int32Array;
  readonly #entries: Uint32Array;
  readonly #at: { readonly sqHead: number; readonly sqTail: number; readonly sqFlags: number };
  readonly #cq: { readonly head: number; readonly tail: number; readonly completions: number; readonly mask: number };
  readonly #size: number;
  #tail = 0;
  #pushed = 0;

  /** null where the system has none, forbids it, or is too old. @param entries a power of two */
  static open(entries: number, completions: number): Uring | null {
    const found = load();
    if (found === null) return null;
    const parameters = new Uint32Array(30);
    parameters[1] = completions;
    parameters[2] = SETUP_CQSIZE | SETUP_COOP_TASKRUN;
    const fd = found.setup(SYSCALL.setup, entries, new Uint8Array(parameters.buffer));
    return fd < 0 ? null : new Uring(found, fd, parameters);
  }

  /** @param parameters struct io_uring_params, as the kernel has filled it in: ten words, then two of ten words each */
  private constructor(found: Native, fd: number, parameters: Uint32Array) {
    const [sqEntries, cqEntries] = parameters as unknown as [number, number];
    const sq = parameters.subarray(10, 20);
    const cq = parameters.subarray(20, 30);
    this.#native = found;
    this.fd = fd;
    this.#size = sqEntries;
    const ringBytes = Math.max(sq[6]! + sqEntries * WORD, cq[5]! + cqEntries * COMPLETION_WORDS * WORD);
    const ring = this.#map(ringBytes, 0);
    const entries = this.#map(sqEntries * ENTRY_WORDS * WORD, MMAP_ENTRIES);
    this.#maps = [ring, entries];
    this.#words = new Int32Array(found.koffi.view(ring.at, ring.bytes));
    this.#entries = new Uint32Array(found.koffi.view(entries.at, entries.bytes));
    this.#at = { sqHead: sq[0]! / WORD, sqTail: sq[1]! / WORD, sqFlags: sq[4]! / WORD };
    this.#cq = { head: cq[0]! / WORD, tail: cq[1]! / WORD, completions: cq[5]! / WORD, mask: cqEntries - 1 };
    // Entry i is always at place i of the queue.
    for (let i = 0; i < sqEntries; i++) this.#words[sq[6]! / WORD + i] = i;
  }

  /** Adds an entry. What is full is handed over first. False where the kernel takes none now. */
  push(entry: Readonly<UringEntry>): boolean {
    if (this.#pushed === this.#size) this.enter();
    if (this.#pushed === this.#size) return false;
    const words = this.#entries;
    const at = (this.#tail & (this.#size - 1)) * ENTRY_WORDS;
    words[at] = entry.op | (entry.flags << 8);
    words[at + 1] = entry.fd;
    words[at + 2] = entry.offset % HIGH;
    words[at + 3] = entry.offset / HIGH;
    words[at + 4] = entry.address % HIGH;
    words[at + 5] = entry.address / HIGH;
    words[at + 6] = entry.lengthBytes;
    words[at + 7] = entry.opFlags;
    words[at + 8] = entry.id;
    this.#tail = (this.#tail + 1) | 0;
    this.#pushed += 1;
    return true;
  }

  /** Entries that the kernel does not have yet. */
  get pushed(): number {
    return this.#pushed;
  }

  /** Hands over what has been pushed. Some may stay, to be handed over later. */
  enter(): void {
    Atomics.store(this.#words, this.#at.sqTail, this.#tail);
    const taken = this.#native.enter(SYSCALL.enter, this.fd, this.#pushed, 0, ENTER_GETEVENTS, null, 0);
    if (taken >= 0) {
      this.#pushed -= taken;
      return;
    }
    const errno = this.#native.koffi.errno();
    if (!LATER.has(errno)) throw new Error(`io_uring_enter: errno ${String(errno)}`);
    // Some of them may have been taken all the same.
    this.#pushed = (this.#tail - Atomics.load(this.#words, this.#at.sqHead)) | 0;
  }

  /**
   * Gives completions that are there, `most` of them at most, to `ended`, which may push: bytes moved or -errno.
   * Returns how many there were.
   */
  reap(ended: (id: number, result: number) => void, most: number): number {
    const words = this.#words;
    const { head: headAt, tail: tailAt, completions, mask } = this.#cq;
    let reaped = 0;
    for (;;) {
      let head = words[headAt]!;
      const tail = Atomics.load(words, tailAt);
      for (; head !== tail; reaped++) {
        const at = completions + (head & mask) * COMPLETION_WORDS;
        const id = words[at]!;
        const result = words[at + 2]!;
        head = (head + 1) | 0;
        Atomics.store(words, headAt, head);
        ended(id, result);
        if (reaped + 1 === most) return most;
      }
      // More had ended than there was room for: the kernel holds on to them until it is entered.
      if ((Atomics.load(words, this.#at.sqFlags) & SQ_CQ_OVERFLOW) === 0) return reaped;
      this.enter();
    }
  }

  /** Only when nothing is under way. */
  close(): void {
    for (const { at, bytes } of this.#maps) this.#native.munmap(at, bytes);
    this.#native.close(this.fd);
  }

  #map(bytes: number, offset: number): Mapping {
    const { mmap, koffi } = this.#native;
    const at = mmap(null, bytes, PROT_READ_WRITE, MAP_SHARED_POPULATE, this.fd, offset);
    if (koffi.address(at) === MAP_FAILED) throw new Error(`mmap of a ring: errno ${String(koffi.errno())}`);
    return { at, bytes };
  }
}
