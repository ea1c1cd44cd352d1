/** From a guest's I/O priorities to tags. */
import { describe, expect, test } from 'vitest';
import { checkDisk, type PriorityNames } from '../../../src/core/model/disk.js';
import { CODES, type ErrorCode } from '../../../src/core/model/errors.js';
import { isTag, isWithin } from '../../../src/core/model/tag.js';
import { PriorityMap } from '../../../src/doors/vhost/priority-map.js';
import { TO_STATUS } from '../../../src/doors/vhost/status.js';
import { BLK_STATUS, encodePriority } from '../../../src/wire/vhost/blk.js';

const disk = (tag: string, map: PriorityNames = {}) => ({ socket: '/run/d.sock', device: 'disk0', tag, map });

describe('the tag of a request', () => {
  test.each([
    ['be', 0, 'vm/be-0'],
    ['be', 7, 'vm/be-7'],
    ['rt', 3, 'vm/rt-3'],
    ['idle', 0, 'vm/idle'],
    ['idle', 7, 'vm/idle'],
    ['none', 0, 'vm/none'],
    ['none', 4, 'vm/none'],
  ] as const)('%s %i is %s by default, whatever hint it has', (name, level, tag) => {
    const map = new PriorityMap('vm', {});
    expect(map.tagOf(encodePriority(name, level))).toBe(tag);
    expect(map.tagOf(encodePriority(name, level, 5))).toBe(tag);
  });

  test('the most exact key wins', () => {
    const map = new PriorityMap('a/b', { be: 'apps', 'be:0': 'db', 'be:0:2': 'log', '*': 'rest', rt: 'rt' });
    expect(map.tagOf(encodePriority('be', 0, 2))).toBe('a/b/log');
    expect(map.tagOf(encodePriority('be', 0, 3))).toBe('a/b/db');
    expect(map.tagOf(encodePriority('be', 1))).toBe('a/b/apps');
    expect(map.tagOf(encodePriority('rt', 1))).toBe('a/b/rt');
    expect(map.tagOf(0)).toBe('a/b/rest');
  });

  test('whatever a guest says lies below its own tag', () => {
    const map = new PriorityMap('a/b/c/d/e/f/g', { 'be:1:1023': 'x' });
    for (let i = 0; i < 70_000; i++) {
      const tag = map.tagOf(i < 65_536 ? i : (i * 2_654_435_761) >>> 0);
      expect(isTag(tag) && isWithin(tag, 'a/b/c/d/e/f/g')).toBe(true);
    }
  });
});

test.each([
  [disk('a/b/c/d/e/f/g/h'), 'tag must be a tag of at most 7 segments'],
  [disk('A'), 'tag must be a tag'],
  [{ ...disk('a'), socket: 'relative' }, 'socket must be an absolute path'],
  [{ ...disk('a'), device: 'Disk' }, 'device must be'],
  [disk('a', { 'be:8': 'x' }), 'map must be CLASS'],
  [disk('a', { 'be:1:0': 'x' }), 'map must be CLASS'],
  [disk('a', { 'be:1:1024': 'x' }), 'map must be CLASS'],
  [disk('a', { 'be:1': 'x/y' }), 'map.be:1 must be one segment'],
])('%j is refused', (spec, message) => {
  expect(() => checkDisk(spec)).toThrow(message);
});

test('each code has an answer, and none of them is success', () => {
  const codes = (Object.keys(CODES) as (ErrorCode | 'OK')[]).filter((code) => code !== 'OK');
  expect(Object.keys(TO_STATUS).sort()).toEqual([...codes].sort());
  for (const code of codes) expect(TO_STATUS[code], code).not.toBe(BLK_STATUS.OK);
});
