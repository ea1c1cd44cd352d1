/**
 * Measures who got what while all wanted something, from what clients see.
 *
 * A reply says how long its request waited in the service's queue and how long the device took. Seen
 * from the client it waited during [reply - service - queue, reply - service) and was granted at the
 * end of that. A tag is backlogged while at least one of its requests waits. Time is cut into bins; a
 * bin is contended when the waiting intervals of every tag cover the whole of it, its left edge inside;
 * a request's cost belongs to the bin of its grant. A tag's share is its part of the cost of the contended bins:
 *
 *   tag a  ~~~~~~~~~~~~~~~~~~~~~~~~~~~      tag b        ~~~~~~~~~~~~     ~~~~~
 *   bins   |    |    |    |    |    |    |  contended         ####  ####       (b covers none else)
 *
 * So the beginning, until the last tag queues, and the end, after the first has no more, are out by
 * themselves; a tag that is idle takes the time with it: it lowers the contended part of the run, and
 * nobody's share is judged by it. Over a network a reply is late by the way it took, and so seems its
 * grant: what the first to come was given while it was alone would be counted against it. A warm-up
 * after the first contended bin leaves that out. Bins start at a millisecond and are doubled when there are too many
 * of them: memory stays the same however long the run is.
 */
import { NS_PER_MS } from '../core/model/units.js';
import { Coverage, PIECES_MAX } from './coverage.js';

const BIN_NS = NS_PER_MS;
export const BINS_MAX = 32_768;

class TagBins {
  readonly coverage = new Coverage();
  /** Cost granted in each bin. */
  readonly cost = new Float64Array(BINS_MAX);
  /** 1 where retired pieces cover the bin. */
  readonly covered = new Uint8Array(BINS_MAX);
}

export interface Contention {
  /** Nanoseconds of bins in which all tags were backlogged. */
  readonly contendedNs: number;
  /** Cost granted to each tag in them. */
  readonly cost: readonly number[];
}

export class ShareMeter {
  readonly #tags: readonly TagBins[];
  readonly #startNs: number;
  readonly #warmupNs: number;
  #binNs = BIN_NS;

  /**
   * @param startNs clock time at which the run starts: the left edge of the first bin
   * @param warmupNs how long after the beginning of the first contention nothing is counted
   */
  constructor(tags: number, startNs: number, warmupNs = 0) {
    this.#tags = Array.from({ length: tags }, () => new TagBins());
    this.#startNs = startNs;
    this.#warmupNs = warmupNs;
  }

  /** Counts one reply of a tag. */
  record(tag: number, replyNs: number, queueNs: number, serviceNs: number, cost: number): void {
    const grantNs = Math.max(0, replyNs - serviceNs - this.#startNs);
    while (grantNs >= this.#binNs * BINS_MAX) this.#coarsen();
    const bins = this.#tags[tag]!;
    const bin = Math.floor(grantNs / this.#binNs);
    bins.cost[bin] = bins.cost[bin]! + cost;
    if (queueNs <= 0) return;
    bins.coverage.add(Math.max(0, grantNs - queueNs), grantNs);
    if (bins.coverage.pieces > PIECES_MAX) this.#retire(bins, PIECES_MAX / 2);
  }

  /**
   * What was measured. Ends the measurement: nothing may be recorded after it.
   * @param endNs clock time from which on nothing is counted
   */
  finish(endNs = Infinity): Contention {
    for (const bins of this.#tags) this.#retire(bins, bins.coverage.pieces);
    const cost = this.#tags.map(() => 0);
    const past = Math.min(BINS_MAX, Math.floor((endNs - this.#startNs) / this.#binNs));
    let contended = 0;
    let counted = -1;
    for (let bin = 0; bin < past; bin++) {
      if (!this.#tags.every((bins) => bins.covered[bin] === 1)) continue;
      if (counted < 0) counted = bin + Math.ceil(this.#warmupNs / this.#binNs);
      if (bin < counted) continue;
      contended++;
      for (let tag = 0; tag < cost.length; tag++) cost[tag] = cost[tag]! + this.#tags[tag]!.cost[bin]!;
    }
    return { contendedNs: contended * this.#binNs, cost };
  }

  #retire(bins: TagBins, pieces: number): void {
    const binNs = this.#binNs;
    bins.coverage.retire(pieces, (start, end) => {
      // What was granted at the very edge was granted before this wait began.
      const first = Math.floor(start / binNs) + 1;
      const past = Math.floor(end / binNs);
      if (past > first) bins.covered.fill(1, first, past);
    });
  }

  /** Bins of twice the width: cost adds up, and both halves must be covered. */
  #coarsen(): void {
    for (const { cost, covered } of this.#tags) {
      for (let i = 0; i < BINS_MAX / 2; i++) {
        cost[i] = cost[2 * i]! + cost[2 * i + 1]!;
        covered[i] = covered[2 * i]! & covered[2 * i + 1]!;
      }
      cost.fill(0, BINS_MAX / 2);
      covered.fill(0, BINS_MAX / 2);
    }
    this.#binNs *= 2;
  }
}
