/** Rows of a ledger summed by group of tags, one interval after the other: the answer to a query. */
import { EMPTY_HISTOGRAM, HistogramPool } from '../histogram-pool.js';
import { SluiceError } from '../model/errors.js';
import { isWithin, tagAtLevel } from '../model/tag.js';
import type { Op } from '../model/request.js';
import type { OpUsage, UsageQuery, UsageRow } from '../model/usage.js';
import { NS_PER_US } from '../model/units.js';
import { BYTES, CACHE_HITS, COST, COUNT, ERRORS, QUEUE, QUEUE_NS, SERVICE, SERVICE_NS, SUMS } from './rows.js';
import type { UsageRows } from './rows.js';
import type { TagTable } from './tag-table.js';

/** Most rows that one query answers with. */
export const USAGE_ROWS_MAX = 200_000;

/** Above this many a sort is faster than insertion one by one. */
const INSERTED_MAX = 200;

const OPS = 5;
const WIDTH = OPS * SUMS;
const OUTSIDE = -1;
const UNKNOWN = -2;

type Grouping = Pick<UsageQuery, 'tagPrefix' | 'groupLevel' | 'orderBy' | 'topN' | 'quantiles'>;

export class UsageSum {
  readonly result: UsageRow[] = [];
  private readonly device: string;
  private readonly rows: UsageRows;
  private readonly tags: TagTable;
  private readonly query: Grouping;
  /** What names a tag's group; null: each tag is its own. */
  private readonly groupName: ((tag: string) => string) | null;
  /** By tag: its group, OUTSIDE the prefix, or not asked yet. */
  private readonly groupOf: Int32Array;
  private readonly groups = new Map<string, number>();
  private readonly names: string[] = [];
  /** By group: its place among `used` in this interval, -1 = none yet. */
  private readonly places: number[] = [];
  private readonly used: number[] = [];
  private sums = new Float64Array(WIDTH);
  private readonly pool = new HistogramPool();
  private readonly queue: number[] = [];
  private readonly service: number[] = [];

  constructor(
    device: string,
    rows: UsageRows,
    tags: TagTable,
    query: Grouping,
    groupName: ((tag: string) => string) | null = query.groupLevel === 0
      ? null
      : (tag) => tagAtLevel(tag, query.groupLevel),
  ) {
    this.device = device;
    this.rows = rows;
    this.tags = tags;
    this.query = query;
    this.groupName = groupName;
    this.groupOf = new Int32Array(tags.size).fill(UNKNOWN);
  }

  /** Everything in one row. */
  static ofAll(rows: UsageRows, tags: TagTable): UsageSum {
    const everything: Grouping = { tagPrefix: '', groupLevel: 0, orderBy: 'tag', topN: 0, quantiles: [] };
    return new UsageSum('', rows, tags, everything, () => '');
  }

  add(row: number): void {
    const group = this.group(this.rows.tag(row));
    if (group === OUTSIDE) return;
    let place = this.places[group]!;
    if (place < 0) {
      place = this.used.length;
      this.places[group] = place;
      this.used.push(group);
      this.clear(place);
    }
    this.rows.addSums(row, this.sums, place * WIDTH);
    if (this.query.quantiles.length === 0) return;
    this.queue[place] = this.pool.merge(this.queue[place]!, this.rows.histograms, this.rows.field(row, QUEUE));
    this.service[place] = this.pool.merge(this.service[place]!, this.rows.histograms, this.rows.field(row, SERVICE));
  }

  /**
   * Ends the interval: its rows, in order, the first topN of them, join the result.
   * @throws SluiceError TOO_LARGE past USAGE_ROWS_MAX
   */
  finish(startMs: number, endMs: number): UsageRow[] {
    const shown = this.ranked();
    if (this.result.length + shown.length > USAGE_ROWS_MAX) {
      throw new SluiceError(
        'TOO_LARGE',
        `the answer would have more than ${String(USAGE_ROWS_MAX)} rows: ask for a shorter range, a longer step_ms, or less by top_n or group_level`,
      );
    }
    for (const place of shown) {
      this.result.push({
        device: this.device,
        tag: this.names[this.used[place]!]!,
        startMs,
        endMs,
        ops: this.ops(place),
        queueUs: this.pool.quantilesUs(this.queue[place] ?? EMPTY_HISTOGRAM, this.query.quantiles),
        serviceUs: this.pool.quantilesUs(this.service[place] ?? EMPTY_HISTOGRAM, this.query.quantiles),
      });
    }
    for (const group of this.used) this.places[group] = -1;
    this.used.length = 0;
    return this.result;
  }

