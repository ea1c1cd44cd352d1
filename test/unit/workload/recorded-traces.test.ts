/** The published figures of recorded traces, where the folder with them lies beside the repository. */
import { describe, expect, it } from 'vitest';
import { loadTraces } from '../../../src/workload/traces/load.js';
import type { TagBy } from '../../../src/workload/traces/load.js';
import { traceBytes } from '../../../src/workload/traces/source.js';
import { summarize } from '../../../src/workload/traces/summary.js';
import { TRACES_PRESENT, recorded } from '../../support/traces.js';

const MIB = 1_048_576;

async function load(name: string, tagBy: TagBy = 'file', collapseMs = 0, limit = 0) {
  const [file] = recorded(name) as [string];
  return loadTraces([{ name: file, bytes: traceBytes(file) }], { tagBy, limit, strict: true, collapseMs });
}

async function figures(name: string, collapseMs = 0) {
  const loaded = await load(name, 'file', collapseMs);
  expect(loaded.tags).toHaveLength(1);
  expect(loaded.readers[0]!.broken).toBe(0);
  const s = summarize(loaded.tags[0]!.columns);
  return {
    records: s.records,
    seconds: Math.round(s.durationS),
    reads: ((100 * s.reads) / s.records).toFixed(1),
    mean: s.meanIops.toFixed(1),
    peak: s.peakIops,
    p50: s.sizeP50Bytes,
    p99: s.sizeP99Bytes,
    sequential: (100 * s.sequential).toFixed(1),
    mib: (s.footprintBytes / MIB).toFixed(1),
  };
}

describe.runIf(TRACES_PRESENT)('recorded traces', () => {
  it('linux-webserver-2', async () => {
    expect(await figures('linux-webserver-2.load.gz')).toEqual({
      records: 269_007,
      seconds: 3601,
      reads: '55.4',
      mean: '74.7',
      peak: 1393,
      p50: 8192,
      p99: 131_072,
      sequential: '4.3',
      mib: expect.stringMatching(/^1906|^1905\.[5-9]/) as string,
    });
  });

  it('linux-webserver-2 with repeats within a millisecond collapsed', async () => {
    expect(await figures('linux-webserver-2.load.gz', 1)).toMatchObject({
      records: 178_278,
      reads: '45.8',
      mean: '49.5',
      peak: 1236,
      p50: 8192,
      p99: 131_072,
      sequential: '6.4',
    });
  });

  it('windows-mssql', async () => {
    expect(await figures('windows-mssql.load.gz')).toEqual({
      records: 42_976,
      seconds: 3062,
      reads: '5.9',
      mean: '14.0',
      peak: 3112,
      p50: 32_768,
      p99: 32_768,
      sequential: '84.4',
      mib: '604.5',
    });
  });

  it('windows-shared-server', async () => {
    expect(await figures('windows-shared-server.load.gz')).toEqual({
      records: 1_371,
      seconds: 3597,
      reads: '0.0',
      mean: '0.4',
      peak: 5,
      p50: 4096,
      p99: 4096,
      sequential: '0.1',
      mib: '1.0',
    });
  });

  it('tpcc-small, whole and as a tag a device', async () => {
    expect(await figures('tpcc-small.trace')).toMatchObject({
      records: 6_999,
      reads: '62.6',
      p50: 8192,
      p99: 16_384,
    });
    const loaded = await load('tpcc-small.trace', 'device');
    expect(loaded.tags.map(({ tag }) => tag).sort()).toEqual(
      Array.from({ length: 16 }, (_, i) => `tpcc-small/${String(i)}`).sort(),
    );
    const parts = loaded.tags.map(({ columns }) => summarize(columns));
    expect(parts.reduce((n, s) => n + s.records, 0)).toBe(6_999);
    // A page of one device is not the page of another.
    expect((parts.reduce((n, s) => n + s.footprintBytes, 0) / MIB).toFixed(1)).toBe('80.0');
    const sequential = parts.reduce((n, s) => n + s.sequential * s.records, 0) / 6_999;
    expect((100 * sequential).toFixed(1)).toBe('1.2');
    expect(Math.max(...loaded.tags.map(({ columns }) => columns.timeNs[columns.count - 1]!))).toBeCloseTo(0.136e9, -6);
  });

  it('takes the first records of each tag under a limit', async () => {
    const loaded = await load('windows-mssql.load.gz', 'file', 0, 3_000);
    expect(loaded.tags[0]!.columns.count).toBe(3_000);
  });
});
