/** Whether nearly all slots come to be used where requests wait. */
import { NS_PER_MS, NS_PER_US } from '../../core/model/units.js';
import type { Plan } from './plan.js';

export class WorkWatch {
  /** While exchanges are on their way some slots are always empty; not for so long all at no time full. */
  readonly #boundNs: number;
  #idleSinceNs = -1;

  constructor({ network }: Plan) {
    this.#boundNs = (network.loss > 0 ? 600 : 300) * NS_PER_MS + 50 * network.delayUsMax * NS_PER_US;
  }

  /** Nothing is known of slots that were idle so far. */
  reset(): void {
    this.#idleSinceNs = -1;
  }

  reached(atDisk: number, depth: number): void {
    if (atDisk >= nearlyAll(depth)) this.#idleSinceNs = -1;
  }

  /** @returns what is wrong, '' where nothing is */
  look(atDisk: number, depth: number, waiting: number, nowNs: number): string {
    if (waiting === 0 || atDisk >= nearlyAll(depth)) {
      this.#idleSinceNs = -1;
      return '';
    }
    if (this.#idleSinceNs < 0) this.#idleSinceNs = nowNs;
    const idleNs = nowNs - this.#idleSinceNs;
    if (idleNs <= this.#boundNs) return '';
    return `${waiting} requests wait, and for ${idleNs / NS_PER_MS} ms not all slots were in use (now ${atDisk})`;
  }
}

/** At a depth of many some slots are always on their way between hosts. */
function nearlyAll(depth: number): number {
  return depth - Math.floor(depth / 4);
}
