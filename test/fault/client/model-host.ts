/**
 * A host as a model: keeps what the real one promises a client (docs: what a reconnect means), under
 * virtual time, and notes every execution. Streams to it can be cut, it can crash, drain and forget.
 *
 * Its promises: a request is queued, then at the device, then executed and answered. When it notices
 * that a stream is gone (within NOTICE_MS_MAX of the cut), what is queued is dropped, what is at the
 * device is executed within DEVICE_MS_MAX, and the outcome kept for the session. So no write of a
 * stream lands later than both together after its end: less than the fence it tells.
 */
import { CODES, type Code } from '../../../src/core/model/errors.js';
import { OPS } from '../../../src/core/model/request.js';
import { KIB, MIB, NS_PER_MS } from '../../../src/core/model/units.js';
import type { SeededRng } from '../../../src/core/rng.js';
import type { VirtualClock } from '../../../src/clock/virtual.js';
import { changesDevice, type IoReply } from '../../../src/client/request.js';
import type { ClientFrame, ServerFrame } from '../../../src/client/network.js';
import { serverFrame, wireReply } from '../../unit/client/fake-network.js';

export const NOTICE_MS_MAX = 2_000;
export const DEVICE_MS_MAX = 1_000;
export const FENCE_MS = 4_000;
const WINDOW_REQUESTS = 16;
const WINDOW_BYTES = 256 * KIB;

export type WireRequest = ClientFrame['requests'][number];

/** Told of what happens at the device, whoever did it. */
export interface Disk {
  /** `session`: as long as the host remembers the session, one and the same. */
  executed(request: WireRequest, host: ModelHost, session: Memory): void;
  flushed(host: ModelHost): void;
}

interface Io {
  readonly request: WireRequest;
  readonly memory: Memory;
  stream: HostStream | null;
  state: 'queued' | 'device' | 'done';
}

/** What a host remembers of a session. */
export class Memory {
  readonly outcomes = new Map<number, Code>();
  readonly orphans = new Map<number, Io>();
  stream: HostStream | null = null;
}

/** The host's end of one stream. */
export class HostStream {
  readonly host: ModelHost;
  readonly send: (frame: ServerFrame) => void;
  readonly outstanding = new Map<number, Io>();
  readonly handles = new Map<number, { usedRequests: number; usedBytes: number; requests: number; bytes: number }>();
  memory: Memory | null = null;
  ended = false;

  constructor(host: ModelHost, send: (frame: ServerFrame) => void) {
    this.host = host;
    this.send = send;
  }

  received(frame: ClientFrame): void {
    if (this.ended) return;
    if (frame.hello !== null) this.host.greet(this);
    for (const { handle } of frame.open) {
      if (this.handles.has(handle)) throw new Error(`handle ${String(handle)} is opened twice`);
      this.handles.set(handle, { usedRequests: 0, usedBytes: 0, requests: WINDOW_REQUESTS, bytes: WINDOW_BYTES });
      const opened = {
        handle,
        code: CODES.OK,
        message: '',
        sizeBytes: 64 * MIB,
        blockBytes: 512,
        readOnly: false,
        lease: false,
      };
      this.send(serverFrame({ opened: [opened], credits: [this.credit(handle)] }));
    }
    for (const request of frame.requests) this.request(request);
    for (const { id } of frame.cancels) {
      const io = this.outstanding.get(id);
      if (io?.state === 'queued') this.answer(io, 'CANCELLED');
    }
  }

  sayGoAway(): void {
    this.send(serverFrame({ goAway: { reason: 'draining', graceMs: 1_000 } }));
    this.host.answered(this);
  }

  answer(io: Io, code: Code): void {
    this.outstanding.delete(io.request.id);
    io.state = 'done';
    this.reply(io.request, code);
  }

