/**
 * A disk of a virtual machine: a socket, the device behind it, and the tag that its requests carry. The
 * guest's I/O priorities choose among the tags below that one.
 */
import { invalid } from './errors.js';
import { TAG_SEGMENTS_MAX, checkDeviceName, isTag } from './tag.js';

/** Linux's classes of I/O priority, with their numbers (include/uapi/linux/ioprio.h). */
export const PRIORITY_CLASSES = { none: 0, rt: 1, be: 2, idle: 3 } as const;
export type PriorityClass = keyof typeof PRIORITY_CLASSES;
export const PRIORITY_LEVELS = 8;
export const PRIORITY_HINTS = 1_024;

/** Which last segment of the tag a priority gives: `{ 'be:0': 'db', 'be:7': 'backup', idle: 'scrub' }`. */
export type PriorityNames = Readonly<Record<string, string>>;

export interface DiskSpec {
  /** Absolute path of the Unix socket. */
  readonly socket: string;
  readonly device: string;
  /** At most 7 segments. */
  readonly tag: string;
  readonly map: PriorityNames;
}

/** A disk as it stands. */
export interface DiskView extends DiskSpec {
  /** A virtual machine uses it. */
  readonly connected: boolean;
  /** Requests of the guest that have been taken and not answered. */
  readonly inFlight: number;
  /** Why a queue of it was stopped or a front end cut off, the last time; '' where none was. */
  readonly complaint: string;
}

export const PRIORITY_KEY =
  /^(?:\*|(?<name>none|rt|be|idle)(?::(?<level>[0-7])(?::(?<hint>[1-9]\d{0,2}|10[01]\d|102[0-3]))?)?)$/;
const PRIORITY_KEYS_ALLOWED =
  'CLASS, CLASS:LEVEL or CLASS:LEVEL:HINT with CLASS none, rt, be or idle, LEVEL 0..7, HINT 1..1023; or * for the rest';

/** @throws SluiceError INVALID_ARGUMENT naming what is wrong under `field` */
export function checkDisk(spec: DiskSpec, field = ''): DiskSpec {
  const at = (name: string): string => (field === '' ? name : `${field}.${name}`);
  const { socket, device, tag, map } = spec;
  if (!socket.startsWith('/')) throw invalid(at('socket'), 'an absolute path', socket);
  checkDeviceName(device, at('device'));
  if (!isTag(tag) || tag.split('/').length >= TAG_SEGMENTS_MAX) {
    throw invalid(at('tag'), `a tag of at most ${String(TAG_SEGMENTS_MAX - 1)} segments: a priority adds one`, tag);
  }
  for (const [key, name] of Object.entries(map)) {
    if (!PRIORITY_KEY.test(key)) throw invalid(at('map'), PRIORITY_KEYS_ALLOWED, key);
    if (!isTag(name) || name.includes('/')) {
      throw invalid(at(`map.${key}`), 'one segment of a tag, [a-z0-9][a-z0-9._-]{0,62}', name);
    }
  }
  return spec;
}
