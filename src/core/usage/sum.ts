/** Usage summed by group of tags, one interval after the other: the answer to a query. */
import { EMPTY_HISTOGRAM, HistogramPool } from '../histogram-pool.js';
import { isWithin, tagAtLevel } from '../model/tag.js';
import type { Op } from '../model/request.js';
import { OTHER_TAGS, type OpUsage, type UsageQuery, type UsageRow } from '../model/usage.js';
import { NS_PER_US } from '../model/units.js';
import { HistogramsReader, SumsReader, type UsageBlock } from './block.js';
import {
  BYTES,
  CACHE_HITS,
  COST,
  COUNT,
  ERRORS,
  OPS_MAX,
  QUEUE,
  QUEUE_NS,
  SERVICE,
  SERVICE_NS,
  SUMS,
  WIDTH,
} from './rows.js';
import type { UsageRows } from './rows.js';
import { sortInSteps } from './sort-steps.js';

/** Above this many a sort is faster than insertion one by one. */
const INSERTED_MAX = 200;
/** Rows made, and records summed, between two chances for others to run. */
const ROWS_A_SLICE = 1_000;
const RECORDS_A_SLICE = 4_096;

const SLAB_BITS = 8;
const SLAB_PLACES = 1 << SLAB_BITS;

/** One for all rows: an answer has a million of them. */
const NONE = Object.freeze<number[]>([]) as number[];

const NOBODY = new Uint8Array(0);

const OUTSIDE = -1;
const UNKNOWN = -2;

export type Grouping = Pick<UsageQuery, 'tagPrefix' | 'groupLevel' | 'apart' | 'orderBy' | 'topN' | 'quantiles'>;

/** What one interval had. */
export interface UsageInterval {
  readonly startMs: number;
  readonly endMs: number;
  readonly rows: UsageRow[];
}

/**
 * An answer in small steps, so that whoever makes a long one lets others run in between: null after
 * each few milliseconds of work, intervals in the order of time.
 */
export type UsageSteps = Generator<UsageInterval | null, void>;

export class UsageSum {
  private readonly device: string;
  private readonly nameOf: (id: number) => string;
  private readonly query: Grouping;
  /** By tag: its group, OUTSIDE the prefix, or not asked yet. */
  private groupOf = new Int32Array(0);
  private readonly groups = new Map<string, number>();
  private readonly names: string[] = [];
  /** By group: its place among `used` in this interval, -1 = none yet. */
  private readonly places: number[] = [];
  /** By group: its place in the order of names; made again when there are more. */
  private ranks = new Int32Array(0);
  private byRank = new Int32Array(0);
  private readonly used: number[] = [];
  /** Since the last chance for others to run. */
  private records = 0;
  /** By place, in slabs: one array that grows would be copied as a whole. Place 0 takes what nobody asked for. */
  private readonly slabs = [new Float64Array(SLAB_PLACES * WIDTH)];
  private readonly pool = new HistogramPool();
  private readonly queue: number[] = [];
  private readonly service: number[] = [];
  /** The histogram that a block's buckets go to now. */
  private filling = EMPTY_HISTOGRAM;
  private readonly fill = (bucket: number, count: number): void => {
    this.filling = this.pool.add(this.filling, bucket, count);
  };

  /**
   * @param device what the rows carry as their device
   * @param nameOf the name of a tag's number
   */
  constructor(device: string, nameOf: (id: number) => string, query: Grouping) {
    this.device = device;
    this.nameOf = nameOf;
    this.query = query;
  }

  /** Adds what one tag has in a row. */
  addRow(id: number, rows: UsageRows, row: number): void {
    const place = this.place(id);
    if (place === 0) return;
    rows.addSums(row, this.slabOf(place), sumsAt(place));
    if (this.query.quantiles.length === 0) return;
    this.queue[place] = this.pool.merge(this.queue[place]!, rows.histograms, rows.field(row, QUEUE));
    this.service[place] = this.pool.merge(this.service[place]!, rows.histograms, rows.field(row, SERVICE));
  }

  /**
   * In small steps.
   * @param added by tag: 1 where what is in the block is not to be added again
   */
  *addBlock(block: UsageBlock, added = NOBODY): Generator<null, void> {
    yield* this.addSums(block.ids, block.sums, added);
    yield* this.addHistograms(block.ids, block.histograms, added);
  }

