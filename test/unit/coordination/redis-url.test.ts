import { describe, expect, it } from 'vitest';
import { parseStoreUrl, withoutCredentials } from '../../../src/coordination/redis/url.js';
import { slotOf } from '../../../src/coordination/redis/slots.js';

describe('the URL of a store', () => {
  it.each([
    ['redis://h', { kind: 'single', tls: false, endpoint: { host: 'h', port: 6379 }, db: 0 }],
    ['rediss://[::1]:7000/3', { kind: 'single', tls: true, endpoint: { host: '::1', port: 7000 }, db: 3 }],
    ['redis://me:p%40ss@h:1', { kind: 'single', user: 'me', password: 'p@ss', shown: 'redis://h:1' }],
    ['redis://:pw@h', { kind: 'single', user: '', password: 'pw' }],
    ['redis+unix:///run/r.sock?db=2', { kind: 'unix', path: '/run/r.sock', db: 2 }],
    ['redis+unix://u:p@/run/r.sock', { kind: 'unix', path: '/run/r.sock', user: 'u', password: 'p' }],
    [
      'redis+sentinel://a,b:1/main/4',
      {
        kind: 'sentinel',
        endpoints: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 1 },
        ],
        name: 'main',
        db: 4,
      },
    ],
    ['rediss+cluster://a:1,b:2', { kind: 'cluster', tls: true }],
  ])('%s', (text, parts) => expect(parseStoreUrl(text)).toMatchObject(parts));

  it.each([
    'redis://',
    'redis://h:0',
    'redis://h:70000',
    'redis://h/16',
    'redis://h/x',
    'redis://h,i',
    'redis://h?db=1',
    'redis+sentinel://h',
    'redis+cluster://h/1',
    'redis+unix://host/path',
    'rediss+unix:///path',
    'redis+smoke://h',
    'redis://u:%zz@h',
  ])('refuses %s', (text) => expect(() => parseStoreUrl(text)).toThrow(/^store /));

  it.each(['redis://u:secret@h:x', 'redis+smoke://u:sec@ret@h', 'redis:u:secret@h', 'redis://u:sec/ret@h'])(
    'never shows the password of %s',
    (text) => {
      expect(withoutCredentials(text)).not.toContain('sec');
      expect(() => parseStoreUrl(text)).toThrow(expect.not.stringContaining('sec') as string);
    },
  );

  it('finds the slots that Redis finds', () => {
    // CLUSTER KEYSLOT of a Redis 7.
    expect(slotOf('123456789')).toBe(0x31c3);
    expect(slotOf('sluice:{disk0}:a')).toBe(slotOf('disk0'));
    expect(slotOf('{}x')).toBe(slotOf('{}x'));
    expect(slotOf('{}x')).not.toBe(slotOf('x'));
  });
});
