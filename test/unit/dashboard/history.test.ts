import { describe, expect, it } from 'vitest';
import type { UsageRow } from '../../../src/dashboard/data/api.js';
import { History, WINDOW_S } from '../../../src/dashboard/data/history.js';
import { EventReader } from '../../../src/dashboard/data/live.js';

const row = (tag: string, endS: number, count: number): UsageRow => ({
  device: 'disk0',
  tag,
  startMs: String((endS - 1) * 1000),
  endMs: String(endS * 1000),
  ops: [{ op: 'OP_READ', count: String(count), errors: '0', bytes: String(count * 4096), cost: count, cacheHits: '0' }],
  queueUs: [10, 20],
  serviceUs: [30, 40],
});

describe('history', () => {
  it('sums what was served, total and by tag, over the seconds asked for', () => {
    const history = new History();
    history.add([row('a', 100, 5), row('b', 100, 7)], 100_000);
    history.add([row('a', 101, 1)], 101_000);
    expect(history.sum(history.tags.get('a')!, 'ops', 0)).toBe(6);
    expect(history.sum(history.total, 'ops', 100)).toBe(1);
    expect(history.largest('ops', 1)).toEqual(['b']);
  });

  it('has nothing left of a lap ago, in gaps neither', () => {
    const history = new History();
    history.add([row('a', 100, 5)], 100_000);
    history.add([row('b', 100 + WINDOW_S + 3, 1)], (100 + WINDOW_S + 3) * 1000);
    expect(history.tags.has('a')).toBe(false);
    expect(history.sum(history.total, 'ops', 0)).toBe(1);
  });

  it('takes no second twice', () => {
    const history = new History();
    history.add([row('a', 100, 5)], 100_000);
    history.add([row('a', 100, 5)], 100_000);
    expect(history.sum(history.total, 'ops', 0)).toBe(5);
  });
});

describe('event reader', () => {
  it('reads events however the bytes are cut', () => {
    const text = 'retry: 1000\n\nevent: usage\ndata: {"a":1}\n\nevent: devices\ndata: {}\n\n';
    for (let cut = 0; cut <= text.length; cut++) {
      const seen: string[] = [];
      const reader = new EventReader();
      for (const part of [text.slice(0, cut), text.slice(cut)]) {
        reader.read(part, (event, data) => seen.push(`${event} ${data}`));
      }
      expect(seen).toEqual(['usage {"a":1}', 'devices {}']);
    }
  });
});
