/** Where requests come from: address mapping, traces again and again, made-up load, cutting. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPS } from '../../../src/core/model/request.js';
import type { Op } from '../../../src/core/model/request.js';
import { SeededRng } from '../../../src/core/rng.js';
import { AddressMap, checkAddressMap } from '../../../src/workload/address-map.js';
import { LoadSource } from '../../../src/workload/load-source.js';
import { parseLoadSpec } from '../../../src/workload/load-spec.js';
import { parseSizeBytes, parseTimeNs } from '../../../src/workload/quantity.js';
import { lapNs, replaySource } from '../../../src/workload/replay.js';
import type { RequestSource } from '../../../src/workload/request-source.js';
import { SplitSource } from '../../../src/workload/split-source.js';
import { TraceColumns } from '../../../src/workload/traces/columns.js';

const GIB = 2 ** 30;

function take(source: RequestSource, count: number): { op: Op; offset: number; bytes: number; dueNs: number }[] {
  const taken = [];
  for (let i = 0; i < count && source.next(); i++) {
    taken.push({ op: source.op, offset: source.offset, bytes: source.lengthBytes, dueNs: source.dueNs });
  }
  return taken;
}

function columns(records: [ns: number, op: Op, offset: number, bytes: number][]): TraceColumns {
  const made = new TraceColumns();
  for (const record of records) made.add(...record);
  return made;
}

describe('AddressMap', () => {
  it('places every range on the device, on whole blocks, covering what was asked for', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('fold', 'scale'),
        fc.integer({ min: 1, max: 5_000 }),
        fc.constantFrom(512, 4096),
        fc.nat({ max: 2 ** 45 }),
        fc.integer({ min: 1, max: 2 ** 21 }),
        (name, blocks, block, offset, length) => {
          const size = blocks * block;
          const map = new AddressMap(checkAddressMap(name), 2 ** 45 + 2 ** 21, size, block);
          map.place(offset, length);
          expect(map.offset % block).toBe(0);
          expect(map.lengthBytes % block).toBe(0);
          expect(map.offset).toBeGreaterThanOrEqual(0);
          expect(map.offset + map.lengthBytes).toBeLessThanOrEqual(size);
          expect(map.lengthBytes).toBeGreaterThanOrEqual(Math.min(length, size));
          expect(map.lengthBytes).toBeLessThan(length + 2 * block);
        },
      ),
    );
  });

  it('fold leaves what fits, keeps runs and the 4 KiB grid; scale keeps distances', () => {
    const fold = new AddressMap('fold', 10 * GIB, GIB + 512, 512);
    const placed = (map: AddressMap, offset: number, length: number): [number, number] => {
      map.place(offset, length);
      return [map.offset, map.lengthBytes];
    };
    expect(placed(fold, 8192, 512)).toEqual([8192, 512]);
    expect(placed(fold, 3 * GIB + 4096, 4096)).toEqual([4096, 4096]);
    expect(placed(fold, 3 * GIB + 8192, 4096)).toEqual([8192, 4096]);
    expect(placed(fold, 100, 1_000)).toEqual([0, 1536]);
    const scale = new AddressMap('scale', 10 * GIB, GIB, 512);
    expect(placed(scale, 5 * GIB, 4096)).toEqual([GIB / 2, 4096]);
    expect(placed(scale, 10 * GIB - 4096, 4096)[0] % 4096).toBe(0);
    expect(() => checkAddressMap('modulo')).toThrow('--map must be one of fold, scale, got "modulo"');
  });
});

describe('TraceSource', () => {
  const trace = {
    tag: 't',
    columns: columns([
      [0, OPS.READ, 0, 4096],
      [10, OPS.FLUSH, 0, 0],
      [20, OPS.WRITE, 4096, 512],
    ]),
  };
  const device = { sizeBytes: GIB, blockBytes: 512 };

  it('goes through once, or again and again with its times shifted by a lap', () => {
    const lap = lapNs({ tags: [trace], readers: [] });
    expect(lap).toBe(30);
    const once = replaySource(trace, device, { map: 'fold', speed: 1, loop: false }, lap);
    expect(take(once, 99)).toEqual([
      { op: OPS.READ, offset: 0, bytes: 4096, dueNs: 0 },
      { op: OPS.FLUSH, offset: 0, bytes: 0, dueNs: 10 },
      { op: OPS.WRITE, offset: 4096, bytes: 512, dueNs: 20 },
    ]);
    const twice = replaySource(trace, device, { map: 'fold', speed: 2, loop: true }, lap);
    expect(take(twice, 7).map(({ dueNs }) => dueNs)).toEqual([0, 5, 10, 15, 20, 25, 30]);
  });

  it('puts records in order of time, those of one time as they were', () => {
    const made = columns([
      [20, OPS.READ, 1, 1],
      [10, OPS.READ, 2, 1],
      [20, OPS.READ, 3, 1],
      [10, OPS.READ, 4, 1],
    ]);
    expect(made.ordered).toBe(false);
    made.sort();
    expect([...made.offset.slice(0, 4)]).toEqual([2, 4, 1, 3]);
    expect(made.durationNs).toBe(10);
  });

  it('is cut where the service takes no request so long, and nothing is lost or doubled', () => {
    const long = {
      tag: 't',
      columns: columns([
        [0, OPS.WRITE, 512, 10_240],
        [5, OPS.TRIM, 0, 65_536],
        [6, OPS.READ, 0, 4_096],
      ]),
    };
    const cut = new SplitSource(replaySource(long, device, { map: 'fold', speed: 1, loop: false }, 1), 4_096);
    expect(take(cut, 99).map(({ op, offset, bytes }) => [op, offset, bytes])).toEqual([
      [OPS.WRITE, 512, 4096],
      [OPS.WRITE, 4608, 4096],
      [OPS.WRITE, 8704, 2048],
      [OPS.TRIM, 0, 65_536],
      [OPS.READ, 0, 4096],
    ]);
    expect(cut.added).toBe(2);
  });
});

describe('--tag of sluice load', () => {
  it('reads every key', () => {
    expect(parseLoadSpec('acme/db')).toMatchObject({ tag: 'acme/db', shares: 100, op: 'randread', sizeBytes: 4096 });
    expect(
      parseLoadSpec('a:shares=3,outstanding=16,op=randrw,reads=70%,size=8k,think=1.5ms,requests=5,region=1g+256MiB'),
    ).toEqual({
      tag: 'a',
      shares: 3,
      outstanding: 16,
      op: 'randrw',
      readPercent: 70,
      sizeBytes: 8192,
      thinkNs: 1_500_000,
      ratePerS: 0,
      requests: 5,
      regionOffset: GIB,
      regionBytes: GIB / 4,
    });
  });

  it.each([
    ['A:shares=1', '--tag must be 1 to 8 segments'],
    ['a:shares=0', '--tag a: shares must be an integer 1..10000, got "0"'],
    ['a:op=scan', '--tag a: op must be one of read, write, rw'],
    ['a:colour=red', '--tag a: key must be one of shares, op, reads, size'],
    ['a:shares', '--tag a: each part must be key=value'],
    ['a:size=4x', '--tag a: size must be a size in bytes such as 4k, 1m or 64g, got "4x"'],
    ['a:size=100', '--tag a: size must be 512..64m, got "100"'],
    ['a:think=5', '--tag a: think must be a time such as 100us, 5ms or 2s, got "5"'],
    ['a:region=1g', '--tag a: region must be OFFSET+BYTES'],
    ['a:shares=1,shares=2', '--tag a: shares is given twice'],
    ['a:think=1ms,rate=5', '--tag a: think is of a closed loop and rate of an open one'],
  ])('%s is refused with what is allowed', (text, message) => {
    expect(() => parseLoadSpec(text)).toThrow(message);
  });

  it('makes requests in its region, of its mix, the same from the same seed', () => {
    const device = { sizeBytes: GIB, blockBytes: 512 };
    const spec = parseLoadSpec('a:op=randrw,reads=70,size=8k,region=4k+1m,rate=1000');
    const made = take(new LoadSource(spec, device, new SeededRng(7)), 4_000);
    expect(take(new LoadSource(spec, device, new SeededRng(7)), 4_000)).toEqual(made);
    for (const { offset, bytes } of made) {
      expect(bytes).toBe(8192);
      expect(offset).toBeGreaterThanOrEqual(4096);
      expect(offset + bytes).toBeLessThanOrEqual(4096 + 2 ** 20);
    }
    const reads = made.filter(({ op }) => op === OPS.READ).length / made.length;
    expect(reads).toBeGreaterThan(0.66);
    expect(reads).toBeLessThan(0.74);
    // 4,000 at 1,000 a second.
    expect(made.at(-1)!.dueNs / 1e9).toBeGreaterThan(3.6);
    expect(made.at(-1)!.dueNs / 1e9).toBeLessThan(4.4);
    const sequential = new LoadSource(parseLoadSpec('a:op=read,size=64k,region=0+256k'), device, new SeededRng(1));
    expect(take(sequential, 6).map(({ offset }) => offset / 65_536)).toEqual([0, 1, 2, 3, 0, 1]);
    expect(() => new LoadSource(parseLoadSpec('a:region=1g+4k'), device, new SeededRng(1))).toThrow(
      "within the device's",
    );
    expect(() => new LoadSource(parseLoadSpec('a:size=1k'), { ...device, blockBytes: 4096 }, new SeededRng(1))).toThrow(
      "size must be a multiple of the device's block (4096 bytes), got 1024",
    );
  });

  it('reads sizes and times', () => {
    expect(['512', '4k', '1.5M', '2GiB'].map((text) => parseSizeBytes(text, 's'))).toEqual([
      512,
      4096,
      1_572_864,
      2 * GIB,
    ]);
    expect(['10us', '1.5ms', '2s'].map((text) => parseTimeNs(text, 't'))).toEqual([10_000, 1_500_000, 2e9]);
  });
});
