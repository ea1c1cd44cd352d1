/**
 * What usage costs: memory of the whole service for tags that were served once and idle since, bytes
 * of that in the ledger, and time for a record. Measured in a child process with --expose-gc, so that
 * nothing else of the run is in the heap.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { assemble } from '../src/app/assemble.js';
import { RealClock } from '../src/clock/real.js';
import { allRows } from '../src/control/usage.js';
import { DEFAULT_SETTINGS, DEFAULT_SIMULATION } from '../src/core/model/device.js';
import { OPS } from '../src/core/model/request.js';
import { MIB } from '../src/core/model/units.js';
import { PendingIo } from '../src/core/pending-io.js';
import type { Clock, Logger } from '../src/core/ports.js';
import { Ledger } from '../src/core/usage.js';
import { makeDeviceFactory } from '../src/devices/factory.js';
import { row, type BenchRow } from './report.js';

const TAGS = 100_000;
const RECORDS = 2_000_000;
const RECORD_NS = 50;
const BLOCK = 4_096;
/** What the service may take for them. */
const SERVICE_MIB_MAX = 100;
/** Most requests given to the service at once. */
const BATCH = 1_000;

const tagName = (i: number): string => `tenant-${String(i % 1_000)}/app-${String(i)}`;

class ShiftedClock implements Clock {
  offsetMs = 0;
  nowNs(): number {
    return (performance.now() + this.offsetMs) * 1e6;
  }
  wallMs(): number {
    return Date.now() + this.offsetMs;
  }
  after(): never {
    throw new Error('a ledger sets no timers');
  }
}

interface Memory {
  readonly heapBytes: number;
  readonly residentBytes: number;
}

function memory(): Memory {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + arrayBuffers, residentBytes: rss };
}

async function serviceMemory(): Promise<BenchRow[]> {
  const quiet: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const clock = new RealClock();
  const service = await assemble({
    clock,
    logger: quiet,
    factory: makeDeviceFactory({}, clock),
    devices: [
      { name: 'disk0', target: { simulation: { ...DEFAULT_SIMULATION, kind: 'null' } }, settings: DEFAULT_SETTINGS },
    ],
    policies: [],
  });
  const device = service.host.get('disk0')!;
  let served = 0;
  const sink = {
    completed: (io: PendingIo): void => {
      if (io.code !== 'OK') throw new Error(`${io.code}: ${io.message}`);
      served += 1;
    },
  };
  const serve = async (count: number, name: (i: number) => string): Promise<void> => {
    const wanted = served + count;
    for (let i = 0; i < count; i++) {
      device.submit(new PendingIo(OPS.READ, 0, BLOCK, null, false, 0, i, 0, sink), name(i));
      if (i % BATCH === BATCH - 1) await service.host.idle();
    }
    await service.host.idle();
    if (served !== wanted) throw new Error(`served ${String(served)}, wanted ${String(wanted)}`);
  };
  await serve(BATCH, () => 'warm-up');
  const before = memory();
  await serve(TAGS, tagName);
  const after = memory();
  const answer = await service.usage.query({
    device: '',
    tagPrefix: tagName(TAGS - 1),
    fromMs: 0,
    toMs: 0,
    stepMs: 0,
    groupLevel: 0,
    orderBy: 'tag',
    topN: 0,
    apart: [],
    quantiles: [0.5],
  });
  const [rowOf] = await allRows(answer);
  if (rowOf?.ops[0]?.count !== 1) throw new Error('the last tag is not counted');
  await service.close();
  const above = (name: string, bytes: number): BenchRow => {
    const value = bytes / MIB;
    return { ...row(name, value, 'MiB'), peer: 'bound', peerValue: SERVICE_MIB_MAX, ratio: value / SERVICE_MIB_MAX };
  };
  const what = `service above start, ${String(TAGS)} tags served once`;
  return [
    above(`${what}, heap`, after.heapBytes - before.heapBytes),
    above(`${what}, resident`, after.residentBytes - before.residentBytes),
  ];
}

function ledgerMemory(): BenchRow[] {
  const clock = new ShiftedClock();
  const before = memory();
  const ledger = new Ledger(clock);
  for (let i = 0; i < TAGS; i++) {
    ledger.account(tagName(i)).record(OPS.READ, BLOCK, 1, false, false, 100_000 + i, 80_000, clock.nowNs());
  }
  const perTag = (): number => (memory().heapBytes - before.heapBytes) / TAGS;
  const servedOnce = perTag();
  // Past the retention of seconds and of minutes: the rows have been handed up to the hours.
  for (const days of [1, 3, 3]) {
    clock.offsetMs += days * 86_400_000;
    ledger.account('clockwork').record(OPS.READ, BLOCK, 1, false, false, 100, 100, clock.nowNs());
  }
  return [
    row(`ledger, ${String(TAGS)} tags served once`, servedOnce, 'bytes/tag'),
    row('ledger, the same a week later', perTag(), 'bytes/tag'),
    row('record, 1 tag', recordNs(ledger, clock, 1), 'ns'),
    row('record, 1000 tags', recordNs(ledger, clock, 1_000), 'ns'),
  ];
}

/** The callers have the time at hand, so here it passes by RECORD_NS a record. */
function recordNs(ledger: Ledger, clock: Clock, tags: number): number {
  const accounts = Array.from({ length: tags }, (_, i) => ledger.account(`busy-${String(i)}`));
  const rounds: number[] = [];
  for (let round = 0; round < 3; round++) {
    const startNs = clock.nowNs();
    const start = performance.now();
    for (let i = 0; i < RECORDS; i++) {
      const spread = (i * 7_919) % 50_000;
      const op = (i & 1) === 0 ? OPS.READ : OPS.WRITE;
      accounts[i % tags]!.record(
        op,
        BLOCK,
        1,
        false,
        false,
        100_000 + spread,
        80_000 + spread,
        startNs + i * RECORD_NS,
      );
    }
    rounds.push(((performance.now() - start) * 1e6) / RECORDS);
  }
  return Math.min(...rounds);
}

/** Each in a process of its own: what another one left to be collected would be taken for less. */
const MEASUREMENTS: Readonly<Record<string, () => BenchRow[] | Promise<BenchRow[]>>> = {
  service: serviceMemory,
  ledger: ledgerMemory,
};

export function usageMemory(): BenchRow[] {
  const file = fileURLToPath(import.meta.url);
  return Object.keys(MEASUREMENTS).flatMap((name) => {
    const child = spawnSync(process.execPath, ['--expose-gc', file, name], { encoding: 'utf8' });
    if (child.status !== 0) throw new Error(`the measuring process failed: ${child.stderr}`);
    return JSON.parse(child.stdout) as BenchRow[];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await MEASUREMENTS[process.argv[2]!]!();
  process.stdout.write(`${JSON.stringify(rows)}\n`);
}
