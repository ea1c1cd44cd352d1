import { describe, expect, it } from 'vitest';
import { arrange, topRows } from '../../../src/cli/top/rows.js';
import { TopSession } from '../../../src/cli/top/session.js';
import { keysOf } from '../../../src/cli/top/terminal.js';
import type { Device } from '../../../src/client/index.js';
import { DEFAULT_SETTINGS } from '../../../src/core/model/device.js';
import type { UsageRow } from '../../../src/core/model/usage.js';

const used = (tag: string, cost: number): UsageRow => ({
  device: 'disk0',
  tag,
  startMs: 10_000,
  endMs: 12_000,
  ops: [{ op: 1, count: 10, errors: 1, bytes: 40_960, cost, cacheHits: 0, queueUsSum: 0, serviceUsSum: 0 }],
  queueUs: [100, 900],
  serviceUs: [50, 2_500_000],
});

const device = (name: string): Device => ({
  name,
  binding: '',
  sizeBytes: 1,
  blockBytes: 512,
  readOnly: false,
  settings: DEFAULT_SETTINGS,
  state: 'ready',
  etag: '1',
  queued: 3,
  outstanding: 2,
});

const policies = [
  { device: '*', tag: 'acme', shares: 300 },
  { device: 'disk0', tag: 'beta', shares: 100 },
];
const rows = topRows([used('beta', 10), used('acme/db', 30)], policies, 'disk0');
const SIZE = { columns: 100, lines: 8 };

function session(): TopSession {
  const made = new TopSession('host:1', '', '', 'got');
  made.setDevices([device('disk0'), device('disk1')]);
  made.setRows(rows, 12_000);
  return made;
}

const tagsShown = (made: TopSession): string[] =>
  made
    .draw(SIZE)
    .slice(3, -1)
    .map((line) => line.split(' ')[0]!)
    .filter((tag) => tag !== '');

describe('rows of top', () => {
  it('are rates over the interval, and parts of the cost beside what is owed', () => {
    const db = rows.find(({ tag }) => tag === 'acme/db')!;
    expect(db).toMatchObject({ opsPerS: 5, bytesPerS: 20_480, errorsPerS: 0.5, owed: 0.75, got: 0.75, shares: 100 });
  });

  it('are filtered and ordered, ties by tag', () => {
    expect(arrange(rows, '', 'got', false).map(({ tag }) => tag)).toEqual(['acme/db', 'beta']);
    expect(arrange(rows, '', 'got', true).map(({ tag }) => tag)).toEqual(['beta', 'acme/db']);
    expect(arrange(rows, '', 'ops', false).map(({ tag }) => tag)).toEqual(['acme/db', 'beta']);
    expect(arrange(rows, 'bet', 'tag', false).map(({ tag }) => tag)).toEqual(['beta']);
  });
});

describe('the picture of top', () => {
  it('fills the size and never passes it, however narrow', () => {
    for (const columns of [10, 24, 60, 80, 200]) {
      for (const lines of [1, 4, 5, 30]) {
        const drawn = session().draw({ columns, lines });
        expect(drawn).toHaveLength(lines);
        for (const line of drawn) expect(line.length).toBeLessThanOrEqual(columns);
      }
    }
  });

  it('says what the device does and what the tags got', () => {
    const [head, summary, titles, first] = session().draw({ columns: 140, lines: 10 });
    expect(head).toContain(`disk0  ready  fair  slots 2/${String(DEFAULT_SETTINGS.depth)}  waiting 3`);
    expect(summary).toContain('00:00:12  tags 2  op/s 10');
    expect(titles).toMatch(/^TAG .*GOTv/);
    expect(first).toMatch(/^acme\/db +100 +75\.0 % +75\.0 % +5\.0 +20\.0 KiB .* 2\.50 s +0\.5$/);
  });
});

describe('keys of top', () => {
  it('filter as they are typed, and Escape takes the filter back', () => {
    const made = session();
    for (const key of ['/', 'b', 'e', 'x', 'backspace', 'enter']) expect(made.key(key, SIZE)).toBe(true);
    expect(tagsShown(made)).toEqual(['beta']);
    made.key('escape', SIZE);
    expect(tagsShown(made)).toEqual(['acme/db', 'beta']);
  });

  it('q is a letter in a filter and ends the run outside it', () => {
    const made = session();
    made.key('/', SIZE);
    expect(made.key('q', SIZE)).toBe(true);
    made.key('escape', SIZE);
    expect(made.key('q', SIZE)).toBe(false);
    expect(made.key('interrupt', SIZE)).toBe(false);
  });

  it('go to the next device, reverse, pause', () => {
    const made = session();
    made.key('r', SIZE);
    expect(tagsShown(made)).toEqual(['beta', 'acme/db']);
    made.key('p', SIZE);
    made.setRows([], 14_000);
    expect(tagsShown(made)).toEqual(['beta', 'acme/db']);
    made.key('d', SIZE);
    expect(made.device).toBe('disk1');
    expect(made.draw(SIZE)[1]).toContain('waiting for the first interval');
  });

  it('scroll within what there is', () => {
    const made = session();
    made.setRows(
      topRows(
        Array.from({ length: 50 }, (_, i) => used(`t${String(i).padStart(2, '0')}`, 1)),
        [],
        'disk0',
      ),
      12_000,
    );
    made.key('end', SIZE);
    expect(tagsShown(made)).toEqual(['t46', 't47', 't48', 't49']);
    made.key('pageup', SIZE);
    expect(tagsShown(made)[0]).toBe('t42');
    made.key('home', SIZE);
    expect(tagsShown(made)[0]).toBe('t00');
  });

  it('are read out of what a terminal sends, unknown sequences left out', () => {
    expect(keysOf('\u001b[A\u001b[Bq/\u001b[15~\u007f\u0003')).toEqual([
      'up',
      'down',
      'q',
      '/',
      'backspace',
      'interrupt',
    ]);
  });
});
