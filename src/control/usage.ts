/** The use cases of usage, which every door calls. */
import { SluiceError, invalid } from '../core/model/errors.js';
import { TAG_SEGMENTS_MAX } from '../core/model/tag.js';
import { MS_PER_S, NS_PER_MS } from '../core/model/units.js';
import { USAGE_ORDERS, USAGE_STEPS } from '../core/model/usage.js';
import type { TagSummary, UsageOrder, UsageQuery, UsageRow } from '../core/model/usage.js';
import type { Clock, Timer, UsageStore } from '../core/ports.js';
import { checkUsageFilter, checkUsageTag } from './filter.js';
import { checkPageSize, pageToken, readPageToken } from './paging.js';

/** A query as a caller gave it. */
export type RawUsageQuery = Omit<UsageQuery, 'orderBy'> & { readonly orderBy: string };

/** What is the same in all intervals of a watch; intervalMs 0 = 1000. */
export type RawUsageWatch = Omit<RawUsageQuery, 'fromMs' | 'toMs' | 'stepMs'> & { readonly intervalMs: number };

const QUANTILES_MAX = 16;
const APART_MAX = 64;
const TOP_N_MAX = 2 ** 32 - 1;
/** Most steps in one answer. */
const STEPS_MAX = 100_000;
const INTERVAL_MS_MAX = 15 * 60_000;
/** The finest step: what ranges are measured in. */
const GRAIN_MS = USAGE_STEPS[0].stepMs;

export class Usage {
  private readonly store: UsageStore;
  private readonly clock: Clock;

  constructor(store: UsageStore, clock: Clock) {
    this.store = store;
    this.clock = clock;
  }

  /**
   * Resolves when the first rows are there, with all of them, part by part as they are asked for: an
   * answer of any length takes the memory of one part.
   * @throws SluiceError INVALID_ARGUMENT; OUT_OF_RANGE for a range that begins before what is kept
   * (an answer with a part missing would be taken for the whole); NOT_FOUND for a tag_prefix with
   * nothing counted at or below it
   */
  async query(raw: RawUsageQuery): Promise<AsyncIterable<readonly UsageRow[]>> {
    const query = checkQuery(raw);
    const parts = this.store.query(query)[Symbol.asyncIterator]();
    const first = await parts.next();
    if (first.done === true && query.tagPrefix !== '') await this.checkKnown(query);
    return resumed(first, parts);
  }

  /**
   * The rows of each interval as it completes, from the one that ends next; no rows where nothing
   * was served. An interval that cannot be asked for, or that a jump of the wall clock passed over,
   * is left out.
   * @returns how to stop
   */
  watch(raw: RawUsageWatch, listener: (rows: UsageRow[], startMs: number, endMs: number) => void): Promise<() => void> {
    return new Promise((resolve) => {
      const { intervalMs, query } = checkWatch(raw);
      const firstEndMs = (): number => Math.floor(this.clock.wallMs() / GRAIN_MS) * GRAIN_MS + intervalMs;
      let stopped = false;
      let endMs = firstEndMs();
      const wait = (): Timer => this.clock.after(Math.max(endMs - this.clock.wallMs(), 1) * NS_PER_MS, tick);
      const tick = (): void => {
        const lateMs = this.clock.wallMs() - endMs;
        if (lateMs >= 0 && lateMs < intervalMs) {
          const [startMs, untilMs] = [endMs - intervalMs, endMs];
          const tell = (rows: UsageRow[]): void => {
            if (!stopped) listener(rows, startMs, untilMs);
          };
          allRows(this.store.query({ ...query, fromMs: startMs, toMs: untilMs })).then(tell, () => undefined);
          endMs += intervalMs;
        } else if (lateMs >= intervalMs || lateMs < -intervalMs) {
          endMs = firstEndMs();
        }
        timer = wait();
      };
      let timer = wait();
      resolve(() => {
        stopped = true;
        timer.cancel();
      });
    });
  }

  /** No rows may mean an idle tag; a tag that nobody ever used is a mistake that an empty answer would hide. */
  private async checkKnown({ device, tagPrefix: prefix }: UsageQuery): Promise<void> {
    const [known] = await this.store.listTags({ device, prefix, after: null, limit: 1 });
    if (known !== undefined) return;
    const where = device === '' ? 'any device' : `device ${device}`;
    throw new SluiceError('NOT_FOUND', `tag_prefix: nothing was counted for ${prefix} or below it on ${where}`, {
      field: 'tag_prefix',
    });
  }

  /** Tags that were served, by device, then tag. */
  async listTags(query: {
    readonly device: string;
    readonly tagPrefix: string;
    readonly pageSize: number;
    readonly pageToken: string;
  }): Promise<{ tags: TagSummary[]; nextPageToken: string }> {
    const { device, tagPrefix: prefix } = query;
    checkUsageFilter(device, prefix);
    const limit = checkPageSize(query.pageSize);
    const key = readPageToken('tags', query.pageToken, 2);
    const after = key === null ? null : { device: key[0]!, tag: key[1]! };
    const found = await this.store.listTags({ device, prefix, after, limit: limit + 1 });
    const tags = found.slice(0, limit);
    const last = tags.at(-1);
    const more = found.length > limit && last !== undefined;
    return { tags, nextPageToken: more ? pageToken('tags', [last.device, last.tag]) : '' };
  }
}

