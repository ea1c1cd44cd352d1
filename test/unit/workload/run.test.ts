/** The driver: what goes out when, and when it ends. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { OPS } from '../../../src/core/model/request.js';
import type { Op } from '../../../src/core/model/request.js';
import type { RequestSource } from '../../../src/workload/request-source.js';
import { WorkloadRun } from '../../../src/workload/run.js';
import type { StopRules, TagRun } from '../../../src/workload/run.js';
import type { Target } from '../../../src/workload/target.js';
import { ModelService } from './model-service.js';

const MS = 1e6;
const NEVER: StopRules = { seconds: 0, untilCost: 0 };

/** Requests out of a list of times, each writing a block. */
class ListSource implements RequestSource {
  op: Op = OPS.WRITE;
  offset = -512;
  lengthBytes = 512;
  dueNs = 0;
  #next = 0;
  readonly #dueNs: readonly number[];

  constructor(dueNs: readonly number[]) {
    this.#dueNs = dueNs;
  }

  next(): boolean {
    if (this.#next === this.#dueNs.length) return false;
    this.dueNs = this.#dueNs[this.#next++]!;
    this.offset += 512;
    return true;
  }
}

function list(count: number): ListSource {
  return new ListSource(Array.from({ length: count }, () => 0));
}

function drive(
  tags: TagRun[],
  stop: StopRules,
  serviceMs: number,
  depth = 64,
  fails: (tag: number) => boolean = () => false,
) {
  const clock = new VirtualClock();
  const target = new ModelService(
    clock,
    tags.map(() => 1),
    depth,
    'fifo',
    () => serviceMs * MS,
    fails,
  );
  let ends = 0;
  const run = new WorkloadRun(clock, target, tags, stop, () => ends++);
  target.sink = run;
  run.start();
  clock.run();
  return { run, target, clock, ends };
}

describe('closed loop', () => {
  it('keeps N outstanding and ends with its source, each request once and in order', () => {
    const tags: TagRun[] = [{ source: list(10), pace: { kind: 'closed', outstanding: 3, thinkNs: 0 }, requestsMax: 0 }];
    const { run, target, ends } = drive(tags, NEVER, 10);
    expect(ends).toBe(1);
    expect(target.issued.map(({ offset }) => offset / 512)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(target.issued.map(({ atNs }) => atNs / MS)).toEqual([0, 0, 0, 10, 10, 10, 20, 20, 20, 30]);
    expect(run.counts[0]).toMatchObject({ ops: 10, writes: 10, reads: 0, bytes: 5120, writeBytes: 5120, errors: 0 });
    expect(run.durationNs).toBe(40 * MS);
  });

  it('thinks between a reply and the next request', () => {
    const tags: TagRun[] = [
      { source: list(4), pace: { kind: 'closed', outstanding: 2, thinkNs: 5 * MS }, requestsMax: 0 },
    ];
    expect(drive(tags, NEVER, 10).target.issued.map(({ atNs }) => atNs / MS)).toEqual([0, 0, 15, 15]);
  });

  it('stops at its number of requests, at a time, and when the lightest tag has its cost', () => {
    const pace = { kind: 'closed', outstanding: 2, thinkNs: 0 } as const;
    expect(drive([{ source: list(99), pace, requestsMax: 7 }], NEVER, 10).run.counts[0]!.ops).toBe(7);
    const timed = drive([{ source: list(9_999), pace, requestsMax: 0 }], { seconds: 1, untilCost: 0 }, 10);
    expect(timed.run.counts[0]!.ops).toBe(200);
    expect(timed.run.durationNs).toBe(1_000 * MS);
    expect(timed.ends).toBe(1);
    const light: TagRun = { source: list(9_999), pace: { ...pace, outstanding: 1 }, requestsMax: 0 };
    const both = drive([{ source: list(9_999), pace, requestsMax: 0 }, light], { seconds: 0, untilCost: 50 }, 10);
    expect(both.run.counts[1]!.cost).toBe(50);
    expect(both.run.counts[0]!.cost).toBeGreaterThanOrEqual(100);
    expect(both.run.counts[0]!.cost).toBeLessThanOrEqual(103);
  });

  it('lets tags take turns on a target that answers at once, and nests no calls', () => {
    const clock = new VirtualClock();
    const order: number[] = [];
    const target: Target = {
      sizeBytes: 2 ** 30,
      blockBytes: 512,
      issue: (tag, _op, _offset, _length, token) => {
        if (order.at(-1) !== tag) order.push(tag);
        run.replied(token, clock.nowNs(), 1, 0, 0, '');
      },
    };
    const tags = [0, 1].map((): TagRun => ({
      source: list(50_000),
      pace: { kind: 'closed', outstanding: 4, thinkNs: 0 },
      requestsMax: 0,
    }));
    let ends = 0;
    const run: WorkloadRun = new WorkloadRun(clock, target, tags, NEVER, () => ends++);
    run.start();
    clock.run();
    expect(ends).toBe(1);
    expect(run.counts.map(({ ops }) => ops)).toEqual([50_000, 50_000]);
    expect(order.length).toBeGreaterThan(100);
  });
});

describe('open loop', () => {
  it('issues at the times of its source, whatever is outstanding', () => {
    const source = new ListSource([0, 1 * MS, 1 * MS, 30 * MS]);
    const { target } = drive([{ source, pace: { kind: 'open', outstandingMax: 10 }, requestsMax: 0 }], NEVER, 50);
    expect(target.issued.map(({ atNs }) => atNs / MS)).toEqual([0, 1, 1, 30]);
  });

  it('waits with its bound outstanding, and counts what goes out late', () => {
    const source = new ListSource([0, 0, 0, 100 * MS]);
    const { target, run } = drive([{ source, pace: { kind: 'open', outstandingMax: 1 }, requestsMax: 0 }], NEVER, 20);
    expect(target.issued.map(({ atNs }) => atNs / MS)).toEqual([0, 20, 40, 100]);
    expect(run.counts[0]!.late).toBe(2);
  });
});

describe('failures', () => {
  it('are counted apart from what was served, with the first message', () => {
    let n = 0;
    const tags: TagRun[] = [{ source: list(10), pace: { kind: 'closed', outstanding: 1, thinkNs: 0 }, requestsMax: 0 }];
    const { run } = drive(tags, NEVER, 1, 1, () => ++n % 2 === 0);
    expect(run.counts[0]).toMatchObject({
      ops: 10,
      writes: 10,
      errors: 5,
      bytes: 5 * 512,
      firstError: 'DEVICE_IO: as told',
    });
    expect(run.givenUp).toBe('');
  });

  it('in a row end the run', () => {
    const pace = { kind: 'closed', outstanding: 4, thinkNs: 0 } as const;
    const { run, ends } = drive([{ source: list(1e6), pace, requestsMax: 0 }], NEVER, 1, 8, () => true);
    expect(ends).toBe(1);
    expect(run.counts[0]!.ops).toBe(1_003);
    expect(run.givenUp).toContain('1000 requests of one tag failed in a row, the last with: DEVICE_IO: as told');
  });
});
