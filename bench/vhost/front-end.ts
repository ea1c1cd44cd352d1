/**
 * A vhost-user front end without a guest: memory to share, queues to fill, and the messages that QEMU
 * would send. For tests and benchmarks of the door.
 */
import type { MemoryRegion } from '../../src/wire/vhost/messages.js';
import * as codec from '../../src/wire/vhost/messages.js';
import { FEATURE_BITS, HEADER_BYTES, REQUESTS, bits } from '../../src/wire/vhost/protocol.js';
import type { Mapping, NativeSystem } from '../../src/doors/vhost/system.js';
import { DriverQueue, queueBytes, type QueueShape } from './driver-queue.js';

const PAGE_BYTES = 4_096;
/** Where the guest, and where the front end, say that the memory begins: told apart, so that none is taken for the other. */
export const GUEST_ADDRESS = 0x4000_0000;
export const USER_ADDRESS = 0x7f00_0000_0000;

export interface FrontEndOptions extends QueueShape {
  readonly queues: number;
  /** Keep what is in flight over the loss of the back end. */
  readonly inflight: boolean;
  /** Whether the memory is one that the door takes. */
  readonly sealed: boolean;
  /** Counters that a thread can sleep on. */
  readonly blocking: boolean;
}

export const FRONT_END_DEFAULTS: FrontEndOptions = {
  queues: 1,
  size: 128,
  segments: 1,
  areaBytes: 8 * 1_024,
  indirect: false,
  eventIndex: true,
  inflight: true,
  sealed: true,
  blocking: false,
};

export class FrontEnd {
  readonly queues: readonly DriverQueue[];
  /** One a queue. */
  readonly calls: readonly number[];
  readonly errors: readonly number[];
  readonly memory: Buffer;
  readonly features: bigint;
  readonly options: FrontEndOptions;
  readonly #system: NativeSystem;
  readonly #file: number;
  readonly #mapping: Mapping;
  readonly #kicks: readonly number[];
  #socket = -1;
  #inflight: { file: number; sizeBytes: number } | null = null;
  #closed = false;

  constructor(system: NativeSystem, options: Partial<FrontEndOptions> = {}) {
    this.options = { ...FRONT_END_DEFAULTS, ...options };
    this.#system = system;
    const { queues, blocking, sealed, eventIndex, indirect } = this.options;
    const each = Math.ceil(queueBytes(this.options) / PAGE_BYTES) * PAGE_BYTES;
    this.#file = system.memoryFile('guest', each * queues, sealed);
    this.#mapping = system.map(this.#file, 0, each * queues);
    const buffer = this.#mapping.view(0, each * queues);
    this.memory = Buffer.from(buffer);
    const every = <T>(make: (i: number) => T): T[] => Array.from({ length: queues }, (_, i) => make(i));
    this.queues = every((i) => new DriverQueue(buffer, i * each, GUEST_ADDRESS, this.options));
    this.#kicks = every(() => system.eventCounter(false));
    this.calls = every(() => system.eventCounter(blocking));
    this.errors = every(() => system.eventCounter(false));
    this.features =
      bits(FEATURE_BITS.VERSION_1, FEATURE_BITS.VHOST_PROTOCOL_FEATURES) |
      (eventIndex ? bits(FEATURE_BITS.RING_EVENT_IDX) : 0n) |
      (indirect ? bits(FEATURE_BITS.RING_INDIRECT_DESC) : 0n);
  }

  connect(path: string): void {
    this.#socket = this.#system.connect(path);
  }

  /** All that QEMU says until the rings run. `bases`: where the driver's rings stand. */
  async start(bases: readonly number[] = []): Promise<void> {
    await this.ask(REQUESTS.GET_FEATURES);
    this.say(REQUESTS.SET_FEATURES, codec.encodeU64(this.features));
    const protocolFeatures = codec.decodeU64((await this.ask(REQUESTS.GET_PROTOCOL_FEATURES)).payload);
    this.say(REQUESTS.SET_PROTOCOL_FEATURES, codec.encodeU64(protocolFeatures));
    this.say(REQUESTS.SET_OWNER);
    if (this.options.inflight) await this.setInflight();
    this.setMemory();
    for (const i of this.queues.keys()) this.startQueue(i, bases[i] ?? 0);
  }

