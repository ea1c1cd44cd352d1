/**
 * What one device served in the last minutes, a column of numbers a tag: rings of one slot a
 * second, so that a thousand tags cost some megabytes and adding a second costs a thousand writes.
 */
import type { UsageRow } from './api.js';
import { LATENCIES, type Latency, type Metric, type Timeline } from './timeline.js';

/** Seconds kept. */
export const WINDOW_S = 300;

/** One tag's rings; the slot of a second is `second % WINDOW_S`. NaN in a latency = nothing served. */
export interface TagRings {
  readonly ops: Float64Array;
  readonly bytes: Float64Array;
  readonly cost: Float64Array;
  readonly errors: Float64Array;
  readonly cacheHits: Float64Array;
  readonly queueUsP50: Float64Array;
  readonly queueUsP99: Float64Array;
  readonly serviceUsP50: Float64Array;
  readonly serviceUsP99: Float64Array;
  /** The last second that something was served in. */
  lastS: number;
}

const RATES = ['ops', 'bytes', 'cost', 'errors', 'cacheHits'] as const;

function makeRings(): TagRings {
  const rate = (): Float64Array => new Float64Array(WINDOW_S);
  const latency = (): Float64Array => new Float64Array(WINDOW_S).fill(NaN);
  return {
    ops: rate(),
    bytes: rate(),
    cost: rate(),
    errors: rate(),
    cacheHits: rate(),
    queueUsP50: latency(),
    queueUsP99: latency(),
    serviceUsP50: latency(),
    serviceUsP99: latency(),
    lastS: 0,
  };
}

export class History implements Timeline {
  readonly tags = new Map<string, TagRings>();
  /** Everything that was served, tags that are not kept included. */
  readonly total = makeRings();
  /** The second that ended last; 0 before the first. */
  lastS = 0;
  /** The first second that is known. */
  firstS = 0;

  /** Rows of one second, all of this device. Seconds may come with gaps, never backwards. */
  add(rows: readonly UsageRow[], endMs: number): void {
    const second = Math.floor(endMs / 1000);
    if (second <= this.lastS) return;
    this.advance(second);
    const slot = second % WINDOW_S;
    for (const row of rows) {
      let rings = this.tags.get(row.tag);
      if (rings === undefined) this.tags.set(row.tag, (rings = makeRings()));
      this.write(rings, row, slot);
      rings.lastS = second;
    }
  }

  /** Sum over the seconds in (afterS, lastS]. */
  sum(rings: TagRings, metric: (typeof RATES)[number], afterS: number): number {
    let sum = 0;
    for (let s = Math.max(afterS + 1, this.firstS, this.lastS - WINDOW_S + 1); s <= this.lastS; s++) {
      sum += rings[metric][s % WINDOW_S]!;
    }
    return sum;
  }

  /** The tags with the most of it over the whole window, most first. */
  largest(metric: Metric, count: number): string[] {
    return [...this.tags]
      .map(([tag, rings]) => ({ tag, sum: this.sum(rings, metric, 0) }))
      .filter(({ sum }) => sum > 0)
      .sort((a, b) => b.sum - a.sum || (a.tag < b.tag ? -1 : 1))
      .slice(0, count)
      .map(({ tag }) => tag);
  }

  times(): number[] {
    return Array.from({ length: Math.max(0, this.lastS - this.fromS() + 1) }, (_, i) => this.fromS() + i);
  }

  rates(tag: string | null, metric: Metric): number[] {
    const rings = tag === null ? this.total : this.tags.get(tag);
    return rings === undefined ? this.times().map(() => 0) : this.unroll(rings[metric]);
  }

  latencies(tag: string, latency: Latency): (number | null)[] {
    const rings = this.tags.get(tag);
    if (rings === undefined) return this.times().map(() => null);
    return this.unroll(rings[latency]).map((us) => (Number.isNaN(us) ? null : us));
  }

  private fromS(): number {
    return Math.max(this.firstS, this.lastS - WINDOW_S + 1);
  }

  private unroll(ring: Float64Array): number[] {
    const values: number[] = [];
    for (let s = this.fromS(); s <= this.lastS; s++) values.push(ring[s % WINDOW_S]!);
    return values;
  }

  private advance(second: number): void {
    if (this.lastS === 0) this.firstS = second;
    const from = Math.max(this.lastS + 1, second - WINDOW_S + 1);
    for (const rings of [this.total, ...this.tags.values()]) {
      for (let s = from; s <= second; s++) {
        for (const key of RATES) rings[key][s % WINDOW_S] = 0;
        for (const key of LATENCIES) rings[key][s % WINDOW_S] = NaN;
      }
    }
    this.lastS = second;
    for (const [tag, rings] of this.tags) if (rings.lastS <= second - WINDOW_S) this.tags.delete(tag);
  }

  private write(rings: TagRings, row: UsageRow, slot: number): void {
    const seconds = Math.max(1, (Number(row.endMs) - Number(row.startMs)) / 1000);
    for (const op of row.ops) {
      for (const into of [rings, this.total]) {
        into.ops[slot]! += Number(op.count) / seconds;
        into.bytes[slot]! += Number(op.bytes) / seconds;
        into.cost[slot]! += op.cost / seconds;
        into.errors[slot]! += Number(op.errors) / seconds;
        into.cacheHits[slot]! += Number(op.cacheHits) / seconds;
      }
    }
    rings.queueUsP50[slot] = row.queueUs[0] ?? NaN;
    rings.queueUsP99[slot] = row.queueUs[1] ?? NaN;
    rings.serviceUsP50[slot] = row.serviceUs[0] ?? NaN;
    rings.serviceUsP99[slot] = row.serviceUs[1] ?? NaN;
  }
}
