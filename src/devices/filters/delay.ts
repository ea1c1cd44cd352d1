/**
 * Gives any device the times of a medium: a request is told when the device inside has served it and
 * the medium's model time for it has come, whichever is later.
 *
 *   submit ─┬─▶ inner device ──────── its end ─┐
 *           └─▶ medium ─── its model time ─────┴─ both ─▶ done, at the later of the two
 *
 * As long as the device inside is the faster one, what is told are model times to the nanosecond,
 * however late timers are (PacedMedium). Data is what the device inside says; it moves before its time.
 */
import type { Code } from '../../core/model/errors.js';
import type { DeviceDone, DeviceIo } from '../../core/model/request.js';
import type { MediaModel } from '../../core/media/media-model.js';
import { PacedMedium } from '../../core/media/paced-medium.js';
import type { BlockDevice, Clock } from '../../core/ports.js';

/** A request on both its ways; reused, with its callback. */
class Passage {
  io!: DeviceIo;
  done!: DeviceDone;
  /** The later of the ends so far. */
  endNs = 0;
  /** How many of the two have still to end. */
  left = 0;
  code: Code = 'OK';
  message = '';
  readonly slot: number;
  readonly onServed: DeviceDone;

  constructor(slot: number, ended: (passage: Passage, atNs: number) => void) {
    this.slot = slot;
    this.onServed = (io, code, message) => {
      this.code = code;
      this.message = message;
      ended(this, io.finishedNs);
    };
  }
}

export class DelayDevice implements BlockDevice {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly #inner: BlockDevice;
  readonly #medium: PacedMedium;
  readonly #passages: Passage[] = [];
  readonly #idle: Passage[] = [];
  #outstanding = 0;
  #closed: (() => void) | null = null;

  /** @param medium of the size of the device inside */
  constructor(inner: BlockDevice, clock: Clock, medium: MediaModel) {
    this.sizeBytes = inner.sizeBytes;
    this.blockBytes = inner.blockBytes;
    this.readOnly = inner.readOnly;
    this.#inner = inner;
    this.#medium = new PacedMedium(clock, medium, (slot, atNs) => this.#ended(this.#passages[slot]!, atNs));
  }

  submit(io: DeviceIo, done: DeviceDone): void {
    const passage = this.#idle.pop() ?? this.#newPassage();
    passage.io = io;
    passage.done = done;
    passage.endNs = 0;
    passage.left = 2;
    this.#outstanding += 1;
    // First, since the device inside may end it within its submit; the medium never does.
    this.#medium.submit(passage.slot, io);
    this.#inner.submit(io, passage.onServed);
  }

  abandon(io: DeviceIo): void {
    this.#inner.abandon?.(io);
  }

  get trouble(): string {
    return this.#inner.trouble ?? '';
  }

  async close(): Promise<void> {
    if (this.#outstanding > 0) await new Promise<void>((resolve) => (this.#closed = resolve));
    await this.#inner.close();
  }

  #newPassage(): Passage {
    const passage = new Passage(this.#passages.length, this.#ended);
    this.#passages.push(passage);
    return passage;
  }

  readonly #ended = (passage: Passage, atNs: number): void => {
    passage.endNs = Math.max(passage.endNs, atNs);
    passage.left -= 1;
    if (passage.left > 0) return;
    const { io, done, code, message } = passage;
    this.#idle.push(passage);
    this.#outstanding -= 1;
    io.finishedNs = passage.endNs;
    done(io, code, message);
    if (this.#outstanding === 0) this.#closed?.();
  };
}
