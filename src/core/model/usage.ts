/** What was served, as people ask for it. */
import type { Op } from './request.js';

/**
 * The steps that time series are kept in, milliseconds, how long each is kept, and for how long with
 * its percentiles: a busy tag's histograms of an hour are ten times its sums.
 */
export const USAGE_STEPS = [
  { stepMs: 1_000, keepMs: 15 * 60_000, keepQuantilesMs: 15 * 60_000 },
  { stepMs: 60_000, keepMs: 48 * 3_600_000, keepQuantilesMs: 48 * 3_600_000 },
  { stepMs: 3_600_000, keepMs: 366 * 86_400_000, keepQuantilesMs: 7 * 86_400_000 },
] as const;

export const USAGE_ORDERS = ['tag', 'cost', 'bytes', 'ops'] as const;
export type UsageOrder = (typeof USAGE_ORDERS)[number];

/** Where the tags without a row of their own are summed: no tag begins with an underscore. */
export const OTHER_TAGS = '_other';

/** Checked by control; a store may take it as it is. */
export interface UsageQuery {
  /** '' = all devices. */
  readonly device: string;
  /** This tag and those below it; '' = all. */
  readonly tagPrefix: string;
  /** [from, to), milliseconds since 1970, multiples of the step that answers; both 0 = everything counted. */
  readonly fromMs: number;
  readonly toMs: number;
  /** One of USAGE_STEPS: a row a step; 0 = one row for the whole range. */
  readonly stepMs: number;
  /** Sum over tags with the same first N segments; 0 = each tag apart. */
  readonly groupLevel: number;
  /** Rows as grouped that have one of their own; all others are one more, OTHER_TAGS. None = all have. */
  readonly apart: readonly string[];
  readonly orderBy: UsageOrder;
  /** Only the first N tags of each step; 0 = all. */
  readonly topN: number;
  /** Each in (0, 1). */
  readonly quantiles: readonly number[];
}

/** Sums over the executions of one operation, failed ones included; bytes of successful ones alone. */
export interface OpUsage {
  op: Op;
  count: number;
  errors: number;
  bytes: number;
  cost: number;
  cacheHits: number;
  queueUsSum: number;
  serviceUsSum: number;
}

export interface UsageRow {
  device: string;
  tag: string;
  startMs: number;
  endMs: number;
  ops: OpUsage[];
  /** In the order of the query's quantiles, over all operations. */
  queueUs: number[];
  serviceUs: number[];
}

export interface TagSummary {
  device: string;
  tag: string;
  lastSeenMs: number;
}

/** Where the executions of one tag on one device are counted. */
export interface UsageAccount {
  /**
   * Counts one execution; no allocation once the tag has been seen with the operation.
   * @param atNs when it ended, of the clock's nowNs
   */
  record(
    op: Op,
    lengthBytes: number,
    cost: number,
    failed: boolean,
    cacheHit: boolean,
    queueNs: number,
    serviceNs: number,
    atNs: number,
  ): void;
}

/** Counts what one host serves of one device. */
export interface UsageLedger {
  /** The account of a tag, made where there is none. Kept by the caller as long as it likes. */
  account(tag: string): UsageAccount;
}
