/** CFQ in a closed loop with a disk of its own: who is served, and when the disk is kept waiting. */
import { describe, expect, test } from 'vitest';
import { OPS, type RequestView } from '../../../src/core/model/request.js';
import { MIB, NS_PER_MS } from '../../../src/core/model/units.js';
import { CfqAlgorithm } from '../../../src/core/scheduling/baselines/cfq.js';

const SERVICE_NS = 5 * NS_PER_MS;
const BLOCK = 16_384;

interface Reader {
  readonly tag: string;
  readonly priority: number;
  readonly pattern: 'random' | 'sequential';
  readonly outstanding: number;
  readonly thinkNs: number;
}

/** Runs readers against a drive that serves one request after the other; how many each had served in `ms`. */
function run(readers: readonly Reader[], ms: number, depth = 31): { served: number[]; outMax: number; idleNs: number } {
  const cfq = new CfqAlgorithm((tag) => readers.find((reader) => reader.tag === tag)!.priority);
  const leaves = readers.map(({ tag }) => cfq.open(tag, 0));
  const queues: RequestView[][] = readers.map(() => []);
  const served = readers.map(() => 0);
  const places = readers.map((_, i) => i * 1_000 * MIB);
  const drive: { reader: number; request: RequestView }[] = [];
  const events: { atNs: number; run: () => void }[] = [];
  let nowNs = 0;
  let sequence = 0;
  let outMax = 0;
  let idleNs = 0;
  let idleSinceNs = 0;
  const at = (ns: number, fn: () => void): void => {
    events.push({ atNs: ns, run: fn });
    events.sort((a, b) => a.atNs - b.atNs);
  };
  const pump = (): void => {
    while (drive.length < depth) {
      const next = cfq.next(nowNs);
      if (next.kind === 'wait') {
        expect(next.untilNs).toBeGreaterThan(nowNs);
        at(next.untilNs, pump);
        return;
      }
      if (next.kind === 'idle') return;
      const reader = leaves.indexOf(next.leaf);
      const request = queues[reader]!.shift();
      if (request === undefined) throw new Error('granted where nothing waits');
      if (drive.length === 0) idleNs += nowNs - idleSinceNs;
      drive.push({ reader, request });
      outMax = Math.max(outMax, drive.length);
      if (drive.length === 1) at(nowNs + SERVICE_NS, finish);
    }
  };
  const issue = (reader: number): void => {
    const { pattern } = readers[reader]!;
    const offset = places[reader]!;
    places[reader] = pattern === 'sequential' ? offset + BLOCK : (offset * 7 + 13 * MIB) % (4_000 * MIB);
    const request = { op: OPS.READ, offset, lengthBytes: BLOCK, cost: 1, arrivedNs: nowNs, sequence: sequence++ };
    queues[reader]!.push(request);
    cfq.arrived(leaves[reader]!, request, nowNs);
    pump();
  };
  const finish = (): void => {
    const { reader, request } = drive.shift()!;
    served[reader]! += 1;
    if (drive.length > 0) at(nowNs + SERVICE_NS, finish);
    else idleSinceNs = nowNs;
    cfq.finished(leaves[reader]!, request, SERVICE_NS, nowNs);
    at(nowNs + readers[reader]!.thinkNs, () => issue(reader));
    pump();
  };
  for (const [reader, { outstanding }] of readers.entries()) {
    for (let i = 0; i < outstanding; i++) issue(reader);
  }
  while (events.length > 0 && events[0]!.atNs <= ms * NS_PER_MS) {
    const event = events.shift()!;
    nowNs = event.atNs;
    event.run();
  }
  return { served, outMax, idleNs };
}

const reader = (
  tag: string,
  priority: number,
  pattern: Reader['pattern'],
  outstanding = 1,
  thinkNs = 10_000,
): Reader => {
  return { tag, priority, pattern, outstanding, thinkNs };
};

describe('cfq', () => {
  test('waits for sequential readers, and gives them time by priority', () => {
    const { served, outMax } = run([reader('low', 7, 'sequential'), reader('high', 0, 'sequential')], 20_000);
    // Slices of 40 and 180 ms: 4.5 to one.
    expect(served[1]! / served[0]!).toBeGreaterThan(3.5);
    expect(served[1]! / served[0]!).toBeLessThan(5.5);
    expect(outMax).toBe(1);
  });

  test('does not wait for single random readers: all are in the drive together, and priority orders nothing', () => {
    const readers = [7, 5, 4, 2, 0].map((priority) => reader(`p${String(priority)}`, priority, 'random'));
    const { served, outMax } = run(readers, 20_000);
    expect(outMax).toBeGreaterThanOrEqual(4);
    expect(Math.max(...served) / Math.min(...served)).toBeLessThan(1.3);
  });

  test('waits for deep random readers again, by priority', () => {
    const { served } = run([reader('low', 7, 'random', 16), reader('high', 0, 'random', 16)], 20_000);
    expect(served[1]! / served[0]!).toBeGreaterThan(2);
  });

  test('takes a random reader that the drive empties at one go for one not worth waiting for', () => {
    // Eight is the quantum: all of them are sent before the first one ends.
    const { served } = run([reader('low', 7, 'random', 8), reader('high', 0, 'random', 8)], 20_000);
    expect(served[1]! / served[0]!).toBeLessThan(1.3);
  });

  test('a reader that thinks longer than 8 ms is not waited for twice', () => {
    const slow = reader('slow', 4, 'sequential', 1, 30 * NS_PER_MS);
    const { served, idleNs } = run([slow, reader('busy', 4, 'sequential')], 20_000);
    expect(served[1]!).toBeGreaterThan(3 * served[0]!);
    expect(idleNs).toBeLessThan(0.1 * 20_000 * NS_PER_MS);
  });

  test('alone, a random reader has the disk to itself', () => {
    const { served } = run([reader('alone', 4, 'random')], 10_000);
    expect(served[0]!).toBeGreaterThan(1_900);
  });

  test('what was cancelled is not granted, and the next is', () => {
    const cfq = new CfqAlgorithm(() => 4);
    const [a, b] = [cfq.open('a', 0), cfq.open('b', 0)];
    const request = { op: OPS.READ, offset: 0, lengthBytes: BLOCK, cost: 1, arrivedNs: 0, sequence: 0 };
    cfq.arrived(a, request, 0);
    cfq.arrived(b, request, 0);
    cfq.cancelled(a, request, 0);
    expect(cfq.next(0)).toEqual({ kind: 'grant', leaf: b });
    expect(cfq.next(0).kind).not.toBe('grant');
  });
});
