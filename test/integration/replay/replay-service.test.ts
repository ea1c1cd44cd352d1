/** `sluice replay` and `sluice load` through a real service: usage is what was asked for, to the byte. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ShareReport } from '../../../src/workload/report.js';
import { TestService, runSluice } from '../../support/service.js';
import { THREE_SERVERS, TRACES_PRESENT } from '../../support/traces.js';

const CONFIG = `
devices:
  nil: { simulation: { kind: 'null' } }
  ssd: { simulation: { kind: ssd } }
`;

let folder = '';
let service: TestService;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-replay-'));
  service = await TestService.start({ config: CONFIG });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function run(command: string, ...args: string[]): Promise<{ report: ShareReport; stderr: string }> {
  const { code, stdout, stderr } = await runSluice([command, ...args, '--address', service.grpc, '--json']);
  expect(stderr).not.toContain('sluice: ');
  expect(code).toBe(0);
  return { report: JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as ShareReport, stderr };
}

describe('sluice replay', () => {
  it('serves every record once; usage agrees with the trace', async () => {
    const trace = path.join(folder, 'mixed.csv');
    const lines = Array.from({ length: 3_000 }, (_, i) => {
      const size = String(512 * (1 + (i % 9)));
      return `${String(i % 4)},${i % 3 === 0 ? 'W' : 'R'},${String(((i * 104_729) % 1e8) * 4_096)},${size},${String(1e15 + i)}`;
    });
    writeFileSync(trace, lines.join('\n'));
    const { report, stderr } = await run('replay', trace, '--tag-by', 'volume', '--device', 'ssd', '--check-usage');
    expect(stderr).toContain('usage agrees with the traces in reads, writes and bytes of each of 4 tags');
    expect(report.tags.map(({ tag, ops, reads, writes }) => [tag, ops, reads + writes])).toEqual(
      ['0', '1', '2', '3'].map((tag) => [tag, 750, 750]),
    );
  });

  it('cuts what is longer than the service takes, and sets shares', async () => {
    const trace = path.join(folder, 'long.iolog');
    writeFileSync(trace, 'fio version 3 iolog\n0 /a write 0 3145728\n5 /a read 0 1048576\n9 /a sync 0 0\n');
    const args = ['--device', 'nil', '--check-usage', '--shares', 'long=7'];
    const { report, stderr } = await run('replay', trace, ...args);
    expect(stderr).toContain('2 requests more than in the traces');
    expect(stderr).toContain('usage agrees with the replies');
    expect(report.tags[0]).toMatchObject({
      tag: 'long',
      shares: 7,
      ops: 5,
      reads: 1,
      writes: 3,
      bytes: 4_194_304,
      errors: 0,
    });
  });

  it('says which device is not there, with exit code 1', async () => {
    const trace = path.join(folder, 'one.trace');
    writeFileSync(trace, '1 0 0 8 1\n');
    const result = await runSluice(['replay', trace, '--device', 'nope', '--address', service.grpc]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^sluice: .*nope.*\(NOT_FOUND\)$/m);
  });

  it.runIf(TRACES_PRESENT)(
    'three recorded servers, full length, as fast as it goes: usage to the byte',
    async () => {
      const { report, stderr } = await run('replay', ...THREE_SERVERS, '--device', 'nil', '--check-usage');
      expect(stderr).toContain('usage agrees with the traces in reads, writes and bytes of each of 3 tags');
      expect(report.tags.map(({ ops }) => ops)).toEqual([269_007, 42_976, 1_371]);
    },
    180_000,
  );
});

describe('sluice load', () => {
  it('shares out what tags want, and verifies what it reads', async () => {
    const common = 'op=randrw,size=4k,outstanding=80,requests=400';
    const args = ['--tag', `load/a:shares=30,${common}`, '--tag', `load/b:shares=10,${common}`];
    const { report } = await run('load', '--device', 'ssd', '--seconds', '20', '--verify', ...args);
    expect(report.tags.map(({ shares, ops, errors }) => [shares, ops, errors])).toEqual([
      [30, 400, 0],
      [10, 400, 0],
    ]);
    expect(report.seconds).toBeLessThan(20);
  });

  it('keeps the shares that are set where it is told to', async () => {
    const args = ['--device', 'nil', '--seconds', '0.2', '--tag', 'load/a:shares=77,requests=10', '--keep-policies'];
    await run('load', '--device', 'nil', '--seconds', '0.2', '--tag', 'load/a:shares=5,requests=10');
    expect((await run('load', ...args)).report.tags[0]!.shares).toBe(5);
  });

  it.each([
    [['--tag', 'a:size=1k', '--device', 'nope'], 1, 'device nope'],
    [
      ['--tag', 'a:region=1t+4k', '--device', 'nil'],
      1,
      "--tag a: region must be within the device's 68719476736 bytes",
    ],
    [['--tag', 'a', '--tag', 'a', '--device', 'nil'], 1, '--tag a is given twice'],
    [['--tag', 'a:op=trim', '--device', 'nil', '--verify'], 1, '--tag a: op must be'],
    [['--tag', 'a:op=scan', '--device', 'nil'], 2, '--tag a: op must be one of read'],
    [['--device', 'nil'], 2, "required option '--tag <spec>' not specified"],
  ])('%s ends with exit code %i and says why', async (args, code, message) => {
    const result = await runSluice(['load', ...args, '--address', service.grpc]);
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(code);
  });
});
