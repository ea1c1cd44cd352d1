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
import * as codec from '../../wire/vhost/messages.js';
import { PROTOCOL_FEATURE_BITS, REQUESTS, VhostProtocolError, hasBit } from '../../wire/vhost/protocol.js';
import { QUEUES_MAX } from './bounds.js';
import { PROTOCOL_FEATURES, configOf, featuresOf } from './features.js';
import { InflightMemory } from './inflight.js';
import { GuestMemory } from './memory.js';
import { MessageSocket, type Message } from './message-socket.js';
import { QueueSet, type QueueSetParts } from './queue-set.js';

/** A front end that says more than this at once waits for others. */
const MESSAGES_A_TURN = 64;

export interface SessionParts extends QueueSetParts {
  /** A ring has stopped, or the front end was cut off: why. */
  readonly complained: (why: string) => void;
  /** Over: nothing of it is at the device any more. */
  readonly over: () => void;
}

export class Session {
  readonly #parts: SessionParts;
  readonly #socket: MessageSocket;
  readonly #queues: QueueSet;
  readonly #unwatch: () => void;
  #protocolFeatures = 0n;
  /** A message is being answered. */
  #busy = false;
  #closing = false;

  /** Takes the descriptor over. */
  constructor(descriptor: number, parts: SessionParts) {
    this.#parts = parts;
    this.#queues = new QueueSet(parts);
    this.#socket = new MessageSocket(parts.system, descriptor);
    this.#unwatch = parts.reactor.watch(descriptor, 'edge', this.#read);
  }

  /** Requests of the guest that were taken and not answered. */
  get inFlight(): number {
    return this.#queues.inFlight;
  }

  /** Takes no more requests; what is out is answered. Calls once it is. */
  drain(drained: () => void): void {
    this.#queues.drain(drained);
  }

  /** Hangs up. What is at the device comes back unheard, then it is over. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#unwatch();
    this.#socket.close();
    this.#queues.close(this.#parts.over);
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
        this.#queues.features = agreed(codec.decodeU64(payload), featuresOf(this.#parts.device), 'features');
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
        this.#queues.act(request, message);
        return false;
    }
  }

  #reply(request: number, payload: Uint8Array, descriptors: readonly number[] = []): true {
    this.#socket.reply(request, payload, descriptors);
    return true;
  }

  #setMemory({ payload, descriptors }: Message): void {
    const memory = GuestMemory.map(this.#parts.system, codec.decodeMemoryTable(payload), descriptors);
    this.#queues.setMemory(memory);
  }

  /** Answered once what is out has come back; nothing is read until then. */
  #stopQueue(index: number): void {
    this.#busy = true;
    this.#queues.stop(index, (value) => {
      this.#busy = false;
      if (this.#closing) return;
      this.#guarded(() => this.#reply(REQUESTS.GET_VRING_BASE, codec.encodeRingState({ index, value })));
      // What came behind it has been left in the socket.
      setImmediate(this.#read);
    });
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
    this.#queues.checkStopped();
    const file = descriptors[0]!;
    const fileBytes = fstatSync(file).size;
    const inflight = InflightMemory.map(this.#parts.system, codec.decodeInflight(payload), file, fileBytes);
    this.#queues.setInflight(inflight);
  }
}

function agreed(chosen: bigint, offered: bigint, what: string): bigint {
  if ((chosen & ~offered) === 0n) return chosen;
  throw new VhostProtocolError(`${what} 0x${(chosen & ~offered).toString(16)} were not offered`);
}
