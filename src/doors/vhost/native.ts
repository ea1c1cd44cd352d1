/**
 * The native calls of this door, all of them: Linux with the GNU C library, 64 bits, by way of koffi.
 *
 * One epoll_wait blocks one thread of libuv's pool for the whole door, and its answer arrives like any
 * other work of the pool. So an idle door costs no CPU, and a kick reaches JavaScript some ten
 * microseconds after it was written. Node has no public way to let its own loop look at an eventfd.
 */
import { statfsSync } from 'node:fs';
import { SluiceError, invalid } from '../../core/model/errors.js';
import type { Mapping, NativeSystem, Waiter } from './system.js';

type Libc = ReturnType<typeof declare>;
type Koffi = typeof import('koffi');

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 0x80001;
const SOCK_NONBLOCK_CLOEXEC = 0x80800;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT_CMSG_CLOEXEC = 0x4000_0040;
const MSG_NOSIGNAL = 0x4000;
const MSG_CTRUNC = 8;
const EAGAIN = 11;
const EINTR = 4;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MFD_CLOEXEC_SEALING = 3;
const F_ADD_SEALS = 1_033;
const F_GET_SEALS = 1_034;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;
const TMPFS_MAGIC = 0x0102_1994;
const EFD_CLOEXEC = 0x80000;
const EFD_NONBLOCK_CLOEXEC = 0x80800;
const EPOLL_CLOEXEC = 0x80000;
const EPOLL_ADD = 1;
const EPOLL_DEL = 2;
const EPOLLIN = 1;
const EPOLLET = 0x8000_0000;
const EVENTS_MAX = 64;
/** struct epoll_event is packed on x86-64 alone. */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
const EVENT_DATA_AT = EVENT_BYTES - 8;
const CONTROL_HEAD_BYTES = 16;
const CONTROL_BYTES = CONTROL_HEAD_BYTES + 32;
const MESSAGE_BYTES = 56;
const LISTEN_BACKLOG = 8;
const SOCKET_PATH_MAX = 107;
/** A waiter's own id, for wake(). */
const WAKE_ID = 0xffff_ffff;

/** @throws SluiceError UNSUPPORTED with what is missing */
export async function loadNative(): Promise<NativeSystem> {
  const missing = (what: string): SluiceError =>
    new SluiceError(
      'UNSUPPORTED',
      `the vhost door needs Linux on x64 or arm64 with glibc and the package koffi: ${what}`,
    );
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    throw missing(`this is ${process.platform} on ${process.arch}`);
  }
  let koffi: Koffi;
  try {
    koffi = (await import('koffi')).default as unknown as Koffi;
  } catch (error) {
    throw missing(messageOf(error));
  }
  try {
    return new Native(koffi, declare(koffi));
  } catch (error) {
    throw missing(messageOf(error));
  }
}

function declare(koffi: Koffi) {
  const libc = koffi.load('libc.so.6');
  const call = (definition: string): NumberCall => libc.func(definition);
  return {
    socket: call('int socket(int, int, int)'),
    bind: call('int bind(int, void*, int)'),
    listen: call('int listen(int, int)'),
    accept: call('int accept4(int, void*, void*, int)'),
    connect: call('int connect(int, void*, int)'),
    recvmsg: call('int64 recvmsg(int, void*, int)'),
    sendmsg: call('int64 sendmsg(int, void*, int)'),
    mmap: libc.func('void* mmap(void*, uint64, int, int, int, int64)') as unknown as (
      ...args: (number | null)[]
    ) => bigint,
    munmap: call('int munmap(void*, uint64)'),
    memfd: call('int memfd_create(const char*, uint32)'),
    ftruncate: call('int ftruncate(int, int64)'),
    fcntl: call('int fcntl(int, int, int)'),
    eventfd: call('int eventfd(uint32, int)'),
    read: call('int64 read(int, void*, uint64)'),
    write: call('int64 write(int, void*, uint64)'),
    close: call('int close(int)'),
    epollCreate: call('int epoll_create1(int)'),
    epollCtl: call('int epoll_ctl(int, int, int, void*)'),
    epollWait: call('int epoll_wait(int, void*, int, int)'),
  };
}

/** A function of the C library that answers with a number small enough to be exact. */
interface NumberCall {
  (...args: (number | bigint | Buffer | string | null)[]): number;
  async: (...args: (number | Buffer | ((error: Error | null, result: number) => void))[]) => void;
}

class Native implements NativeSystem {
  readonly #koffi: Koffi;
  readonly #libc: Libc;
  readonly #one = Buffer.alloc(8);
  readonly #count = Buffer.alloc(8);
  /** struct msghdr with one struct iovec and room for descriptors; used within a call only. */
  readonly #message = Buffer.alloc(MESSAGE_BYTES);
  readonly #iovec = Buffer.alloc(16);
  readonly #control = Buffer.alloc(CONTROL_BYTES);

