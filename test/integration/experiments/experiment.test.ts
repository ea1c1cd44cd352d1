/** `sluice experiment` as it is typed: the report, its bytes, its exit codes. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SLUICE, cleanEnvironment } from '../../support/service.js';

const work = mkdtempSync(join(tmpdir(), 'sluice-experiment-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function experiment(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: cleanEnvironment({}), cwd: work };
    execFile(process.execPath, [SLUICE, 'experiment', ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function files(folder: string): Map<string, string> {
  return new Map(readdirSync(join(work, folder)).map((name) => [name, readFileSync(join(work, folder, name), 'utf8')]));
}

describe('sluice experiment', () => {
  test('writes page, plot and points; the same seeds give the same bytes, other seeds others', async () => {
    const run = (out: string, seed: string): Promise<Ended> =>
      experiment('figure-4', '--out', out, '--seeds', '2', '--seconds', '20', '--seed', seed);
    await Promise.all([run('first', '1'), run('second', '1'), run('third', '9')]);
    const [first, second, third] = [files('first'), files('second'), files('third')];
    expect([...first.keys()].sort()).toEqual(['figure-4.csv', 'figure-4.svg', 'index.html']);
    expect(second).toEqual(first);
    expect(third.get('figure-4.csv')).not.toBe(first.get('figure-4.csv'));
    expect(first.get('figure-4.svg')).toMatch(/^<svg/);
    expect(first.get('index.html')).toContain('figure-4.sequential-read');
  }, 60_000);

  test('shares that are ignored make checks fail and the command exit 1', async () => {
    const args = ['figure-4', '--seeds', '3', '--seconds', '60', '--out', 'broken', '--json'];
    expect((await experiment(...args)).code).toBe(0);
    const { code, stdout, stderr } = await experiment(...args, '--break', 'shares');
    expect(code).toBe(1);
    expect(stderr).toContain('claim figure-4.sequential-read is not as expected');
    const { claims } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      claims: { id: string; holds: boolean; asExpected: boolean }[];
    };
    expect(claims.find(({ id }) => id === 'figure-4.sequential-read')).toMatchObject({
      holds: false,
      asExpected: false,
    });
  }, 60_000);

  test.each([
    [['figure-99'], 2, /must be all or one of figure-4.*got "figure-99"/],
    [['figure-4', '--seconds', '0'], 2, /--seconds must be a number 0\.1\.\.86400, got "0"/],
    [['figure-4', '--seeds', '0'], 2, /--seeds must be an integer 1\.\.1000, got "0"/],
    [['figure-4', '--out', '/proc/report'], 1, /--out must be a folder that can be written, got "\/proc\/report"/],
  ])('%j is refused', async (args, expected, message) => {
    const { code, stderr } = await experiment(...args);
    expect(code).toBe(expected);
    expect(stderr).toMatch(message);
  });

  test('an output folder that is a file is refused', async () => {
    writeFileSync(join(work, 'taken'), '');
    const { code, stderr } = await experiment('figure-4', '--out', 'taken');
    expect(code).toBe(1);
    expect(stderr).toMatch(/--out must be a folder that can be written, got "taken"/);
  });
});
