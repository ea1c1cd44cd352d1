/**
 * What a ledger costs: bytes for a tag that was served once, and time for a record. Measured in a
 * child process with --expose-gc, so that nothing else of the run is in the heap.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../src/core/ports.js';
import { Ledger } from '../src/core/usage.js';

export interface UsageMemoryRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer: string | null;
  readonly peerValue: number | null;
  readonly ratio: number | null;
}

const TAGS = 100_000;
const RECORDS = 2_000_000;

class WallClock implements Clock {
  offsetMs = 0;
  nowNs(): number {
    return performance.now() * 1e6;
  }
  wallMs(): number {
    return Date.now() + this.offsetMs;
  }
  after(): never {
    throw new Error('a ledger sets no timers');
  }
}

function bytesInUse(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function measure(): UsageMemoryRow[] {
  const clock = new WallClock();
  const before = bytesInUse();
  const ledger = new Ledger(clock);
  for (let i = 0; i < TAGS; i++) {
    ledger
      .account(`tenant-${String(i % 1_000)}/app-${String(i)}`)
      .record(1, 4_096, 1, false, false, 100_000 + i, 80_000);
  }
  const servedOnce = (bytesInUse() - before) / TAGS;
  // Past every retention but the last: the rows have been handed up from seconds to minutes to hours.
  for (const days of [1, 3, 3]) {
    clock.offsetMs += days * 86_400_000;
    ledger.account('clockwork').record(1, 4_096, 1, false, false, 100, 100);
  }
  const aged = (bytesInUse() - before) / TAGS;
  const row = (name: string, value: number, unit: string): UsageMemoryRow => ({
    name,
    value: Math.round(value * 10) / 10,
    unit,
    peer: null,
    peerValue: null,
    ratio: null,
  });
  return [
    row(`${String(TAGS)} tags served once`, servedOnce, 'bytes/tag'),
    row('the same a week later', aged, 'bytes/tag'),
    row('record, one tag', recordNs(ledger, 1), 'ns'),
    row('record, 1000 tags', recordNs(ledger, 1_000), 'ns'),
  ];
}

function recordNs(ledger: Ledger, tags: number): number {
  const accounts = Array.from({ length: tags }, (_, i) => ledger.account(`busy-${String(i)}`));
  const rounds: number[] = [];
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    for (let i = 0; i < RECORDS; i++) {
      const spread = (i * 7_919) % 50_000;
      accounts[i % tags]!.record(((i & 1) + 1) as 1 | 2, 4_096, 1, false, false, 100_000 + spread, 80_000 + spread);
    }
    rounds.push(((performance.now() - start) * 1e6) / RECORDS);
  }
  return Math.min(...rounds);
}

/** Runs the measurement in a process of its own. */
export function usageMemory(): UsageMemoryRow[] {
  const file = fileURLToPath(import.meta.url);
  const child = spawnSync(process.execPath, ['--expose-gc', file], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`the measuring process failed: ${child.stderr}`);
  return JSON.parse(child.stdout) as UsageMemoryRow[];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${JSON.stringify(measure())}\n`);