  /** The same memory again, for whoever serves next; made by the first. */
  async setInflight(): Promise<void> {
    const { queues, size } = this.options;
    if (this.#inflight === null) {
      const shape = { sizeBytes: 0, fileOffset: 0, queues, queueSize: size };
      const answer = await this.ask(REQUESTS.GET_INFLIGHT_FD, codec.encodeInflight(shape));
      const { sizeBytes } = codec.decodeInflight(answer.payload);
      this.#inflight = { file: answer.descriptors[0]!, sizeBytes };
    }
    const { file, sizeBytes } = this.#inflight;
    this.say(REQUESTS.SET_INFLIGHT_FD, codec.encodeInflight({ sizeBytes, fileOffset: 0, queues, queueSize: size }), [
      file,
    ]);
  }

  /** As a reset of the device does it: nothing is in flight any more. */
  forgetInflight(): void {
    if (this.#inflight !== null) this.#system.close(this.#inflight.file);
    this.#inflight = null;
  }

  get region(): MemoryRegion {
    return {
      guestAddress: GUEST_ADDRESS,
      userAddress: USER_ADDRESS,
      sizeBytes: this.memory.length,
      fileOffset: 0,
    };
  }

  setMemory(regions: readonly MemoryRegion[] = [this.region]): void {
    this.say(
      REQUESTS.SET_MEM_TABLE,
      codec.encodeMemoryTable(regions),
      regions.map(() => this.#file),
    );
  }

  startQueue(index: number, base: number): void {
    const queue = this.queues[index]!;
    this.say(REQUESTS.SET_VRING_NUM, codec.encodeRingState({ index, value: this.options.size }));
    this.say(REQUESTS.SET_VRING_BASE, codec.encodeRingState({ index, value: base }));
    this.say(
      REQUESTS.SET_VRING_ADDR,
      codec.encodeRingAddresses({
        index,
        flags: 0,
        descriptors: USER_ADDRESS + queue.descriptorsAt,
        used: USER_ADDRESS + queue.usedAt,
        available: USER_ADDRESS + queue.availableAt,
      }),
    );
    this.say(REQUESTS.SET_VRING_ERR, codec.encodeU64(BigInt(index)), [this.errors[index]!]);
    this.say(REQUESTS.SET_VRING_KICK, codec.encodeU64(BigInt(index)), [this.#kicks[index]!]);
    this.say(REQUESTS.SET_VRING_CALL, codec.encodeU64(BigInt(index)), [this.calls[index]!]);
    this.say(REQUESTS.SET_VRING_ENABLE, codec.encodeRingState({ index, value: 1 }));
  }

  /** Where the device stands in the driver's ring; once nothing of it is out any more. */
  async stopQueue(index: number): Promise<number> {
    const answer = await this.ask(REQUESTS.GET_VRING_BASE, codec.encodeRingState({ index, value: 0 }));
    return codec.decodeRingState(answer.payload).value;
  }

  kick(index = 0): void {
    this.#system.signal(this.#kicks[index]!);
  }

  say(request: number, payload: Uint8Array = Buffer.alloc(0), descriptors: readonly number[] = []): void {
    this.#system.send(this.#socket, codec.encodeMessage(request, payload, 'plain'), descriptors);
  }

  /** Bytes that need be no message. */
  raw(bytes: Buffer, descriptors: readonly number[] = []): void {
    this.#system.send(this.#socket, bytes, descriptors);
  }

  async ask(
    request: number,
    payload: Uint8Array = Buffer.alloc(0),
  ): Promise<{ payload: Buffer; descriptors: number[] }> {
    this.say(request, payload);
    const descriptors: number[] = [];
    const header = codec.decodeHeader(await this.#receive(HEADER_BYTES, descriptors));
    return { payload: await this.#receive(header.payloadBytes, descriptors), descriptors };
  }

  /** Resolves when the other side has hung up. */
  async hungUp(): Promise<void> {
    const into = Buffer.alloc(1);
    for (;;) {
      const got = this.#receiveNow(into);
      if (got === 0) return;
      if (got === null) await turn();
    }
  }

  async #receive(bytes: number, descriptors: number[]): Promise<Buffer> {
    const into = Buffer.alloc(bytes);
    for (let at = 0; at < bytes;) {
      const got = this.#system.receive(this.#socket, into.subarray(at), descriptors);
      if (got === 0) throw new Error('the door has hung up');
      if (got === null) await turn();
      else at += got;
    }
    return into;
  }

  #receiveNow(into: Buffer): number | null {
    try {
      return this.#system.receive(this.#socket, into, []);
    } catch {
      // Cut off with something unread.
      return 0;
    }
  }

  hangUp(): void {
    if (this.#socket >= 0) this.#system.close(this.#socket);
    this.#socket = -1;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.hangUp();
    this.forgetInflight();
    for (const descriptor of [...this.#kicks, ...this.calls, ...this.errors, this.#file])
      this.#system.close(descriptor);
    this.#mapping.unmap();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
