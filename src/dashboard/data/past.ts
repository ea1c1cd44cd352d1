/**
 * A range of the past, asked for step by step: the largest tags apart and all others as one row, so
 * that an answer is as long with a thousand tags as with ten. Asked again, it is only what came since.
 */
import { ApiError, type UsageAsked, type UsageRow } from './api.js';
import { spanOf, startsOf, type PastRange, type Span } from './range.js';
import type { Latency, Metric, Timeline } from './timeline.js';

/** Tags whose shares are told: as many as a live second has. */
const WHOLE_ROWS_MAX = 1_000;
/** After so many times of the rest alone everything is asked anew: other tags may be the largest by then. */
const RESTS_MAX = 10;

export type Ask = (asked: UsageAsked) => Promise<UsageRow[]>;

export interface Series {
  readonly span: Span;
  /** One row a tag for the whole range, most of the metric first. */
  readonly whole: readonly UsageRow[];
  /** Those drawn apart. */
  readonly tags: readonly string[];
  readonly steps: StepRows;
  /** How often only the rest was asked for. */
  readonly rests: number;
}

export interface TagLatency {
  readonly span: Span;
  readonly steps: StepRows;
}

/** Rows by the step that they are of. */
export class StepRows {
  private readonly steps = new Map<number, UsageRow[]>();

  /** Rows of steps from fromMs on, in place of what was known of those; what begins before keptMs is let go of. */
  take(rows: readonly UsageRow[], fromMs: number, keptMs: number): void {
    for (const startMs of this.steps.keys()) {
      if (startMs >= fromMs || startMs < keptMs) this.steps.delete(startMs);
    }
    for (const row of rows) {
      const startMs = Number(row.startMs);
      const there = this.steps.get(startMs);
      if (there === undefined) this.steps.set(startMs, [row]);
      else there.push(row);
    }
  }

  at(startMs: number): readonly UsageRow[] {
    return this.steps.get(startMs) ?? [];
  }
}

/** Loads what a range served, with `count` tags apart. */
export async function loadSeries(
  ask: Ask,
  { device, range, metric, count }: { device: string; range: PastRange; metric: Metric; count: number },
  before: Series | null,
  nowMs: number,
): Promise<Series> {
  const span = spanOf(range, nowMs);
  const { fromMs, toMs, stepMs } = span;
  const whole = await ask({ device, fromMs, toMs, stepMs: 0, orderBy: metric, topN: WHOLE_ROWS_MAX });
  const rest = before !== null && before.tags.length === count && before.rests < RESTS_MAX && follows(before, span);
  const tags = rest ? before.tags : whole.slice(0, count).map(({ tag }) => tag);
  const steps = rest ? before.steps : new StepRows();
  const restMs = rest ? restFromMs(before, span) : fromMs;
  const rows =
    tags.length === 0
      ? []
      : await ask({ device, fromMs: restMs, toMs, stepMs, orderBy: metric, apart: tags.join(',') });
  steps.take(rows, restMs, fromMs);
  return { span, whole, tags, steps, rests: rest ? before.rests + 1 : 0 };
}

/** Loads the percentiles of one tag over a range. */
export async function loadLatency(
  ask: Ask,
  { device, range, tag, quantiles }: { device: string; range: PastRange; tag: string; quantiles: string },
  before: TagLatency | null,
  nowMs: number,
): Promise<TagLatency> {
  const span = spanOf(range, nowMs);
  const { fromMs, toMs, stepMs } = span;
  const rest = before !== null && follows(before, span);
  const steps = rest ? before.steps : new StepRows();
  const restMs = rest ? restFromMs(before, span) : fromMs;
  steps.take(await rowsOf(ask, { device, tagPrefix: tag, fromMs: restMs, toMs, stepMs, quantiles }), restMs, fromMs);
  return { span, steps };
}

/** A tag that has a policy may never have been served. */
async function rowsOf(ask: Ask, asked: UsageAsked): Promise<UsageRow[]> {
  try {
    return await ask(asked);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NOT_FOUND') return [];
    throw error;
  }
}

/** Whether what was known of before leads up to it: neither did the clock go back nor is there a gap. */
function follows({ span: before }: { readonly span: Span }, span: Span): boolean {
  return before.nowMs <= span.nowMs && before.nowMs > span.fromMs;
}

/** The step that was open then, and the one before: other hosts tell what they served a second later. */
function restFromMs({ span: { nowMs, stepMs } }: { readonly span: Span }, span: Span): number {
  return Math.max(span.fromMs, Math.floor(nowMs / stepMs) * stepMs - stepMs);
}

export class PastTimeline implements Timeline {
  private readonly span: Span;
  private readonly steps: StepRows;
  private readonly starts: readonly number[];

  constructor({ span, steps }: { readonly span: Span; readonly steps: StepRows }) {
    this.span = span;
    this.steps = steps;
    this.starts = startsOf(span);
  }

  times(): number[] {
    return this.starts.map((startMs) => endOf(this.span, startMs) / 1_000);
  }

  rates(tag: string | null, metric: Metric): number[] {
    return this.starts.map((startMs) => {
      let sum = 0;
      for (const row of this.steps.at(startMs)) if (tag === null || row.tag === tag) sum += amount(row, metric);
      return sum / ((endOf(this.span, startMs) - startMs) / 1_000);
    });
  }

  latencies(tag: string, latency: Latency): (number | null)[] {
    return this.starts.map((startMs) => {
      const row = this.steps.at(startMs).find((each) => each.tag === tag);
      return row === undefined ? null : percentile(row, latency);
    });
  }
}

/** The open step ends now. */
function endOf({ stepMs, nowMs }: Span, startMs: number): number {
  return Math.min(startMs + stepMs, Math.max(nowMs, startMs + 1_000));
}

export function amount(row: UsageRow, metric: Metric): number {
  let sum = 0;
  for (const op of row.ops) sum += Number({ ops: op.count, bytes: op.bytes, cost: op.cost }[metric]);
  return sum;
}

function percentile(row: UsageRow, latency: Latency): number | null {
  const [times, at] = {
    queueUsP50: [row.queueUs, 0] as const,
    queueUsP99: [row.queueUs, 1] as const,
    serviceUsP50: [row.serviceUs, 0] as const,
    serviceUsP99: [row.serviceUs, 1] as const,
  }[latency];
  return times[at] ?? null;
}
