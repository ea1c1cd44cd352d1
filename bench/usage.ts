/** What usage costs: gRPC stream throughput with accounting against without it, and what usage-memory.ts measures. */
import { pairs, perSecond, reads, start, stop } from './grpc.js';
import type { BenchRow } from './report.js';
import { usageMemory } from './usage-memory.js';

const PAIRS = 10;

async function recordingCost(): Promise<BenchRow[]> {
  const counted = await start('sluice');
  const uncounted = await start('sluice-no-usage');
  try {
    const rows: BenchRow[] = [];
    for (const [perFrame, requests] of [
      [16, 128_000],
      [64, 256_000],
    ] as const) {
      const name = `Stream, READ 512 B, ${String(perFrame)} a message`;
      const load = reads(perFrame, requests);
      const peer = 'without accounting';
      rows.push(await pairs(name, 'ops/s', peer, load, perSecond, counted.client, uncounted.client, PAIRS));
    }
    return rows;
  } finally {
    await Promise.all([counted, uncounted].map(stop));
  }
}

export async function usageBenchmark(): Promise<BenchRow[]> {
  return [...(await recordingCost()), ...usageMemory()];
}
