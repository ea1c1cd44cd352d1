/**
 * Decisions a second of the scheduling algorithms through their interface, held against bare push
 * and pop on `flatqueue` with as many entries: that is what choosing the lowest of n costs before
 * anybody counts backlog, charges a tree or asks a queue for its head.
 *
 * A decision: next() answers with a leaf, its request finishes, the tag sends another. Two states:
 * `deep`, tags have more than one request waiting and stay in the heap; `single`, one each, so
 * that every decision takes the tag out of the heap and puts it back.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import FlatQueue from 'flatqueue';
import { DEFAULT_SETTINGS, type SchedulerName } from '../src/core/model/device.js';
import { OPS, type RequestView } from '../src/core/model/request.js';
import { ALGORITHMS } from '../src/core/scheduling/registry.js';
import type { Heads, SchedulingAlgorithm } from '../src/core/scheduling/algorithm.js';
import { comparePairs, row, timed, type BenchRow, type Timed } from './report.js';

const SIZES = [10, 1_000, 100_000];
const PAIRS = 9;
const DECISIONS = 400_000;
const PEER = 'flatqueue push+pop';

type Backlog = 'deep' | 'single';

/**
 * Requests that all tags send, at random costs of 1..64 so that nobody's branches can be learnt.
 * Few, so that it is the algorithm's memory that is walked and not the requests'.
 */
const REQUESTS: readonly RequestView[] = Array.from({ length: 1_024 }, (_, i) => ({
  op: OPS.READ,
  offset: 0,
  lengthBytes: 4_096,
  cost: 1 + (((i * 2_654_435_761) >>> 8) % 64),
  arrivedNs: 0,
  sequence: i,
}));

function requestAt(turn: number): RequestView {
  return REQUESTS[turn & (REQUESTS.length - 1)]!;
}

/** Shares that differ from tag to tag, 100 to 1,000. */
function sharesFor(index: number): number {
  return 100 * (1 + (((index * 2_654_435_761) >>> 8) % 10));
}

class Bed implements Heads {
  private readonly algorithm: SchedulingAlgorithm;
  private turn = 0;

  constructor(scheduler: SchedulerName, tags: readonly string[], backlog: Backlog) {
    const index = new Map(tags.map((tag, i) => [tag, i]));
    this.algorithm = ALGORITHMS[scheduler]({
      settings: { ...DEFAULT_SETTINGS, scheduler },
      sharesOf: (tag) => ({ shares: sharesFor(index.get(tag) ?? 0), selfShares: 100 }),
      heads: this,
    });
    for (const tag of tags) {
      const leaf = this.algorithm.open(tag, 0);
      for (let waiting = backlog === 'deep' ? 2 : 1; waiting > 0; waiting--) {
        this.algorithm.arrived(leaf, requestAt(0), 0);
      }
    }
  }

  head(): RequestView {
    return requestAt(this.turn);
  }

  decide(count: number): Timed {
    const { algorithm } = this;
    return timed(count, () => {
      for (let i = 0; i < count; i++) {
        const request = requestAt(++this.turn);
        const answer = algorithm.next(this.turn);
        if (answer.kind !== 'grant') throw new Error('every tag has backlog, yet nothing was granted');
        const { leaf } = answer;
        algorithm.finished(leaf, request, 100, this.turn);
        algorithm.arrived(leaf, request, this.turn);
      }
    });
  }
}

/** The same keys without a scheduler: pop the lowest, push it back as much later as a charge would put it. */
function flatqueueBed(size: number): (count: number) => Timed {
  const queue = new FlatQueue();
  const perCost = Float64Array.from({ length: size }, (_, i) => 10_000 / sharesFor(i));
  let turn = 0;
  for (let i = 0; i < size; i++) queue.push(i, 0);
  return (count) =>
    timed(count, () => {
      for (let i = 0; i < count; i++) {
        const key = queue.peekValue()!;
        const id = queue.pop()!;
        queue.push(id, key + requestAt(++turn).cost * perCost[id]!);
      }
    });
}

function flatTags(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `tag${i}`);
}

/** As many leaves, as many a tenant as there are tenants. */
function treeTags(count: number): string[] {
  const tenants = Math.round(Math.sqrt(count));
  return Array.from({ length: count }, (_, i) => `tenant${i % tenants}/app${i}`);
}

function compare(name: string, scheduler: SchedulerName, tags: readonly string[], backlog: Backlog): BenchRow {
  const bed = new Bed(scheduler, tags, backlog);
  const peer = flatqueueBed(tags.length);
  return comparePairs(
    `${name}, ${tags.length} tags`,
    PEER,
    PAIRS,
    () => bed.decide(DECISIONS),
    () => peer(DECISIONS),
  );
}

/** As under --expose-gc, without having to be started so. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Twice: the buffers of typed arrays found dead by the first are counted off by the second.
  collect();
  collect();
}

/** Heap and typed arrays that `count` tags hold, opened and served once. */
function memoryPerTag(count: number): BenchRow {
  const used = (): number => {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  const algorithm = ALGORITHMS.fair({
    settings: DEFAULT_SETTINGS,
    sharesOf: () => ({ shares: 100, selfShares: 100 }),
    heads: { head: () => requestAt(0) },
  });
  for (const tag of flatTags(count)) algorithm.arrived(algorithm.open(tag, 0), requestAt(0), 0);
  for (let answer = algorithm.next(1); answer.kind === 'grant'; answer = algorithm.next(1)) {
    algorithm.finished(answer.leaf, requestAt(0), 0, 1);
  }
  const held = used() - before;
  // Asked once more, so that it is alive while it is weighed.
  if (algorithm.next(2).kind !== 'idle') throw new Error('everything was served, yet something waits');
  return row(`fair memory, ${count} tags`, held / count, 'bytes/tag');
}

export function schedulerBenchmark(): BenchRow[] {
  // First, while nothing else is in the heap.
  const rows: BenchRow[] = [memoryPerTag(100_000)];
  for (const backlog of ['deep', 'single'] as const) {
    const flat = SIZES.map((size) => compare(`fair ${backlog}`, 'fair', flatTags(size), backlog));
    rows.push(...flat);
    for (let i = 1; i < flat.length; i++) {
      const growth = flat[i - 1]!.value / flat[i]!.value;
      rows.push(row(`fair ${backlog}, time a decision ${SIZES[i - 1]!} -> ${SIZES[i]!} tags`, growth, 'times'));
    }
  }
  for (const size of SIZES) rows.push(compare('fair deep, two levels', 'fair', treeTags(size), 'deep'));
  rows.push(compare('stride deep', 'stride', flatTags(1_000), 'deep'));
  return rows;
}
