/**
 * The requests of one queue that were taken and not answered, in memory that the front end keeps: who
 * comes after this process finds there what to serve again. Source: as wire/vhost/inflight.ts.
 *
 *   taken:     counter, then inflight = 1
 *   answered:  next = last_batch_head, last_batch_head = head   (before the used index moves)
 *   published: inflight = 0 for each of the batch, then used_idx (after it has moved)
 *
 * Whoever dies between two of these steps leaves used_idx behind the ring's own: the batch from
 * last_batch_head on was answered, and is not served again.
 */
import { SluiceError } from '../../core/model/errors.js';
import {
  INFLIGHT_ENTRY_BYTES,
  INFLIGHT_HEAD_BYTES,
  INFLIGHT_VERSION,
  inflightQueueBytes,
} from '../../wire/vhost/inflight.js';
import type { InflightDescription } from '../../wire/vhost/messages.js';
import { INDEX_MASK, QUEUE_SIZE_MAX } from '../../wire/vhost/virtqueue.js';
import { QUEUES_MAX } from './bounds.js';
import type { Mapping, NativeSystem } from './system.js';

/** Of the head of a queue, in numbers of 16 bits. */
const VERSION_AT = 4;
const SIZE_AT = 5;
const LAST_BATCH_HEAD_AT = 6;
const USED_INDEX_AT = 7;
/** Of an entry. */
const NEXT_AT = 6;
const COUNTER_AT = 8;

export class InflightQueue {
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;
  readonly #size: number;
  #counter = 0;
  /** Answered, and not published yet. */
  #batch: number[] = [];

  constructor(buffer: ArrayBuffer, size: number) {
    this.#u8 = new Uint8Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#size = size;
    if (this.#u16[VERSION_AT] === 0) {
      this.#u16[VERSION_AT] = INFLIGHT_VERSION;
      this.#u16[SIZE_AT] = size;
    }
    if (this.#u16[VERSION_AT] !== INFLIGHT_VERSION || this.#u16[SIZE_AT] !== size) {
      throw new SluiceError('INVALID_ARGUMENT', 'the memory of requests in flight is of another version or size');
    }
  }

  get size(): number {
    return this.#size;
  }

  taken(head: number): void {
    const at = entryAt(head);
    const counter = this.#counter++;
    this.#u32[(at + COUNTER_AT) >> 2] = counter >>> 0;
    this.#u32[((at + COUNTER_AT) >> 2) + 1] = Math.floor(counter / 2 ** 32);
    Atomics.store(this.#u8, at, 1);
  }

  answered(head: number): void {
    this.#u16[(entryAt(head) + NEXT_AT) >> 1] = this.#u16[LAST_BATCH_HEAD_AT]!;
    Atomics.store(this.#u16, LAST_BATCH_HEAD_AT, head);
    this.#batch.push(head);
  }

  published(usedIndex: number): void {
    const batch = this.#batch;
    for (let head = batch.pop(); head !== undefined; head = batch.pop()) Atomics.store(this.#u8, entryAt(head), 0);
    Atomics.store(this.#u16, USED_INDEX_AT, usedIndex);
  }

  /** The heads to serve again, in the order in which they were taken; `usedIndex` is the ring's own. */
  recover(usedIndex: number): number[] {
    const answered = (usedIndex - this.#u16[USED_INDEX_AT]!) & INDEX_MASK;
    let head = this.#u16[LAST_BATCH_HEAD_AT]!;
    // At the first start of a fresh memory the ring may stand anywhere; nothing is in flight then.
    for (let i = 0; i < Math.min(answered, this.#size) && head < this.#size; i++) {
      this.#u8[entryAt(head)] = 0;
      head = this.#u16[(entryAt(head) + NEXT_AT) >> 1]!;
    }
    Atomics.store(this.#u16, USED_INDEX_AT, usedIndex);
    const heads: number[] = [];
    for (let i = 0; i < this.#size; i++) if (this.#u8[entryAt(i)] === 1) heads.push(i);
    heads.sort((a, b) => this.#counterOf(a) - this.#counterOf(b));
    const last = heads.at(-1);
    this.#counter = last === undefined ? 0 : this.#counterOf(last) + 1;
    return heads;
  }

  #counterOf(head: number): number {
    const at = (entryAt(head) + COUNTER_AT) >> 2;
    return this.#u32[at]! + this.#u32[at + 1]! * 2 ** 32;
  }
}

/** That memory for all queues of a disk. */
export class InflightMemory {
  readonly #mapping: Mapping;
  readonly #description: InflightDescription;

  private constructor(mapping: Mapping, description: InflightDescription) {
    this.#mapping = mapping;
    this.#description = description;
  }

  /** A file for the front end to keep; the caller closes it. @throws SluiceError INVALID_ARGUMENT */
  static make(system: NativeSystem, queues: number, queueSize: number): { file: number; sizeBytes: number } {
    checkShape(queues, queueSize);
    const sizeBytes = queues * inflightQueueBytes(queueSize);
    return { file: system.memoryFile('sluice-inflight', sizeBytes, true), sizeBytes };
  }

  /** @throws SluiceError INVALID_ARGUMENT */
  static map(system: NativeSystem, description: InflightDescription, file: number, fileBytes: number): InflightMemory {
    const { queues, queueSize, sizeBytes, fileOffset } = description;
    checkShape(queues, queueSize);
    if (sizeBytes < queues * inflightQueueBytes(queueSize) || fileOffset + sizeBytes > fileBytes) {
      throw new SluiceError('INVALID_ARGUMENT', 'the memory of requests in flight is too small for its queues');
    }
    if (!system.cannotShrink(file)) {
      throw new SluiceError('INVALID_ARGUMENT', 'the memory of requests in flight must be sealed against shrinking');
    }
    return new InflightMemory(system.map(file, fileOffset, sizeBytes), description);
  }

  /** @throws SluiceError INVALID_ARGUMENT where the queue is not the one that the memory was made for */
  queue(index: number, size: number): InflightQueue {
    const { queues, queueSize } = this.#description;
    if (index >= queues || size > queueSize) {
      throw new SluiceError(
        'INVALID_ARGUMENT',
        `the memory of requests in flight is for ${String(queues)} queues of ${String(queueSize)}`,
      );
    }
    const bytes = inflightQueueBytes(queueSize);
    return new InflightQueue(this.#mapping.view(index * bytes, bytes), queueSize);
  }

  /** Queues that it gave are not used any more. */
  unmap(): void {
    this.#mapping.unmap();
  }
}

function checkShape(queues: number, queueSize: number): void {
  if (queues >= 1 && queues <= QUEUES_MAX && queueSize >= 1 && queueSize <= QUEUE_SIZE_MAX) return;
  throw new SluiceError(
    'INVALID_ARGUMENT',
    `there are at most ${String(QUEUES_MAX)} queues of ${String(QUEUE_SIZE_MAX)}, got ${String(queues)} of ${String(queueSize)}`,
  );
}

function entryAt(head: number): number {
  return INFLIGHT_HEAD_BYTES + head * INFLIGHT_ENTRY_BYTES;
}
