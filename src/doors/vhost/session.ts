/**
 * One front end at a disk: its messages, in order, and the queues that they set up.
 *
 *   setting up ──KICK and ENABLE──▶ a queue is served ──GET_VRING_BASE──▶ holding ──all back──▶ answered
 *        │  ▲                                                                                     │
 *        │  └──────────────────── a reboot sets it up again ──────────────────────────────────────┘
 *        └── hung up, or a message that breaks the protocol ──▶ closing ──all back──▶ over
 *
 * Messages are handled one at a time; while GET_VRING_BASE waits for what is out, none is read. A guest
 * that breaks the rules of a ring stops that ring: QEMU and the other queues go on, and a reset begins it anew.
 */
import { fstatSync } from 'node:fs';
import { SluiceError } from '../../core/model/errors.js';
import type { Clock, ServedDevice } from '../../core/ports.js';
import * as codec from '../../wire/vhost/messages.js';
import {
  FEATURE_BITS,
  NO_DESCRIPTOR,
  PROTOCOL_FEATURE_BITS,
  QUEUE_MASK,
  REQUESTS,
  VhostProtocolError,
  hasBit,
} from '../../wire/vhost/protocol.js';
import { INDEX_MASK, QUEUE_SIZE_MAX } from '../../wire/vhost/virtqueue.js';
import { QUEUES_MAX } from './bounds.js';
import { configOf, featuresOf, PROTOCOL_FEATURES } from './features.js';
import { InflightMemory } from './inflight.js';
import { GuestMemory } from './memory.js';
import { MessageSocket, type Message } from './message-socket.js';
import type { Poller } from './poller.js';
import type { PriorityMap } from './priority-map.js';
import { QueueState } from './queue-state.js';
import type { Reactor } from './reactor.js';
import { Ring } from './ring.js';
import type { NativeSystem } from './system.js';

/** A front end that says more than this at once waits for others. */
const MESSAGES_A_TURN = 64;

export interface SessionParts {
  readonly system: NativeSystem;
  readonly reactor: Reactor;
  readonly poller: Poller;
  readonly clock: Clock;
  readonly device: ServedDevice;
  readonly priorities: PriorityMap;
  readonly serial: Buffer;
  readonly pieceBytes: number;
  /** A ring has stopped, or the front end was cut off: why. */
  readonly complained: (why: string) => void;
  /** Over: nothing of it is at the device any more. */
  readonly over: () => void;
}

export class Session {
  readonly #parts: SessionParts;
  readonly #socket: MessageSocket;
  readonly #queues = new Map<number, QueueState>();
  readonly #unwatch: () => void;
  #memory: GuestMemory | null = null;
  #inflight: InflightMemory | null = null;
  #features = 0n;
  #protocolFeatures = 0n;
  /** A message is being answered. */
  #busy = false;
  #draining = false;
  #closing = false;

  /** Takes the descriptor over. */
  constructor(descriptor: number, parts: SessionParts) {
    this.#parts = parts;
    this.#socket = new MessageSocket(parts.system, descriptor);
    this.#unwatch = parts.reactor.watch(descriptor, 'edge', this.#read);
  }