  constructor(koffi: Koffi, libc: Libc) {
    this.#koffi = koffi;
    this.#libc = libc;
    this.#one.writeUInt32LE(1, 0);
  }

  listen(path: string): number {
    const socket = this.#checked('socket', this.#libc.socket(AF_UNIX, SOCK_STREAM_CLOEXEC | SOCK_NONBLOCK_CLOEXEC, 0));
    const address = socketAddress(path);
    if (this.#libc.bind(socket, address, address.length) < 0 || this.#libc.listen(socket, LISTEN_BACKLOG) < 0) {
      const errno = this.#koffi.errno();
      this.close(socket);
      throw invalid('socket', `a path that is free to listen at (errno ${String(errno)})`, path);
    }
    return socket;
  }

  accept(socket: number): number | null {
    const client = this.#libc.accept(socket, null, null, SOCK_NONBLOCK_CLOEXEC);
    return client < 0 ? null : client;
  }

  isServed(path: string): boolean {
    const socket = this.#checked('socket', this.#libc.socket(AF_UNIX, SOCK_STREAM_CLOEXEC | SOCK_NONBLOCK_CLOEXEC, 0));
    const address = socketAddress(path);
    // EAGAIN: there are more clients than fit its backlog.
    const served = this.#libc.connect(socket, address, address.length) === 0 || this.#koffi.errno() === EAGAIN;
    this.close(socket);
    return served;
  }

  connect(path: string): number {
    const socket = this.#checked('socket', this.#libc.socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0));
    const address = socketAddress(path);
    if (this.#libc.connect(socket, address, address.length) < 0) {
      const errno = this.#koffi.errno();
      this.close(socket);
      throw new SluiceError('NOT_FOUND', `nobody listens at ${path} (errno ${String(errno)})`);
    }
    return socket;
  }