  /** @param ids the tags' numbers in the order of the records */
  *addSums(ids: Uint32Array, sums: Uint8Array, added = NOBODY): Generator<null, void> {
    const reader = new SumsReader(sums);
    for (const id of ids) {
      const place = added.length > 0 && added[id] === 1 ? 0 : this.place(id);
      reader.addTo(this.slabOf(place), sumsAt(place));
      if ((this.records = (this.records + 1) % RECORDS_A_SLICE) === 0) yield null;
    }
  }

  /** As addSums; nothing to do where no quantile is asked for. */
  *addHistograms(ids: Uint32Array, histograms: Uint8Array, added = NOBODY): Generator<null, void> {
    // None are left where the wall clock went back behind what was let go of.
    if (this.query.quantiles.length === 0 || histograms.length === 0) return;
    const reader = new HistogramsReader(histograms);
    for (const id of ids) {
      const place = added.length > 0 && added[id] === 1 ? 0 : this.place(id);
      if (place === 0) {
        reader.skip();
        reader.skip();
      } else {
        this.queue[place] = this.filled(this.queue[place]!, reader);
        this.service[place] = this.filled(this.service[place]!, reader);
      }
      if ((this.records = (this.records + 1) % RECORDS_A_SLICE) === 0) yield null;
    }
  }

  /** Ends the interval: its rows in order, the first topN of them. */
  *finish(startMs: number, endMs: number): Generator<null, UsageInterval> {
    const rows: UsageRow[] = [];
    for (const place of yield* this.ranked()) {
      rows.push({
        device: this.device,
        tag: this.names[this.used[place - 1]!]!,
        startMs,
        endMs,
        ops: opsOf(this.slabOf(place), sumsAt(place)),
        queueUs: this.percentiles(this.queue[place]),
        serviceUs: this.percentiles(this.service[place]),
      });
      if (rows.length % ROWS_A_SLICE === 0) yield null;
    }
    for (const group of this.used) this.places[group] = -1;
    this.used.length = 0;
    return { startMs, endMs, rows };
  }

  private percentiles(ref: number | undefined): number[] {
    const { quantiles } = this.query;
    return quantiles.length === 0 ? NONE : this.pool.quantilesUs(ref ?? EMPTY_HISTOGRAM, quantiles);
  }

  private filled(ref: number, histograms: HistogramsReader): number {
    this.filling = ref;
    histograms.next(this.fill);
    return this.filling;
  }

  /** Where the tag is summed in this interval; 0 where it is not asked for. */
  private place(id: number): number {
    const group = this.group(id);
    if (group === OUTSIDE) return 0;
    const place = this.places[group]!;
    if (place >= 0) return place;
    this.used.push(group);
    this.places[group] = this.used.length;
    this.clear(this.used.length);
    return this.used.length;
  }

  private group(id: number): number {
    if (id >= this.groupOf.length) {
      const grown = new Int32Array(Math.max(id + 1, this.groupOf.length * 2)).fill(UNKNOWN);
      grown.set(this.groupOf);
      this.groupOf = grown;
    }
    const known = this.groupOf[id]!;
    if (known !== UNKNOWN) return known;
    const tag = this.nameOf(id);
    const group = isWithin(tag, this.query.tagPrefix)
      ? this.groupNamed(this.rowOf(tagAtLevel(tag, this.query.groupLevel)))
      : OUTSIDE;
    this.groupOf[id] = group;
    return group;
  }

  private rowOf(name: string): string {
    const { apart } = this.query;
    return apart.length === 0 || apart.includes(name) ? name : OTHER_TAGS;
  }

  private groupNamed(name: string): number {
    let group = this.groups.get(name);
    if (group === undefined) {
      this.groups.set(name, (group = this.names.length));
      this.names.push(name);
      this.places.push(-1);
    }
    return group;
  }

  private clear(place: number): void {
    if (place >>> SLAB_BITS >= this.slabs.length) this.slabs.push(new Float64Array(SLAB_PLACES * WIDTH));
    this.slabOf(place).fill(0, sumsAt(place), sumsAt(place) + WIDTH);
    this.pool.free(this.queue[place] ?? EMPTY_HISTOGRAM);
    this.pool.free(this.service[place] ?? EMPTY_HISTOGRAM);
    this.queue[place] = EMPTY_HISTOGRAM;
    this.service[place] = EMPTY_HISTOGRAM;
  }

