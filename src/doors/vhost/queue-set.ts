/** The queues of one front end, as its messages set them up, start and stop them. */
import type { Clock, ServedDevice } from '../../core/ports.js';
import * as codec from '../../wire/vhost/messages.js';
import {
  FEATURE_BITS,
  NO_DESCRIPTOR,
  QUEUE_MASK,
  REQUESTS,
  VhostProtocolError,
  hasBit,
} from '../../wire/vhost/protocol.js';
import { INDEX_MASK, QUEUE_SIZE_MAX } from '../../wire/vhost/virtqueue.js';
import { QUEUES_MAX } from './bounds.js';
import type { InflightMemory } from './inflight.js';
import type { GuestMemory } from './memory.js';
import type { Message } from './message-socket.js';
import type { Poller } from './poller.js';
import type { PriorityMap } from './priority-map.js';
import { QueueState } from './queue-state.js';
import type { Reactor } from './reactor.js';
import { Ring } from './ring.js';
import type { NativeSystem } from './system.js';

export interface QueueSetParts {
  readonly system: NativeSystem;
  readonly reactor: Reactor;
  readonly poller: Poller;
  readonly clock: Clock;
  readonly device: ServedDevice;
  readonly priorities: PriorityMap;
  readonly serial: Buffer;
  readonly pieceBytes: number;
  /** A ring has stopped: why. */
  readonly complained: (why: string) => void;
}

export class QueueSet {
  readonly #parts: QueueSetParts;
  readonly #queues = new Map<number, QueueState>();
  #memory: GuestMemory | null = null;
  #inflight: InflightMemory | null = null;
  /** As the front end has chosen them. */
  features = 0n;
  #draining = false;

  constructor(parts: QueueSetParts) {
    this.#parts = parts;
  }

  /** Requests of the guest that were taken and not answered. */
  get inFlight(): number {
    return [...this.#queues.values()].reduce((sum, { ring }) => sum + (ring?.inFlight ?? 0), 0);
  }

  /** Takes the memory over. @throws SluiceError where a ring that runs is not within it */
  setMemory(memory: GuestMemory): void {
    this.#memory?.release();
    this.#memory = memory;
    for (const { ring } of this.#queues.values()) ring?.rebind(memory);
  }

  /** Takes it over. */
  setInflight(inflight: InflightMemory): void {
    this.#inflight?.unmap();
    this.#inflight = inflight;
  }

  /** @throws VhostProtocolError */
  checkStopped(): void {
    for (const { index } of this.#queues.values()) this.#stopped(index);
  }

  /** Takes no more requests; what is out is answered. Calls once it is. */
  drain(drained: () => void): void {
    this.#draining = true;
    const rings = [...this.#queues.values()].flatMap(({ ring }) => (ring === null ? [] : [ring]));
    const one = afterAll(rings.length, drained);
    for (const ring of rings) ring.hold(one);
  }

  /** Ends them all. Calls once nothing of them is at the device. */
  close(over: () => void): void {
    const queues = [...this.#queues.values()];
    const one = afterAll(queues.length, () => {
      this.#inflight?.unmap();
      this.#memory?.release();
      over();
    });
    for (const queue of queues) {
      queue.close();
      if (queue.ring === null) one();
      else {
        this.#parts.poller.forget(queue.ring);
        queue.ring.end(one);
      }
    }
  }

  /** A message about one queue, which needs no answer of its own. @throws VhostProtocolError, SluiceError */
  act(request: number, message: Message): void {
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
        return;
      }
      case REQUESTS.SET_VRING_ADDR: {
        const addresses = codec.decodeRingAddresses(payload);
        const queue = this.#queue(addresses.index);
        // They come again as the guest's memory changes.
        if (queue.ring !== null && !sameAddresses(queue.addresses!, addresses)) this.#stopped(addresses.index);
        queue.addresses = addresses;
        return;
      }
      case REQUESTS.SET_VRING_BASE: {
        const { index, value } = codec.decodeRingState(payload);
        this.#stopped(index).base = value & INDEX_MASK;
        return;
      }
      case REQUESTS.SET_VRING_KICK:
        this.#setKick(message);
        return;
      case REQUESTS.SET_VRING_CALL:
      case REQUESTS.SET_VRING_ERR: {
        const { index, descriptor } = this.#counterOf(message);
        if (request === REQUESTS.SET_VRING_CALL) this.#queue(index).setCall(descriptor);
        else this.#queue(index).setError(descriptor);
        return;
      }
      case REQUESTS.SET_VRING_ENABLE: {
        const { index, value } = codec.decodeRingState(payload);
        const queue = this.#queue(index);
        queue.enabled = value !== 0;
        this.#enable(queue);
        return;
      }
      default:
        throw new VhostProtocolError(`request ${String(request)} is not served`);
    }
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
    if (!hasBit(this.features, FEATURE_BITS.VHOST_PROTOCOL_FEATURES)) queue.enabled = true;
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
      eventIndex: hasBit(this.features, FEATURE_BITS.RING_EVENT_IDX),
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
    // Requests may be there already, from before a restart; and answers, of which whoever gave them died before the
    // driver heard, or told a counter that QEMU had put aside for a while. A driver is not hurt by an interrupt too many.
    queue.interrupt();
    poller.kicked(ring);
  }

  /** Calls with where the driver's ring stands, once what is out has come back. What is queued is left for later, where that can be kept. */
  stop(index: number, stopped: (base: number) => void): void {
    const queue = this.#queue(index);
    queue.started = false;
    queue.dropKick();
    const { ring } = queue;
    if (ring === null) {
      stopped(queue.base);
      return;
    }
    ring.hold(() => {
      queue.base = ring.base;
      queue.ring = null;
      this.#parts.poller.forget(ring);
      ring.end(() => undefined);
      stopped(queue.base);
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

function sameAddresses(a: codec.RingAddresses, b: codec.RingAddresses): boolean {
  return a.descriptors === b.descriptors && a.available === b.available && a.used === b.used;
}

/** Calls after as many calls; at once where there are none to wait for. */
function afterAll(count: number, done: () => void): () => void {
  let left = count;
  if (left === 0) done();
  return () => {
    left -= 1;
    if (left === 0) done();
  };
}
