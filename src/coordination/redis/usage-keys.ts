/**
 * Where usage stands in Redis. All keys of a device share its hash tag:
 *
 *   {DEVICE}:usage:LEVEL:START:sums        hash: a field a host and closed part of it, the value the sums of all
 *   {DEVICE}:usage:LEVEL:START:histograms  the tags that it served, packed with their names; histograms likewise
 *   {DEVICE}:usage:total:sums, :histograms hash: a field a host, all that it ever counted
 *   {DEVICE}:usage:tags                    sorted set: tag -> second that it was last served in
 *   {DEVICE}:usage:life                    id of this life of the store; absent: it was emptied
 *   {usage}:devices                        sorted set: device -> millisecond that it was first counted
 *
 * A host is one life of one process. Values are absolute and written again as they grow, so that a
 * repeat counts once. A field a tag was measured and left: a day of a thousand tags at steps of a minute
 * is 1.4 million fields, whose replies alone take seconds to read; so it is 1,440.
 */
import { MS_PER_S } from '../../core/model/units.js';
import { USAGE_STEPS } from '../../core/model/usage.js';
import { LEVELS } from '../../core/usage/levels.js';
import { KEY_PREFIX } from './requirements.js';

export const DEVICES_KEY = `${KEY_PREFIX}{usage}:devices`;

export type UsagePart = 'sums' | 'histograms';

/** @param level LEVELS = the total, of which startS says nothing */
export function intervalKey(device: string, level: number, startS: number, part: UsagePart): string {
  const interval = level === LEVELS ? 'total' : `${String(level)}:${String(startS)}`;
  return `${KEY_PREFIX}{${device}}:usage:${interval}:${part}`;
}

export function tagsKey(device: string): string {
  return `${KEY_PREFIX}{${device}}:usage:tags`;
}

export function lifeKey(device: string): string {
  return `${KEY_PREFIX}{${device}}:usage:life`;
}

/** How long after its last write a part of an interval is kept; the total for ever. */
export function keepMs(level: number, part: UsagePart): number {
  const { stepMs, keepMs: kept, keepQuantilesMs } = USAGE_STEPS[level]!;
  return (part === 'sums' ? kept : keepQuantilesMs) + 2 * stepMs + 60 * MS_PER_S;
}
