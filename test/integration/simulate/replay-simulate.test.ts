/** `sluice replay --simulate` as a command: the same bytes twice, bad input named, recorded traces shared out. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ShareReport } from '../../../src/workload/report.js';
import { runSluice } from '../../support/service.js';
import { THREE_SERVERS, TRACES_PRESENT, recorded } from '../../support/traces.js';

let folder = '';
let trace = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-replay-'));
  trace = path.join(folder, 'two.trace');
  const lines = Array.from(
    { length: 400 },
    (_, i) => `${String(i * 1e6)} ${String(i % 2)} ${String((i * 7919) % 1e6)} 8 ${String(i % 3 === 0 ? 0 : 1)}`,
  );
  writeFileSync(trace, lines.join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function lastLine(stdout: string): ShareReport {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as ShareReport;
}

async function simulated(...args: string[]): Promise<ShareReport> {
  const { code, stdout, stderr } = await runSluice(['replay', ...args, '--simulate', '--json']);
  expect(stderr).toContain('times real time');
  expect(code).toBe(0);
  return lastLine(stdout);
}

describe('sluice replay --simulate', () => {
  it('prints the same object twice, as the only thing on stdout', async () => {
    const args = [
      'replay',
      trace,
      '--tag-by',
      'device',
      '--simulate',
      '--until-cost',
      '300',
      '--shares',
      'two/1=300',
      '--json',
    ];
    const first = await runSluice(args);
    const second = await runSluice(args);
    expect(first.code).toBe(0);
    expect(second.stdout).toBe(first.stdout);
    expect(first.stdout.trimEnd().split('\n')).toHaveLength(1);
    const report = lastLine(first.stdout);
    expect(report.tags.map(({ tag, shares }) => [tag, shares])).toEqual([
      ['two/0', 100],
      ['two/1', 300],
    ]);
    expect(report.maxShareError!).toBeLessThan(0.05);
    expect((await runSluice([...args, '--seed', '2'])).stdout).not.toBe(first.stdout);
  });

  it('replays at the times of the trace, and faster', async () => {
    const slow = await simulated(trace, '--speed', '1', '--sim-device', 'ssd');
    const fast = await simulated(trace, '--speed', '10', '--sim-device', 'ssd');
    expect(slow.tags[0]!.ops).toBe(400);
    expect(slow.seconds).toBeCloseTo(0.399, 2);
    expect(fast.seconds).toBeCloseTo(0.0399, 2);
  });

  it('counts broken lines and names the first; --strict stops with exit code 1', async () => {
    const bad = path.join(folder, 'bad.trace');
    writeFileSync(bad, '1 0 0 8 1\n2 0 0 8 1\nrubbish\n3 0 0 8 9\n');
    const lenient = await runSluice(['replay', bad, '--simulate', '--sim-device', 'ssd', '--json']);
    expect(lenient.code).toBe(0);
    expect(lenient.stderr).toContain(
      'disksim, 2 records; 2 broken, the first at line 3: arrival time must be a whole number',
    );
    expect(lastLine(lenient.stdout).tags[0]!.ops).toBe(2);
    const strict = await runSluice(['replay', bad, '--simulate', '--strict']);
    expect(strict.code).toBe(1);
    expect(strict.stderr).toMatch(/^sluice: .*bad\.trace: line 3 is broken: arrival time must be/m);
  });

  it.each([
    [['--speed', '0'], 2, '--speed must be a number'],
    [['--speed', '1', '--closed-loop', '4'], 2, 'cannot be used with'],
    [['--map', 'modulo'], 2, 'Allowed choices are fold, scale'],
    [['--sim-device', 'null', '--loop', '5'], 2, 'no time passes'],
    [['--shares', 'two=0'], 2, '--shares two must be an integer 1..10000, got "0"'],
    [['--shares', 'three=5'], 1, '--shares three must name a tag of the traces: two'],
    [['--format', 'msr'], 1, 'must have at least one record, got 400 broken lines'],
  ])('%s ends with exit code %i and says why', async (args, code, message) => {
    const result = await runSluice(['replay', trace, '--simulate', ...args]);
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(code);
  });

  it('needs a device where it does not simulate', async () => {
    const result = await runSluice(['replay', trace]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('needs --device NAME');
  });
});

describe.runIf(TRACES_PRESENT)('recorded traces in virtual time', () => {
  it('three servers on a disk, full length and closed loop: shares within 2 %', async () => {
    const report = await simulated(...THREE_SERVERS, '--sim-device', 'hdd');
    expect(report.tags.map(({ ops }) => ops)).toEqual([269_007, 42_976, 1_371]);
    expect(report.maxShareError!).toBeLessThan(0.02);
    expect(report.tags.every(({ errors }) => errors === 0)).toBe(true);
  }, 120_000);

  it('16 tags of tpcc-small on an SSD until each has 5,000 cost units: within 2 %', async () => {
    const report = await simulated(
      ...recorded('tpcc-small.trace'),
      '--tag-by',
      'device',
      '--sim-device',
      'ssd',
      '--until-cost',
      '5000',
    );
    expect(report.tags).toHaveLength(16);
    expect(report.contendedFraction).toBeGreaterThan(0.95);
    expect(report.maxShareError!).toBeLessThan(0.02);
  });
});