  private *rank(): Generator<null, void> {
    const { names } = this;
    if (this.ranks.length === names.length) return;
    const byName = (a: number, b: number): number => (names[a]! < names[b]! ? -1 : 1);
    this.byRank = yield* sortInSteps(upTo(names.length), byName);
    this.ranks = new Int32Array(names.length);
    for (let rank = 0; rank < names.length; rank++) this.ranks[this.byRank[rank]!] = rank;
  }

  /** The places to show, in order. */
  private *ranked(): Generator<null, Iterable<number>> {
    const { orderBy, topN } = this.query;
    const count = this.used.length;
    if (orderBy === 'tag') {
      yield* this.rank();
      // Ranks are whole numbers: typed arrays sort those without asking.
      const ranks = new Int32Array(count);
      for (let i = 0; i < count; i++) ranks[i] = this.ranks[this.used[i]!]!;
      if (count > ROWS_A_SLICE) yield null;
      ranks.sort();
      const shown = topN === 0 ? ranks : ranks.subarray(0, topN);
      return shown.map((rank) => this.places[this.byRank[rank]!]!);
    }
    const field = { cost: COST, bytes: BYTES, ops: COUNT }[orderBy];
    const weights = new Float64Array(count + 1);
    for (let place = 1; place <= count; place++) {
      weights[place] = this.over(place, field);
      if (place % RECORDS_A_SLICE === 0) yield null;
    }
    if (topN !== 0 && topN < count && topN <= INSERTED_MAX) return yield* this.first(topN, weights);
    yield* this.rank();
    const all = yield* sortInSteps(
      upTo(count),
      (a, b) => weights[b + 1]! - weights[a + 1]! || this.ranks[this.used[a]!]! - this.ranks[this.used[b]!]!,
    );
    return (topN === 0 ? all : all.subarray(0, topN)).map((at) => at + 1);
  }

  /** A few of many: most are told from the last of the few by one comparison, and no order of all is made for them. */
  private *first(topN: number, weights: Float64Array): Generator<null, number[]> {
    const { names, used } = this;
    const compare = (a: number, b: number): number =>
      weights[b]! - weights[a]! || (names[used[a - 1]!]! < names[used[b - 1]!]! ? -1 : 1);
    const first: number[] = [];
    for (let place = 1; place < weights.length; place++) {
      if (place % RECORDS_A_SLICE === 0) yield null;
      if (first.length === topN && compare(first[topN - 1]!, place) < 0) continue;
      let at = first.length;
      while (at > 0 && compare(place, first[at - 1]!) < 0) at -= 1;
      first.splice(at, 0, place);
      if (first.length > topN) first.pop();
    }
    return first;
  }

  private slabOf(place: number): Float64Array {
    return this.slabs[place >>> SLAB_BITS]!;
  }

  private over(place: number, field: number): number {
    const sums = this.slabOf(place);
    const at = sumsAt(place) + field;
    let sum = 0;
    for (let op = 0; op < OPS_MAX; op++) sum += sums[at + op * SUMS]!;
    return sum;
  }
}

/** The numbers below n, in order. */
function upTo(n: number): Int32Array<ArrayBuffer> {
  const numbers = new Int32Array(n);
  for (let i = 0; i < n; i++) numbers[i] = i;
  return numbers;
}

/** Where in its slab the sums of a place begin. */
function sumsAt(place: number): number {
  return (place & (SLAB_PLACES - 1)) * WIDTH;
}

/** @param at where in `sums` the sums of operation 1 begin */
export function opsOf(sums: Float64Array, at: number): OpUsage[] {
  // Of its length from the start: one that grows has room for seventeen, and an answer has a million of these.
  let count = 0;
  for (let op = 0; op < OPS_MAX; op++) if (sums[at + op * SUMS + COUNT] !== 0) count += 1;
  const ops = new Array<OpUsage>(count);
  for (let op = OPS_MAX - 1; count > 0; op--) {
    const from = at + op * SUMS;
    if (sums[from + COUNT] === 0) continue;
    ops[--count] = {
      op: (op + 1) as Op,
      count: sums[from + COUNT]!,
      errors: sums[from + ERRORS]!,
      bytes: sums[from + BYTES]!,
      cost: sums[from + COST]!,
      cacheHits: sums[from + CACHE_HITS]!,
      queueUsSum: sums[from + QUEUE_NS]! / NS_PER_US,
      serviceUsSum: sums[from + SERVICE_NS]! / NS_PER_US,
    };
  }
  return ops;
}
