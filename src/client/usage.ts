/** Usage over gRPC: what was served, by tag and device. */
import { invalid } from '../core/model/errors.js';
import { isOp, OPS } from '../core/model/request.js';
import { SELF_SEGMENT, checkDeviceName, checkTag } from '../core/model/tag.js';
import { USAGE_ORDERS, USAGE_STEPS, type TagSummary, type UsageOrder, type UsageRow } from '../core/model/usage.js';
import type { UsageRow__Output } from '../wire/gen/sluice/v1/UsageRow.js';
import { serviceMethods, type Calls } from './calls.js';

/** Which rows, and how they are summed. */
export interface UsageSelection {
  /** Absent: all devices. */
  readonly device?: string;
  /** This tag and those below it, or `acme/.` for what carries the inner node `acme` itself; absent: all. */
  readonly tagPrefix?: string;
  /** Sum over tags with the same first N segments; 0: each tag apart. */
  readonly groupLevel?: number;
  /** Tags as grouped that have a row of their own, at most 64; all others are summed in one, `_other`. Absent or empty: all have. */
  readonly apart?: readonly string[];
  /** Default `tag`. */
  readonly orderBy?: UsageOrder;
  /** Only the first N tags of each step; 0: all. */
  readonly topN?: number;
  /** Each in (0, 1), at most 16: percentiles of queue and service time to give. */
  readonly quantiles?: readonly number[];
}

export interface UsageQuery extends UsageSelection {
  /** [from, to) in milliseconds since 1970; both absent: everything counted. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** 1000, 60000 or 3600000: a row a step; 0: one row for the whole range. */
  readonly stepMs?: number;
}

export interface UsageWatch extends UsageSelection {
  /** 1000 or more. */
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

const UINT32_MAX = 2 ** 32 - 1;
const QUANTILES_MAX = 16;
const APART_MAX = 64;
const STEPS_MS: readonly number[] = [0, ...USAGE_STEPS.map((step) => step.stepMs)];

function count(value: number, field: string, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw invalid(field, `an integer 0..${String(max)}`, value);
  }
  return value;
}

/** A tag, or `acme/.`: what was tagged with the inner node `acme` itself. */
function checkUsageTag(tag: string, field: string): string {
  checkTag(tag.endsWith(`/${SELF_SEGMENT}`) ? tag.slice(0, -2) : tag, field);
  return tag;
}

function selection(query: UsageSelection): {
  device: string;
  tagPrefix: string;
  groupLevel: number;
  apart: string[];
  orderBy: 1 | 2 | 3 | 4;
  topN: number;
  quantiles: number[];
} {
  const { orderBy = 'tag', quantiles = [] } = query;
  if (!USAGE_ORDERS.includes(orderBy)) throw invalid('orderBy', `one of ${USAGE_ORDERS.join(', ')}`, orderBy);
  if (quantiles.length > QUANTILES_MAX) {
    throw invalid('quantiles', `at most ${String(QUANTILES_MAX)} numbers`, quantiles.length);
  }
  if ((query.apart ?? []).length > APART_MAX) {
    throw invalid('apart', `at most ${String(APART_MAX)} tags`, query.apart?.length);
  }
  for (const q of quantiles) if (!(q > 0 && q < 1)) throw invalid('quantiles', 'each above 0 and below 1', q);
  return {
    device: query.device === undefined ? '' : checkDeviceName(query.device),
    tagPrefix: query.tagPrefix === undefined ? '' : checkUsageTag(query.tagPrefix, 'tagPrefix'),
    groupLevel: count(query.groupLevel ?? 0, 'groupLevel', UINT32_MAX),
    apart: (query.apart ?? []).map((tag, i) => checkUsageTag(tag, `apart[${String(i)}]`)),
    orderBy: (USAGE_ORDERS.indexOf(orderBy) + 1) as 1 | 2 | 3 | 4,
    topN: count(query.topN ?? 0, 'topN', UINT32_MAX),
    quantiles: [...quantiles],
  };
}

function rowFromWire(row: UsageRow__Output): UsageRow {
  const { device, tag, startMs, endMs, queueUs, serviceUs } = row;
  const ops = row.ops.map((each) => ({
    op: isOp(each.op) ? each.op : OPS.READ,
    count: each.count,
    errors: each.errors,
    bytes: each.bytes,
    cost: each.cost,
    cacheHits: each.cacheHits,
    queueUsSum: each.queueUsSum,
    serviceUsSum: each.serviceUsSum,
  }));
  return { device, tag, startMs, endMs, ops, queueUs, serviceUs };
}

export class UsageClient {
  private readonly calls: Calls;
  private readonly methods = serviceMethods('UsageService');

  /** Made by SluiceClient. */
  constructor(calls: Calls) {
    this.calls = calls;
  }

  /** Rows ordered by time, then as orderBy says. */
  async *query(query: UsageQuery = {}): AsyncGenerator<UsageRow, void> {
    const { stepMs = 0 } = query;
    if (!STEPS_MS.includes(stepMs)) throw invalid('stepMs', `one of ${STEPS_MS.join(', ')}`, stepMs);
    const request = {
      ...selection(query),
      fromMs: count(query.fromMs ?? 0, 'fromMs', Number.MAX_SAFE_INTEGER),
      toMs: count(query.toMs ?? 0, 'toMs', Number.MAX_SAFE_INTEGER),
      stepMs,
    };
    for await (const answer of this.calls.stream(this.methods.Query, request)) {
      for (const row of answer.rows) yield rowFromWire(row);
    }
  }

  /** The rows of each new interval as it completes; ends with the loop, the signal or an error. */
  async *watch(options: UsageWatch = {}): AsyncGenerator<readonly UsageRow[], void> {
    const request = { ...selection(options), intervalMs: count(options.intervalMs ?? 0, 'intervalMs', UINT32_MAX) };
    for await (const answer of this.calls.stream(this.methods.Watch, request, options.signal)) {
      yield answer.rows.map(rowFromWire);
    }
  }

  /** Every tag with usage; pages are fetched as the loop goes on. */
  async *tags(filter: { device?: string; tagPrefix?: string } = {}): AsyncGenerator<TagSummary, void> {
    const { device, tagPrefix } = selection(filter);
    let pageToken = '';
    do {
      const page = await this.calls.unary(this.methods.ListTags, { device, tagPrefix, pageToken });
      for (const { device: on, tag, lastSeenMs } of page.tags) yield { device: on, tag, lastSeenMs };
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }
}
