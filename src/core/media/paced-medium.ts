/**
 * A medium on a clock: carries its steps out in order of model time, whatever the clock's timers do.
 *
 * Model time decides. Each request is submitted to the medium at its submittedNs and ends at the
 * medium's time for it; the clock is only asked to wake this when something has become due. Where it
 * wakes late (a timer of the real clock does), everything due by then is carried out in order of
 * model time, and a request that an owner submits from within `ended` at the model time of that end
 * takes its place in that order, possibly being due itself. So a backlogged caller loses nothing by
 * late timers.
 *
 *   submit --(nothing overdue)--> medium --step due--> ended(slot, model time)
 *     \--(overdue steps first)--> inbox --in its turn--^
 */
import type { DeviceIo } from '../model/request.js';
import type { Clock, Timer } from '../ports.js';
import { EventHeap } from './event-heap.js';
import { NONE, type MediaModel } from './media-model.js';

export class PacedMedium {
  readonly #clock: Clock;
  readonly #medium: MediaModel;
  readonly #ended: (slot: number, atNs: number) => void;
  readonly #ios: (DeviceIo | null)[] = [];
  /** Slots that were submitted while steps of an earlier model time were overdue, by time of submission. */
  readonly #inbox = new EventHeap();
  #timer: Timer | null = null;
  #timerDueNs = Infinity;
  #delivering = false;
  readonly #wake = (): void => {
    this.#timer = null;
    this.#timerDueNs = Infinity;
    this.#deliver(this.#clock.nowNs());
  };

  /** @param ended a request is over at this model time, at or before now; never called within submit */
  constructor(clock: Clock, medium: MediaModel, ended: (slot: number, atNs: number) => void) {
    this.#clock = clock;
    this.#medium = medium;
    this.#ended = ended;
  }

  /** @param slot the owner's number for the request, not in use by another outstanding one, small */
  submit(slot: number, io: DeviceIo): void {
    this.#ios[slot] = io;
    // Where the timer is late, what is due goes first: when it fires, or in the delivery that this is called from.
    if (this.#inbox.size > 0 || this.#medium.nextNs < io.submittedNs) this.#inbox.push(io.submittedNs, slot);
    else this.#enter(slot);
    if (!this.#delivering) this.#arm();
  }

  #enter(slot: number): void {
    const io = this.#ios[slot]!;
    this.#ios[slot] = null;
    this.#medium.submit(slot, io.op, io.offset, io.lengthBytes, io.fua, io.submittedNs);
  }

  /** Carries out all that is due by nowNs. `ended` may submit more, which is carried out too where it is due. */
  #deliver(nowNs: number): void {
    this.#delivering = true;
    try {
      for (;;) {
        const nextNs = this.#medium.nextNs;
        if (this.#inbox.nextNs <= nextNs && this.#inbox.size > 0) {
          this.#enter(this.#inbox.pop());
          continue;
        }
        if (nextNs > nowNs) break;
        const slot = this.#medium.advance();
        if (slot !== NONE) this.#ended(slot, nextNs);
      }
    } finally {
      this.#delivering = false;
      this.#arm();
    }
  }

  /** One timer of the clock's at most, for the medium's next step. What is in the inbox comes after a step that is overdue. */
  #arm(): void {
    const nextNs = this.#medium.nextNs;
    if (nextNs >= this.#timerDueNs) return;
    if (this.#timer !== null) this.#timer.cancel();
    this.#timerDueNs = nextNs;
    this.#timer = this.#clock.after(nextNs - this.#clock.nowNs(), this.#wake);
  }
}
