/**
 * A tag says whom a request is for: a path of 1 to 8 segments, `acme/db` = application `db` of
 * tenant `acme`. Plain strings in canonical form, so that they serve as keys as they are.
 */
import { invalid } from './errors.js';

export const TAG_SEGMENTS_MAX = 8;
/** 8 segments of 63 characters and the slashes between them. */
export const TAG_LENGTH_MAX = TAG_SEGMENTS_MAX * 64 - 1;

const SEGMENT = '[a-z0-9][a-z0-9._-]{0,62}';
const TAG = new RegExp(`^${SEGMENT}(?:/${SEGMENT}){0,${String(TAG_SEGMENTS_MAX - 1)}}$`);
const DEVICE = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The segment of the implicit child that carries requests tagged with an inner node itself. */
export const SELF_SEGMENT = '.';

export const TAG_ALLOWED = '1 to 8 segments of [a-z0-9][a-z0-9._-]{0,62} joined by "/"';
export const DEVICE_NAME_ALLOWED = '[a-z0-9][a-z0-9-]{0,62}';

export function isTag(text: string): boolean {
  return text.length <= TAG_LENGTH_MAX && TAG.test(text);
}

/** @throws SluiceError INVALID_ARGUMENT */
export function checkTag(text: string, field = 'tag'): string {
  if (!isTag(text)) throw invalid(field, TAG_ALLOWED, text);
  return text;
}

export function isDeviceName(text: string): boolean {
  return DEVICE.test(text);
}

/** @throws SluiceError INVALID_ARGUMENT */
export function checkDeviceName(text: string, field = 'device'): string {
  if (!isDeviceName(text)) throw invalid(field, DEVICE_NAME_ALLOWED, text);
  return text;
}

/** The tag above, or null for a single segment. */
export function parentTag(tag: string): string | null {
  const slash = tag.lastIndexOf('/');
  return slash < 0 ? null : tag.slice(0, slash);
}

/** Whether `tag` is `ancestor` or lies below it; everything lies below the empty ancestor. */
export function isWithin(tag: string, ancestor: string): boolean {
  if (ancestor === '') return true;
  if (!tag.startsWith(ancestor)) return false;
  return tag.length === ancestor.length || tag.charCodeAt(ancestor.length) === 0x2f;
}

/** The first `level` segments of a tag; the whole tag where it has fewer or level is 0. */
export function tagAtLevel(tag: string, level: number): string {
  if (level <= 0) return tag;
  let end = -1;
  for (let i = 0; i < level; i++) {
    end = tag.indexOf('/', end + 1);
    if (end < 0) return tag;
  }
  return tag.slice(0, end);
}
