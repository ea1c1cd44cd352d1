import { describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS, checkReadCache, patchSettings } from '../../../src/core/model/device.js';
import { OPS } from '../../../src/core/model/request.js';
import { KIB, MIB } from '../../../src/core/model/units.js';
import { ReadCache } from '../../../src/core/read-cache.js';
import { SeededRng } from '../../../src/core/rng.js';
import { ioOf } from '../../conformance/device-suite.js';
import { Rig } from '../../support/dispatcher-rig.js';

const LINE = 4 * KIB;

function hitsOf(rig: Rig, tag: string): number {
  const query = { device: '', tagPrefix: tag, fromMs: 0, toMs: 0, stepMs: 0, groupLevel: 0 };
  const rows = rig.ledger.query({ ...query, orderBy: 'tag', topN: 0, apart: [], quantiles: [] });
  return rows.reduce((sum, row) => sum + row.ops.reduce((of, op) => of + op.cacheHits, 0), 0);
}

describe('Figure 2 of the paper', () => {
  test('a cached read of low priority does not wait behind queued reads of high priority', () => {
    const rig = new Rig({ depth: 1, readCacheBytes: MIB });
    rig.shares.set('high', 10_000);
    rig.shares.set('low', 1);
    rig.send('low');
    rig.device.held[0]!.data = new Uint8Array(LINE).fill(7);
    rig.device.complete();
    // The device is busy, and a hundred requests of high priority wait for it.
    for (let i = 1; i <= 101; i++) rig.send('high', rig.io(OPS.READ, i * LINE));
    expect([rig.dispatcher.outstanding, rig.dispatcher.queued]).toEqual([1, 100]);
    const before = rig.counted('low').cost;
    const cached = rig.send('low');
    expect(cached).toMatchObject({ state: 'completed', code: 'OK', queueNs: 0, serviceNs: 0, charged: 0 });
    expect([...new Set(cached.data)]).toEqual([7]);
    // What is not cached waits as ever.
    const missed = rig.send('low', rig.io(OPS.READ, 500 * LINE));
    expect(missed.state).toBe('queued');
    expect(rig.counted('low')).toMatchObject({ count: 2, bytes: 2 * LINE, cost: before });
    expect(hitsOf(rig, 'low')).toBe(1);
  });

  test('nor does it count for a queue that is full, and off is the default', () => {
    expect(DEFAULT_SETTINGS.readCacheBytes).toBe(0);
    const rig = new Rig({ depth: 1, readCacheBytes: MIB, maxQueuedRequests: 1 });
    rig.send('a');
    rig.device.held[0]!.data = new Uint8Array(LINE);
    rig.device.complete();
    for (let i = 1; i <= 2; i++) rig.send('a', rig.io(OPS.READ, i * LINE));
    expect(rig.send('a', rig.io(OPS.READ, 9 * LINE)).code).toBe('QUEUE_FULL');
    expect(rig.send('a')).toMatchObject({ code: 'OK', charged: 0 });
  });
});

test('hits in a row do not nest', () => {
  const rig = new Rig({ readCacheBytes: MIB });
  rig.send('a');
  rig.device.held[0]!.data = new Uint8Array(LINE);
  rig.device.complete();
  let left = 50_000;
  rig.sink.completed = (): void => {
    left -= 1;
    if (left > 0) rig.send('a');
  };
  rig.send('a');
  expect(left).toBe(0);
});

test('memory that a door brought is read into, never kept', () => {
  const rig = new Rig({ readCacheBytes: MIB });
  const brought = rig.io();
  brought.data = new Uint8Array(LINE);
  rig.send('a', brought);
  rig.device.complete();
  brought.data.fill(9);
  expect(rig.send('a').state).toBe('outstanding');
  rig.device.held[0]!.data = new Uint8Array(LINE).fill(3);
  rig.device.complete();
  const place = new Uint8Array(LINE);
  const served = rig.io();
  served.data = place;
  rig.send('a', served);
  expect([served.data === place, place[0]]).toEqual([true, 3]);
});

test('what was sent before the cache was there is known to it', () => {
  const rig = new Rig();
  const [write] = [rig.send('a', rig.io(OPS.WRITE))];
  rig.patch({ readCacheBytes: MIB });
  rig.send('a');
  const read = rig.device.held[1]!;
  read.data = new Uint8Array(LINE);
  rig.device.complete('OK', '', read);
  // What was read may be of before the write, and the write has come back now.
  rig.device.complete('OK', '', write);
  expect(rig.send('a').state).toBe('outstanding');
});

describe('what is kept', () => {
  const read = (cache: ReadCache, line: number): boolean => {
    const io = ioOf(OPS.READ, line * LINE, LINE, 0);
    if (cache.serve(io)) {
      expect(new Set(io.data)).toEqual(new Set([line % 251]));
      return true;
    }
    cache.sent(io);
    (io as { data: Uint8Array }).data = new Uint8Array(LINE).fill(line % 251);
    cache.back(io, true);
    return false;
  };

  test('is bounded, and is what was read', () => {
    const cache = new ReadCache(10 * LINE + 100, 512);
    const rng = new SeededRng(1);
    let hits = 0;
    for (let i = 0; i < 20_000; i++) {
      if (read(cache, rng.below(40))) hits += 1;
      expect(cache.bytes).toBeLessThanOrEqual(10 * LINE);
    }
    // 10 lines of 40, all alike: a quarter of the reads.
    expect(Math.abs(hits / 20_000 - 0.25)).toBeLessThan(0.05);
  });

  test('outlives a scan of ten times its size', () => {
    const cache = new ReadCache(100 * LINE, 512);
    const hot = Array.from({ length: 60 }, (_, i) => i);
    for (let round = 0; round < 4; round++) for (const line of hot) read(cache, line);
    // One read of what is in use for each ten of the scan, as it would be.
    for (let line = 1_000; line < 2_000; line++) {
      read(cache, line);
      if (line % 10 === 0) read(cache, hot[(line / 10) % hot.length]!);
    }
    expect(hot.filter((line) => read(cache, line)).length).toBeGreaterThan(55);
  });

  test('blocks larger than a line are lines; a request that covers part of one fills nothing', () => {
    const cache = new ReadCache(MIB, 16 * KIB);
    const whole = ioOf(OPS.READ, 0, 16 * KIB, 0);
    cache.sent(whole);
    (whole as { data: Uint8Array }).data = new Uint8Array(16 * KIB);
    cache.back(whole, true);
    expect(cache.bytes).toBe(16 * KIB);
    const small = new ReadCache(MIB, 512);
    const part = ioOf(OPS.READ, 512, LINE, 0);
    small.sent(part);
    (part as { data: Uint8Array }).data = new Uint8Array(LINE);
    small.back(part, true);
    expect(small.bytes).toBe(0);
  });
});

test('a store that hosts share refuses it by name; so does a size that cannot be', () => {
  const settings = patchSettings(DEFAULT_SETTINGS, { readCacheBytes: MIB });
  expect(() => checkReadCache(settings, 'devices.d.')).toThrow(
    'devices.d.read_cache_bytes must be 0 with a store that hosts share (what another host writes would not be seen), got 1048576',
  );
  checkReadCache(DEFAULT_SETTINGS, '');
  expect(() => patchSettings(DEFAULT_SETTINGS, { readCacheBytes: -1 })).toThrow('settings.read_cache_bytes must be');
});