  private group(id: number): number {
    const known = this.groupOf[id]!;
    if (known !== UNKNOWN) return known;
    const tag = this.tags.name(id);
    let group = OUTSIDE;
    if (isWithin(tag, this.query.tagPrefix)) {
      group = this.groupName === null ? this.addGroup(tag) : this.groupNamed(this.groupName(tag));
    }
    this.groupOf[id] = group;
    return group;
  }

  private groupNamed(name: string): number {
    let group = this.groups.get(name);
    if (group === undefined) this.groups.set(name, (group = this.addGroup(name)));
    return group;
  }

  private addGroup(name: string): number {
    this.names.push(name);
    this.places.push(-1);
    return this.names.length - 1;
  }

  private clear(place: number): void {
    const end = (place + 1) * WIDTH;
    if (end > this.sums.length) {
      const grown = new Float64Array(this.sums.length * 2);
      grown.set(this.sums);
      this.sums = grown;
    }
    this.sums.fill(0, place * WIDTH, end);
    this.pool.free(this.queue[place] ?? EMPTY_HISTOGRAM);
    this.pool.free(this.service[place] ?? EMPTY_HISTOGRAM);
    this.queue[place] = EMPTY_HISTOGRAM;
    this.service[place] = EMPTY_HISTOGRAM;
  }

  /** The places to show, in order. */
  private ranked(): number[] {
    const { orderBy, topN } = this.query;
    const count = this.used.length;
    const weights = new Float64Array(count);
    if (orderBy !== 'tag') {
      const field = { cost: COST, bytes: BYTES, ops: COUNT }[orderBy];
      for (let place = 0; place < count; place++) weights[place] = this.over(place, field);
    }
    const compare = (a: number, b: number): number => {
      if (weights[a] !== weights[b]) return weights[b]! - weights[a]!;
      return this.names[this.used[a]!]! < this.names[this.used[b]!]! ? -1 : 1;
    };
    if (topN === 0 || topN >= count || topN > INSERTED_MAX) {
      const all = Array.from(weights.keys()).sort(compare);
      return topN === 0 ? all : all.slice(0, topN);
    }
    // A few of many: most are told from the last of the few by one comparison.
    const first: number[] = [];
    for (let place = 0; place < count; place++) {
      if (first.length === topN && compare(first[topN - 1]!, place) < 0) continue;
      let at = first.length;
      while (at > 0 && compare(place, first[at - 1]!) < 0) at -= 1;
      first.splice(at, 0, place);
      if (first.length > topN) first.pop();
    }
    return first;
  }

  private over(place: number, field: number): number {
    let sum = 0;
    for (let op = 0; op < OPS; op++) sum += this.sums[place * WIDTH + op * SUMS + field]!;
    return sum;
  }

  private ops(place: number): OpUsage[] {
    const ops: OpUsage[] = [];
    for (let op = 0; op < OPS; op++) {
      const at = place * WIDTH + op * SUMS;
      if (this.sums[at + COUNT] === 0) continue;
      ops.push({
        op: (op + 1) as Op,
        count: this.sums[at + COUNT]!,
        errors: this.sums[at + ERRORS]!,
        bytes: this.sums[at + BYTES]!,
        cost: this.sums[at + COST]!,
        cacheHits: this.sums[at + CACHE_HITS]!,
        queueUsSum: this.sums[at + QUEUE_NS]! / NS_PER_US,
        serviceUsSum: this.sums[at + SERVICE_NS]! / NS_PER_US,
      });
    }
    return ops;
  }
}