/** The parts, of which the first has been asked for. */
async function* resumed<T>(first: IteratorResult<T, unknown>, rest: AsyncIterator<T>): AsyncGenerator<T, void> {
  try {
    for (let part = first; part.done !== true; part = await rest.next()) yield part.value;
  } finally {
    await rest.return?.();
  }
}

/** The parts of an answer at once, for who knows that it is short. */
export async function allRows(parts: AsyncIterable<readonly UsageRow[]>): Promise<UsageRow[]> {
  const rows: UsageRow[] = [];
  for await (const part of parts) for (const row of part) rows.push(row);
  return rows;
}

function integer(value: number, max: number, field: string): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw invalid(field, `an integer 0..${String(max)}`, value);
  }
}

function checkGrouping(raw: Omit<RawUsageQuery, 'fromMs' | 'toMs' | 'stepMs'>): UsageOrder {
  checkUsageFilter(raw.device, raw.tagPrefix);
  integer(raw.groupLevel, TAG_SEGMENTS_MAX, 'group_level');
  integer(raw.topN, TOP_N_MAX, 'top_n');
  if (raw.apart.length > APART_MAX) throw invalid('apart', `at most ${String(APART_MAX)} tags`, raw.apart.length);
  raw.apart.forEach((tag, i) => checkUsageTag(tag, `apart[${String(i)}]`));
  if (raw.quantiles.length > QUANTILES_MAX) {
    throw invalid('quantiles', `at most ${String(QUANTILES_MAX)}`, raw.quantiles.length);
  }
  raw.quantiles.forEach((quantile, i) => {
    if (!(quantile > 0 && quantile < 1)) throw invalid(`quantiles[${String(i)}]`, 'above 0 and below 1', quantile);
  });
  const orderBy = USAGE_ORDERS.find((order) => order === raw.orderBy);
  if (orderBy === undefined) throw invalid('order_by', `one of ${USAGE_ORDERS.join(', ')}`, raw.orderBy);
  return orderBy;
}

function checkQuery(raw: RawUsageQuery): UsageQuery {
  const orderBy = checkGrouping(raw);
  const { fromMs, toMs, stepMs } = raw;
  integer(fromMs, Number.MAX_SAFE_INTEGER, 'from_ms');
  integer(toMs, Number.MAX_SAFE_INTEGER, 'to_ms');
  if (stepMs !== 0 && !USAGE_STEPS.some((step) => step.stepMs === stepMs)) {
    throw invalid('step_ms', `0 or one of ${USAGE_STEPS.map((step) => String(step.stepMs)).join(', ')}`, stepMs);
  }
  if (fromMs === 0 && toMs === 0) {
    if (stepMs !== 0) throw invalid('step_ms', '0 where from_ms and to_ms are 0', stepMs);
    return { ...raw, orderBy };
  }
  if (!(fromMs < toMs)) throw invalid('to_ms', `above from_ms (${String(fromMs)})`, toMs);
  const grainMs = stepMs === 0 ? GRAIN_MS : stepMs;
  if (fromMs % grainMs !== 0) throw invalid('from_ms', `a multiple of ${String(grainMs)}`, fromMs);
  if (toMs % grainMs !== 0) throw invalid('to_ms', `a multiple of ${String(grainMs)}`, toMs);
  if (stepMs !== 0 && (toMs - fromMs) / stepMs > STEPS_MAX) {
    throw new SluiceError(
      'INVALID_ARGUMENT',
      `[from_ms, to_ms) must have at most ${String(STEPS_MAX)} steps, got ${String((toMs - fromMs) / stepMs)}`,
      { field: 'to_ms' },
    );
  }
  return { ...raw, orderBy };
}

function checkWatch(raw: RawUsageWatch): { intervalMs: number; query: UsageQuery } {
  const orderBy = checkGrouping(raw);
  const intervalMs = raw.intervalMs === 0 ? MS_PER_S : raw.intervalMs;
  if (intervalMs % GRAIN_MS !== 0 || intervalMs < GRAIN_MS || intervalMs > INTERVAL_MS_MAX) {
    const allowed = `0 (= ${String(MS_PER_S)}) or a multiple of ${String(GRAIN_MS)} up to ${String(INTERVAL_MS_MAX)}`;
    throw invalid('interval_ms', allowed, raw.intervalMs);
  }
  const { device, tagPrefix, groupLevel, apart, topN, quantiles } = raw;
  const query = { device, tagPrefix, fromMs: 0, toMs: 0, stepMs: 0, groupLevel, apart, orderBy, topN, quantiles };
  return { intervalMs, query };
}