  /** Requests of the guest that were taken and not answered. */
  get inFlight(): number {
    return [...this.#queues.values()].reduce((sum, { ring }) => sum + (ring?.inFlight ?? 0), 0);
  }

  /** Takes no more requests; what is out is answered. Calls once it is. */
  drain(drained: () => void): void {
    this.#draining = true;
    let left = 1;
    const one = (): void => {
      left -= 1;
      if (left === 0) drained();
    };
    for (const { ring } of this.#queues.values()) {
      if (ring === null) continue;
      left += 1;
      ring.hold(one);
    }
    one();
  }

  /** Hangs up. What is at the device comes back unheard, then it is over. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#unwatch();
    this.#socket.close();
    let left = 1;
    const one = (): void => {
      left -= 1;
      if (left > 0) return;
      this.#inflight?.unmap();
      this.#memory?.release();
      this.#parts.over();
    };
    for (const queue of this.#queues.values()) {
      if (queue.ring !== null) {
        left += 1;
        this.#parts.poller.forget(queue.ring);
        queue.ring.end(one);
      }
      queue.close();
    }
    one();
  }

  readonly #read = (): void => {
    this.#guarded(() => {
      for (let left = MESSAGES_A_TURN; !this.#busy && !this.#closing; left--) {
        if (left === 0) {
          setImmediate(this.#read);
          return;
        }
        const message = this.#socket.next();
        if (message === null) return;
        if (message === 'gone') {
          this.close();
          return;
        }
        try {
          this.#handle(message);
        } finally {
          for (const descriptor of message.descriptors) this.#parts.system.close(descriptor);
        }
      }
    });
  };

  /** Whatever the front end did wrong ends its session and nothing else. */
  #guarded(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      if (!(error instanceof VhostProtocolError) && !(error instanceof SluiceError)) throw error;
      this.#parts.complained(`the front end was cut off: ${error.message}`);
      this.close();
    }
  }

  #handle(message: Message): void {
    const { request, needReply } = message.header;
    const answered = this.#act(request, message);
    // A request with an answer of its own has none besides.
    if (!answered && needReply && hasBit(this.#protocolFeatures, PROTOCOL_FEATURE_BITS.REPLY_ACK)) {
      this.#socket.reply(request, codec.encodeU64(0n));
    }
  }

  /** True where it has been or will be answered. */
  #act(request: number, message: Message): boolean {
    const { payload } = message;
    switch (request) {
      case REQUESTS.GET_FEATURES:
        return this.#reply(request, codec.encodeU64(featuresOf(this.#parts.device)));
      case REQUESTS.SET_FEATURES:
        this.#features = agreed(codec.decodeU64(payload), featuresOf(this.#parts.device), 'features');
        return false;
      case REQUESTS.GET_PROTOCOL_FEATURES:
        return this.#reply(request, codec.encodeU64(PROTOCOL_FEATURES));
      case REQUESTS.SET_PROTOCOL_FEATURES:
        this.#protocolFeatures = agreed(codec.decodeU64(payload), PROTOCOL_FEATURES, 'protocol features');
        return false;
      case REQUESTS.GET_QUEUE_NUM:
        return this.#reply(request, codec.encodeU64(BigInt(QUEUES_MAX)));
      case REQUESTS.SET_OWNER:
      case REQUESTS.RESET_OWNER:
        return false;
      case REQUESTS.GET_CONFIG:
        return this.#reply(request, codec.encodeConfig(configOf(this.#parts.device, codec.decodeConfig(payload))));
      case REQUESTS.SET_MEM_TABLE:
        this.#setMemory(message);
        return false;
      case REQUESTS.GET_INFLIGHT_FD:
        return this.#giveInflight(message);
      case REQUESTS.SET_INFLIGHT_FD:
        this.#setInflight(message);
        return false;
      case REQUESTS.GET_VRING_BASE:
        this.#stopQueue(codec.decodeRingState(payload).index);
        return true;
      default:
        return this.#actOnQueue(request, message);
    }
  }

  #actOnQueue(request: number, message: Message): boolean {
    const { payload } = message;
    switch (request) {
      case REQUESTS.SET_VRING_NUM: {
        const { index, value } = codec.decodeRingState(payload);
        if (value < 1 || value > QUEUE_SIZE_MAX || (value & (value - 1)) !== 0) {
          throw new VhostProtocolError(
            `a queue must have a power of two up to ${String(QUEUE_SIZE_MAX)} entries, got ${String(value)}`,
          );
        }
        this.#stopped(index).size = value;
        return false;
      }
      case REQUESTS.SET_VRING_ADDR: {
        const addresses = codec.decodeRingAddresses(payload);
        // While it is served the same addresses come again as the guest's memory changes.
        this.#queue(addresses.index).addresses = addresses;
        return false;
      }
      case REQUESTS.SET_VRING_BASE: {
        const { index, value } = codec.decodeRingState(payload);
        this.#stopped(index).base = value & INDEX_MASK;
        return false;
      }
      case REQUESTS.SET_VRING_KICK:
        this.#setKick(message);
        return false;
      case REQUESTS.SET_VRING_CALL:
      case REQUESTS.SET_VRING_ERR: {
        const { index, descriptor } = this.#counterOf(message);
        if (request === REQUESTS.SET_VRING_CALL) this.#queue(index).setCall(descriptor);
        else this.#queue(index).setError(descriptor);
        return false;
      }
      case REQUESTS.SET_VRING_ENABLE: {
        const { index, value } = codec.decodeRingState(payload);
        const queue = this.#queue(index);
        queue.enabled = value !== 0;
        this.#enable(queue);
        return false;
      }
      default:
        throw new VhostProtocolError(`request ${String(request)} is not served`);
    }
  }

  #reply(request: number, payload: Uint8Array, descriptors: readonly number[] = []): true {
    this.#socket.reply(request, payload, descriptors);
    return true;
  }

  #setMemory({ payload, descriptors }: Message): void {
    const memory = GuestMemory.map(this.#parts.system, codec.decodeMemoryTable(payload), descriptors);
    this.#memory?.release();
    this.#memory = memory;
    for (const { ring } of this.#queues.values()) ring?.rebind(memory);
  }

  #giveInflight({ payload }: Message): true {
    const { queues, queueSize } = codec.decodeInflight(payload);
    const { file, sizeBytes } = InflightMemory.make(this.#parts.system, queues, queueSize);
    try {
      const description = { sizeBytes, fileOffset: 0, queues, queueSize };
      return this.#reply(REQUESTS.GET_INFLIGHT_FD, codec.encodeInflight(description), [file]);
    } finally {
      this.#parts.system.close(file);
    }
  }

  #setInflight({ payload, descriptors }: Message): void {
    if (descriptors.length !== 1) throw new VhostProtocolError('SET_INFLIGHT_FD must bring one descriptor');
    for (const { index } of this.#queues.values()) this.#stopped(index);
    const file = descriptors[0]!;
    const fileBytes = fstatSync(file).size;
    const inflight = InflightMemory.map(this.#parts.system, codec.decodeInflight(payload), file, fileBytes);
    this.#inflight?.unmap();
    this.#inflight = inflight;
  }

  #setKick(message: Message): void {
    const { index, descriptor } = this.#counterOf(message);
    if (descriptor < 0) throw new VhostProtocolError('a queue without a kick would have to be polled for ever');
    const queue = this.#stopped(index);
    queue.setKick(descriptor, (kick) =>
      this.#parts.reactor.watch(kick, 'edge', () => {
        if (queue.ring !== null) this.#parts.poller.kicked(queue.ring);
      }),
    );
    queue.started = true;
    // Who does not know of SET_VRING_ENABLE has all queues enabled.
    if (!hasBit(this.#features, FEATURE_BITS.VHOST_PROTOCOL_FEATURES)) queue.enabled = true;
    this.#startQueue(queue);
  }

  /** A queue that is disabled keeps its place: what is out is answered, nothing more is taken. */
  #enable(queue: QueueState): void {
    if (queue.ring === null) this.#startQueue(queue);
    else if (!queue.enabled) queue.ring.hold(() => undefined);
    else if (!this.#draining) {
      queue.ring.resume();
      this.#parts.poller.kicked(queue.ring);
    }
  }

  #startQueue(queue: QueueState): void {
    const { clock, device, priorities, serial, pieceBytes, poller } = this.#parts;
    const { addresses, size, index, base } = queue;
    if (!queue.started || !queue.enabled || queue.ring !== null || this.#draining) return;
    if (this.#memory === null || addresses === null || size === 0) {
      throw new VhostProtocolError(`queue ${String(index)} was started before it was described`);
    }
    const ring: Ring = new Ring({
      clock,
      device,
      priorities,
      serial,
      pieceBytes,
      memory: this.#memory,
      addresses,
      size,
      eventIndex: hasBit(this.#features, FEATURE_BITS.RING_EVENT_IDX),
      base,
      inflight: this.#inflight?.queue(index, size) ?? null,
      interrupt: () => queue.interrupt(),
      answered: () => poller.answered(ring),
      broke: (why) => {
        queue.complain();
        this.#parts.complained(`queue ${String(index)} is stopped until the guest resets it: ${why}`);
      },
    });
    queue.ring = ring;
    // Requests may be there already, from before a restart.
    poller.kicked(ring);
  }

  /** Answered once what is out has come back. What is queued is left for later, where that can be kept. */
  #stopQueue(index: number): void {
    const queue = this.#queue(index);
    queue.started = false;
    queue.dropKick();
    const { ring } = queue;
    this.#busy = true;
    const answer = (): void => {
      this.#busy = false;
      this.#reply(REQUESTS.GET_VRING_BASE, codec.encodeRingState({ index, value: queue.base }));
    };
    if (ring === null) {
      answer();
      return;
    }
    ring.hold(() => {
      if (this.#closing) return;
      queue.base = ring.base;
      queue.ring = null;
      this.#parts.poller.forget(ring);
      ring.end(() => undefined);
      this.#guarded(answer);
      // What came behind it has been left in the socket.
      setImmediate(this.#read);
    });
    if (this.#inflight !== null) ring.takeBack();
  }

  #queue(index: number): QueueState {
    if (index >= QUEUES_MAX) {
      throw new VhostProtocolError(`there are ${String(QUEUES_MAX)} queues, got queue ${String(index)}`);
    }
    let queue = this.#queues.get(index);
    if (queue === undefined) this.#queues.set(index, (queue = new QueueState(this.#parts.system, index)));
    return queue;
  }

  /** A queue that may be described anew. */
  #stopped(index: number): QueueState {
    const queue = this.#queue(index);
    if (queue.ring === null) return queue;
    throw new VhostProtocolError(`queue ${String(index)} must be stopped to be changed`);
  }

  /** The counter that a message brings, taken out of it; -1 for none. */
  #counterOf({ payload, descriptors }: Message): { index: number; descriptor: number } {
    const value = Number(codec.decodeU64(payload) & 0xffffn);
    const none = (value & NO_DESCRIPTOR) !== 0;
    if (!none && descriptors.length !== 1) throw new VhostProtocolError('a counter must come with its descriptor');
    return { index: value & QUEUE_MASK, descriptor: none ? -1 : descriptors.shift()! };
  }
}

function agreed(chosen: bigint, offered: bigint, what: string): bigint {
  if ((chosen & ~offered) === 0n) return chosen;
  throw new VhostProtocolError(`${what} 0x${(chosen & ~offered).toString(16)} were not offered`);
}
