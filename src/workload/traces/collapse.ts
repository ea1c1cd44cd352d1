/**
 * Drops repeats: stacked devices (a volume over a disk) are often traced both, and each request
 * then stands in the trace twice, microseconds apart.
 */
import { OP_NAMES } from '../../core/model/request.js';
import type { RecordSlot } from './record.js';

/** Past it the old entries are thrown out; what is within the window is far fewer. */
const SWEEP_ENTRIES = 65_536;

export class Collapser {
  readonly #windowNs: number;
  /** When a request of this device, op, offset and length was last seen. */
  readonly #seen = new Map<string, number>();
  #sweepAt = SWEEP_ENTRIES;

  /** @param windowNs a repeat counts no later than this after the one before it; 0: nothing is dropped */
  constructor(windowNs: number) {
    this.#windowNs = windowNs;
  }

  /** A dropped repeat counts as seen, so that three in a row leave one. */
  repeats(slot: RecordSlot, timeNs: number): boolean {
    if (this.#windowNs <= 0) return false;
    const key = `${String(slot.device)} ${OP_NAMES[slot.op]} ${String(slot.offset)} ${String(slot.lengthBytes)}`;
    const before = this.#seen.get(key);
    this.#seen.set(key, timeNs);
    if (this.#seen.size > this.#sweepAt) this.#sweep(timeNs);
    return before !== undefined && timeNs - before <= this.#windowNs;
  }

  #sweep(nowNs: number): void {
    for (const [key, timeNs] of this.#seen) {
      if (nowNs - timeNs > this.#windowNs) this.#seen.delete(key);
    }
    this.#sweepAt = Math.max(SWEEP_ENTRIES, this.#seen.size * 2);
  }
}
