/** What `sluice replay` was asked for, checked, and the traces it is asked of. */
import { SluiceError } from '../core/model/errors.js';
import { SHARES_MAX, SHARES_MIN } from '../core/model/policy.js';
import { checkTag, isWithin } from '../core/model/tag.js';
import type { AddressMapName } from '../workload/address-map.js';
import { parseInteger } from '../workload/quantity.js';
import { lapNs, replaySource } from '../workload/replay.js';
import type { Pace, StopRules } from '../workload/run.js';
import type { TraceSource } from '../workload/trace-source.js';
import type { TraceFormat } from '../workload/traces/format.js';
import { loadTraces } from '../workload/traces/load.js';
import type { LoadedTraces, TagBy, TagTrace } from '../workload/traces/load.js';
import { traceBytes } from '../workload/traces/source.js';
import { note } from './output.js';
import { progressBar } from './progress.js';

export interface TraceOptions {
  format?: TraceFormat;
  tagBy: TagBy;
  limit: number;
  collapseMs: number;
  strict?: boolean;
}

export interface PaceOptions {
  speed?: number;
  closedLoop?: number;
  loop: number;
  requests: number;
  untilCost: number;
  map: AddressMapName;
}

export interface TagShares {
  readonly tag: string;
  readonly shares: number;
}

/** Most requests out at once of a tag that replays at the trace's times. */
const OPEN_LOOP_OUTSTANDING_MAX = 1_024;
const CLOSED_LOOP_OUTSTANDING_MIN = 32;

/** `acme/db=3`. @throws SluiceError INVALID_ARGUMENT */
export function parseTagShares(text: string): TagShares {
  const equals = text.lastIndexOf('=');
  if (equals < 0)
    throw new SluiceError('INVALID_ARGUMENT', `--shares must be TAG=N, got "${text}"`, { field: '--shares' });
  const tag = checkTag(text.slice(0, equals), '--shares');
  return { tag, shares: parseInteger(text.slice(equals + 1), SHARES_MIN, SHARES_MAX, `--shares ${tag}`) };
}

/** Reads the traces, with a bar, and says on stderr what was odd about them. */
export async function readTraces(paths: readonly string[], options: TraceOptions): Promise<LoadedTraces> {
  const bar = progressBar('reading', 0, 'records');
  try {
    const files = paths.map((path) => ({ name: path, bytes: traceBytes(path) }));
    const loaded = await loadTraces(
      files,
      {
        tagBy: options.tagBy,
        limit: options.limit,
        collapseMs: options.collapseMs,
        strict: options.strict ?? false,
        ...(options.format === undefined ? {} : { format: options.format }),
      },
      (records) => bar.update(records),
    );
    bar.stop();
    for (const reader of loaded.readers) {
      const odd: string[] = [];
      if (reader.firstBroken !== null) {
        const { line, reason } = reader.firstBroken;
        odd.push(`${String(reader.broken)} broken, the first at line ${String(line)}: ${reason}`);
      }
      if (reader.collapsed > 0) odd.push(`${String(reader.collapsed)} repeats collapsed`);
      const more = odd.length > 0 ? `; ${odd.join('; ')}` : '';
      note(`${reader.name}: ${reader.format!}, ${String(reader.records)} records${more}`);
    }
    return loaded;
  } finally {
    bar.stop();
  }
}

/** @throws SluiceError INVALID_ARGUMENT for a tag that is none of the traces' nor above one */
export function checkShares(shares: readonly TagShares[], traces: LoadedTraces): void {
  for (const { tag } of shares) {
    if (traces.tags.some((trace) => isWithin(trace.tag, tag))) continue;
    const known = traces.tags.map((trace) => trace.tag).join(', ');
    throw new SluiceError('INVALID_ARGUMENT', `--shares ${tag} must name a tag of the traces: ${known}`, {
      field: '--shares',
    });
  }
}

/** What drivers need, once the device is known. */
export interface ReplayPlan {
  readonly pace: Pace;
  readonly stop: StopRules;
  readonly requestsMax: number;
  /** All requests of the run; 0 where it is not known. */
  readonly total: number;
  source(trace: TagTrace, device: { readonly sizeBytes: number; readonly blockBytes: number }): TraceSource;
}

/** @param depth of the device: a tag shows its shares only with more than that outstanding */
export function replayPlan(options: PaceOptions, traces: LoadedTraces, depth: number): ReplayPlan {
  const repeats = options.loop > 0 || options.untilCost > 0 || options.requests > 0;
  const pace: Pace =
    options.speed !== undefined
      ? { kind: 'open', outstandingMax: OPEN_LOOP_OUTSTANDING_MAX }
      : {
          kind: 'closed',
          outstanding: options.closedLoop ?? Math.max(CLOSED_LOOP_OUTSTANDING_MIN, 2 * depth),
          thinkNs: 0,
        };
  const lap = lapNs(traces);
  const records = traces.tags.reduce((sum, { columns }) => sum + columns.count, 0);
  const endless = options.loop > 0 || options.untilCost > 0;
  return {
    pace,
    stop: { seconds: options.loop, untilCost: options.untilCost },
    requestsMax: options.requests,
    total: options.requests > 0 ? options.requests * traces.tags.length : endless ? 0 : records,
    source: (trace, device) =>
      replaySource(trace, device, { map: options.map, speed: options.speed ?? 1, loop: repeats }, lap),
  };
}