  receive(socket: number, into: Buffer, descriptors: number[]): number | null {
    this.#prepare(into, CONTROL_BYTES);
    let got: number;
    do got = this.#libc.recvmsg(socket, this.#message, MSG_DONTWAIT_CMSG_CLOEXEC);
    while (got < 0 && this.#koffi.errno() === EINTR);
    if (got < 0) {
      if (this.#koffi.errno() === EAGAIN) return null;
      throw new SluiceError('DEVICE_IO', `receiving failed with errno ${String(this.#koffi.errno())}`);
    }
    this.#takeDescriptors(descriptors);
    if ((this.#message.readUInt32LE(48) & MSG_CTRUNC) !== 0) {
      throw new SluiceError('INVALID_ARGUMENT', 'a message must bring at most 8 descriptors');
    }
    return got;
  }

  #takeDescriptors(descriptors: number[]): void {
    if (Number(this.#message.readBigUInt64LE(40)) < CONTROL_HEAD_BYTES) return;
    if (this.#control.readInt32LE(8) !== SOL_SOCKET || this.#control.readInt32LE(12) !== SCM_RIGHTS) return;
    const end = Math.min(Number(this.#control.readBigUInt64LE(0)), CONTROL_BYTES);
    for (let at = CONTROL_HEAD_BYTES; at + 4 <= end; at += 4) descriptors.push(this.#control.readInt32LE(at));
  }

  send(socket: number, bytes: Buffer, descriptors: readonly number[]): void {
    let at = 0;
    while (at < bytes.length) {
      const rights = at === 0 ? descriptors : [];
      this.#prepare(
        bytes.subarray(at),
        rights.length === 0 ? 0 : CONTROL_HEAD_BYTES + Math.ceil(rights.length / 2) * 8,
      );
      this.#control.writeBigUInt64LE(BigInt(CONTROL_HEAD_BYTES + 4 * rights.length), 0);
      this.#control.writeInt32LE(SOL_SOCKET, 8);
      this.#control.writeInt32LE(SCM_RIGHTS, 12);
      for (const [i, descriptor] of rights.entries())
        this.#control.writeInt32LE(descriptor, CONTROL_HEAD_BYTES + 4 * i);
      const sent = this.#libc.sendmsg(socket, this.#message, MSG_NOSIGNAL);
      // Answers are a few dozen bytes: a front end that leaves a whole socket buffer unread is broken.
      if (sent < 0) throw new SluiceError('DEVICE_IO', `sending failed with errno ${String(this.#koffi.errno())}`);
      at += sent;
    }
  }

  map(file: number, offset: number, sizeBytes: number): Mapping {
    const address = this.#libc.mmap(null, sizeBytes, PROT_READ_WRITE, MAP_SHARED, file, offset);
    if (BigInt.asIntN(64, address) === -1n) {
      throw new SluiceError('INVALID_ARGUMENT', `memory cannot be shared: errno ${String(this.#koffi.errno())}`);
    }
    return {
      view: (from, bytes) => this.#koffi.view(address + BigInt(from), bytes),
      unmap: () => this.#checked('munmap', this.#libc.munmap(address, sizeBytes)),
    };
  }

  memoryFile(name: string, sizeBytes: number, sealed: boolean): number {
    const file = this.#checked('memfd_create', this.#libc.memfd(name, MFD_CLOEXEC_SEALING));
    this.#checked('ftruncate', this.#libc.ftruncate(file, sizeBytes));
    if (sealed) this.#checked('fcntl', this.#libc.fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    return file;
  }

  cannotShrink(file: number): boolean {
    // Huge pages are out too: a hole that is punched into them may find none to fill it with again.
    try {
      if (statfsSync(`/proc/self/fd/${String(file)}`).type !== TMPFS_MAGIC) return false;
    } catch {
      return false;
    }
    const seals = this.#libc.fcntl(file, F_GET_SEALS, 0);
    return seals >= 0 && (seals & F_SEAL_SHRINK) !== 0;
  }

  eventCounter(blocking: boolean): number {
    return this.#checked('eventfd', this.#libc.eventfd(0, blocking ? EFD_CLOEXEC : EFD_NONBLOCK_CLOEXEC));
  }

  signal(counter: number): void {
    this.#libc.write(counter, this.#one, 8);
  }

  waitFor(counter: number): void {
    this.#libc.read(counter, this.#count, 8);
  }

  waiter(): Waiter {
    return new EpollWaiter(this, this.#libc);
  }

  close(descriptor: number): void {
    this.#libc.close(descriptor);
  }

  /** Points the message at the bytes and at room for descriptors. */
  #prepare(bytes: Buffer, controlBytes: number): void {
    this.#iovec.writeBigUInt64LE(this.#koffi.address(bytes), 0);
    this.#iovec.writeBigUInt64LE(BigInt(bytes.length), 8);
    this.#message.fill(0);
    this.#message.writeBigUInt64LE(this.#koffi.address(this.#iovec), 16);
    this.#message.writeBigUInt64LE(1n, 24);
    if (controlBytes === 0) return;
    this.#message.writeBigUInt64LE(this.#koffi.address(this.#control), 32);
    this.#message.writeBigUInt64LE(BigInt(controlBytes), 40);
  }

  #checked(call: string, result: number): number {
    if (result >= 0) return result;
    throw new SluiceError('INTERNAL', `${call} failed with errno ${String(this.#koffi.errno())}`);
  }
}

class EpollWaiter implements Waiter {
  readonly #native: NativeSystem;
  readonly #libc: Libc;
  readonly #epoll: number;
  readonly #wakeup: number;
  readonly #events = Buffer.alloc(EVENT_BYTES * EVENTS_MAX);
  readonly #ids: number[] = [];
  /** A thread of the pool that sleeps in a system call would keep the process from ending. */
  readonly #onExit = (): void => this.wake();

  constructor(native: NativeSystem, libc: Libc) {
    this.#native = native;
    this.#libc = libc;
    this.#epoll = libc.epollCreate(EPOLL_CLOEXEC);
    this.#wakeup = native.eventCounter(false);
    if (this.#epoll < 0) throw new SluiceError('INTERNAL', 'epoll_create1 failed');
    this.add(this.#wakeup, WAKE_ID, 'edge');
    process.on('exit', this.#onExit);
  }

  add(descriptor: number, id: number, how: 'edge' | 'level'): void {
    const event = Buffer.alloc(EVENT_BYTES);
    event.writeUInt32LE(how === 'edge' ? (EPOLLIN | EPOLLET) >>> 0 : EPOLLIN, 0);
    event.writeUInt32LE(id, EVENT_DATA_AT);
    if (this.#libc.epollCtl(this.#epoll, EPOLL_ADD, descriptor, event) === 0) return;
    throw new SluiceError('INVALID_ARGUMENT', 'a descriptor that came cannot be waited for');
  }

  remove(descriptor: number): void {
    this.#libc.epollCtl(this.#epoll, EPOLL_DEL, descriptor, this.#events);
  }

  wait(ready: (ids: readonly number[]) => void): void {
    this.#libc.epollWait.async(this.#epoll, this.#events, EVENTS_MAX, -1, (error, count) => {
      const ids = this.#ids;
      ids.length = 0;
      for (let i = 0; error === null && i < count; i++) {
        const id = this.#events.readUInt32LE(i * EVENT_BYTES + EVENT_DATA_AT);
        if (id !== WAKE_ID) ids.push(id);
      }
      ready(ids);
    });
  }

  wake(): void {
    this.#native.signal(this.#wakeup);
  }

  close(): void {
    process.off('exit', this.#onExit);
    this.#native.close(this.#wakeup);
    this.#native.close(this.#epoll);
  }
}

function socketAddress(path: string): Buffer {
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_MAX) throw invalid('socket', `a path of at most ${String(SOCKET_PATH_MAX)} bytes`, path);
  const address = Buffer.alloc(2 + SOCKET_PATH_MAX + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2);
  return address;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0]! : String(error);
}