  /** The host has noticed that its peer is gone, or ends it. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const io of this.outstanding.values()) {
      io.stream = null;
      if (io.state === 'queued') io.state = 'done';
      else if (changesDevice(io.request.op as 1)) this.memory?.orphans.set(io.request.id, io);
    }
    this.outstanding.clear();
    if (this.memory?.stream === this) this.memory.stream = null;
  }

  private request(request: WireRequest): void {
    const window = this.handles.get(request.handle);
    if (window === undefined) throw new Error(`handle ${String(request.handle)} is not open on this stream`);
    if (this.outstanding.has(request.id)) throw new Error(`id ${String(request.id)} is outstanding already`);
    window.usedRequests += 1;
    if (request.op <= OPS.WRITE) window.usedBytes += request.length;
    if (window.usedRequests > window.requests || window.usedBytes > window.bytes) throw new Error('credit exceeded');
    if (this.host.draining) {
      this.reply(request, 'DRAINING');
      return;
    }
    if (request.attempt > 0 && this.resume(request)) return;
    this.host.take({ request, memory: this.memory!, stream: this, state: 'queued' }, this);
  }

  private resume(request: WireRequest): boolean {
    const orphan = this.memory?.orphans.get(request.id);
    if (orphan !== undefined) {
      orphan.stream = this;
      this.outstanding.set(request.id, orphan);
      return true;
    }
    const outcome = this.memory?.outcomes.get(request.id);
    if (outcome === undefined) return false;
    this.reply(request, outcome);
    return true;
  }

  private reply(request: WireRequest, code: Code): void {
    const window = this.handles.get(request.handle)!;
    window.requests += 1;
    if (request.op <= OPS.WRITE) window.bytes += request.length;
    const parts: Partial<IoReply> = { attempt: request.attempt };
    this.send(serverFrame({ replies: [wireReply(request.id, code, parts)], credits: [this.credit(request.handle)] }));
    this.host.answered(this);
  }

  private credit(handle: number): { handle: number; requestsTotal: number; bytesTotal: number } {
    const window = this.handles.get(handle)!;
    return { handle, requestsTotal: window.requests, bytesTotal: window.bytes };
  }
}

export class ModelHost {
  readonly address: string;
  private readonly clock: VirtualClock;
  private readonly rng: SeededRng;
  private readonly disk: Disk;
  private incarnation = 0;
  private memory = new Memory();
  private known = false;
  up = true;
  draining = false;
  readonly streams = new Set<HostStream>();
  /** Called when a draining stream has nothing left: the network ends it well. */
  onIdle: (stream: HostStream) => void = () => undefined;

  constructor(address: string, clock: VirtualClock, rng: SeededRng, disk: Disk) {
    this.address = address;
    this.clock = clock;
    this.rng = rng;
    this.disk = disk;
  }

  get hostId(): string {
    return `${this.address}/${String(this.incarnation)}`;
  }

  greet(stream: HostStream): void {
    const resumed = this.known;
    this.memory.stream?.end();
    stream.memory = this.memory;
    this.memory.stream = stream;
    this.known = true;
    this.streams.add(stream);
    const limits = { fenceMs: FENCE_MS, maxIoBytes: MIB, maxFrameBytes: 2 * MIB, maxHandles: 64 };
    stream.send(serverFrame({ welcome: { hostId: this.hostId, resumed, ...limits } }));
  }

  take(io: Io, stream: HostStream): void {
    stream.outstanding.set(io.request.id, io);
    const { incarnation } = this;
    const refusedForNothing = this.rng.below(40) === 0;
    this.after(this.rng.below(3_000), () => {
      if (io.state !== 'queued' || incarnation !== this.incarnation) return;
      if (refusedForNothing) {
        io.stream!.answer(io, 'QUEUE_FULL');
        return;
      }
      io.state = 'device';
      this.after(this.rng.below(DEVICE_MS_MAX), () => {
        if (incarnation === this.incarnation && io.state === 'device') this.complete(io);
      });
    });
  }

  answered(stream: HostStream): void {
    if (this.draining && stream.outstanding.size === 0) this.onIdle(stream);
  }

  /** All it held is gone; what was at the device has been executed or not. */
  crash(): void {
    for (const stream of this.streams) {
      for (const io of stream.outstanding.values()) this.dropOrExecute(io);
    }
    for (const io of this.memory.orphans.values()) this.dropOrExecute(io);
    this.stop();
  }

  /** Ended in good order. */
  stop(): void {
    this.up = false;
    this.draining = false;
    this.incarnation += 1;
    for (const stream of this.streams) stream.ended = true;
    this.streams.clear();
    this.forget();
  }

  /** Forgets sessions that have no stream. */
  forget(): void {
    if (this.memory.stream !== null && this.up) return;
    this.memory = new Memory();
    this.known = false;
  }

  private dropOrExecute(io: Io): void {
    if (io.state === 'device' && this.rng.below(2) === 0) this.execute(io);
    io.state = 'done';
  }

  private execute(io: Io): void {
    if (io.request.op === OPS.FLUSH) this.disk.flushed(this);
    else this.disk.executed(io.request, this, io.memory);
  }

  private complete(io: Io): void {
    this.execute(io);
    const { id, op } = io.request;
    if (changesDevice(op as 1)) {
      io.memory.outcomes.set(id, 'OK');
      io.memory.orphans.delete(id);
    }
    if (io.stream === null || io.stream.ended) io.state = 'done';
    else io.stream.answer(io, 'OK');
  }

  private after(ms: number, fn: () => void): void {
    this.clock.after(ms * NS_PER_MS, fn);
  }
}
