/**
 * Drops repeats: stacked devices (a volume over a disk) are often traced both, and each request
 * then stands in the trace twice, microseconds apart.
 */
import type { Op } from '../../core/model/request.js';
import type { RecordSlot } from './record.js';

/** Past so many the old entries are thrown out; what is within the window is far fewer. */
const SWEEP_ENTRIES = 65_536;

/** A request that was seen, and when last; requests at one offset form a chain. */
interface Seen {
  readonly device: number;
  readonly op: Op;
  readonly lengthBytes: number;
  timeNs: number;
  readonly next: Seen | undefined;
}

export class Collapser {
  readonly #windowNs: number;
  readonly #byOffset = new Map<number, Seen>();
  #entries = 0;
  #sweepAt = SWEEP_ENTRIES;

  /** @param windowNs a repeat counts no later than this after the one before it; 0: nothing is dropped */
  constructor(windowNs: number) {
    this.#windowNs = windowNs;
  }

  /** A dropped repeat counts as seen, so that three in a row leave one. */
  repeats(slot: RecordSlot, timeNs: number): boolean {
    if (this.#windowNs <= 0) return false;
    const { device, op, offset, lengthBytes } = slot;
    const first = this.#byOffset.get(offset);
    for (let seen = first; seen !== undefined; seen = seen.next) {
      if (seen.op !== op || seen.lengthBytes !== lengthBytes || seen.device !== device) continue;
      const repeats = timeNs - seen.timeNs <= this.#windowNs;
      seen.timeNs = timeNs;
      return repeats;
    }
    this.#byOffset.set(offset, { device, op, lengthBytes, timeNs, next: first });
    this.#entries++;
    if (this.#entries > this.#sweepAt) this.#sweep(timeNs);
    return false;
  }

  #sweep(nowNs: number): void {
    this.#entries = 0;
    for (const [offset, first] of this.#byOffset) {
      let kept: Seen | undefined;
      for (let seen: Seen | undefined = first; seen !== undefined; seen = seen.next) {
        if (nowNs - seen.timeNs > this.#windowNs) continue;
        kept = { ...seen, next: kept };
        this.#entries++;
      }
      if (kept === undefined) this.#byOffset.delete(offset);
      else this.#byOffset.set(offset, kept);
    }
    this.#sweepAt = Math.max(SWEEP_ENTRIES, this.#entries * 2);
  }
}
