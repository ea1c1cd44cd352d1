/** `sluice experiment` as it is typed: the report, its bytes, its exit codes. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { ROOT, SLUICE, cleanEnvironment } from '../../support/service.js';

/** The whole report where there is time for it: about a minute on two free processors. */
const LONG = process.env['SLUICE_LONG'] === '1';
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
      experiment('algorithms', '--out', out, '--seeds', '2', '--seconds', '10', '--seed', seed);
    await Promise.all([run('first', '1'), run('second', '1'), run('third', '9')]);
    const [first, second, third] = [files('first'), files('second'), files('third')];
    expect([...first.keys()].sort()).toEqual(['algorithms.csv', 'algorithms.svg', 'index.html']);
    expect(second).toEqual(first);
    expect(third.get('algorithms.csv')).not.toBe(first.get('algorithms.csv'));
    expect(first.get('algorithms.svg')).toMatch(/^<svg/);
    expect(first.get('index.html')).toContain('algorithms.lottery-exact');
  }, 60_000);

  test('every claim comes out as expected', async () => {
    const names = LONG ? ['all'] : ['figure-6', 'algorithms'];
    const { code, stdout, stderr } = await experiment(...names, '--out', 'whole', '--json');
    expect(code, stderr).toBe(0);
    const { claims, missing } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      claims: { asExpected: boolean }[];
      missing: string[];
    };
    expect(claims.length).toBeGreaterThanOrEqual(LONG ? 50 : 8);
    expect(claims.every(({ asExpected }) => asExpected)).toBe(true);
    expect(missing).toEqual([]);
  }, 600_000);

  test('shares that are ignored make checks fail and the command exit 1', async () => {
    const args = ['figure-4', '--seeds', '3', '--seconds', '30', '--out', 'broken', '--json'];
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

  test('an interrupted run keeps the figures that were finished, whole, and says which are not', async () => {
    const args = ['figure-4', 'figure-10', '--seeds', '2', '--out', 'interrupted'];
    const child = spawn(process.execPath, [SLUICE, 'experiment', ...args], {
      env: cleanEnvironment({}),
      cwd: work,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
    // The page comes last of a figure's files.
    await vi.waitUntil(() => existsSync(join(work, 'interrupted', 'index.html')), { timeout: 60_000, interval: 5 });
    child.kill('SIGINT');
    expect(await ended).toBe(1);
    expect(stderr).toMatch(/interrupted; not finished: figure-10/);
    const left = files('interrupted');
    expect(left.get('index.html')).toMatch(/Interrupted: figure-10 not finished/);
    expect(left.get('figure-4.svg')).toMatch(/<\/svg>$/);
    expect(left.get('figure-4.csv')!.trim().split('\n')).toHaveLength(1 + 5 * 5);
    expect([...left.keys()].filter((name) => name.endsWith('.part'))).toEqual([]);
  }, 90_000);

  const commands = readFileSync(join(ROOT, 'docs/reproduction.md'), 'utf8')
    .split('```sh\n')[1]!
    .split('```')[0]!
    .trim()
    .split('\n');
  test.each(commands)('docs/reproduction.md: %s', async (line) => {
    const args = line.split(' ');
    expect(args.slice(0, 2)).toEqual(['sluice', 'experiment']);
    // As typed, but for the minute that it would take.
    const { code, stdout } = await experiment(...args.slice(2), '--list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^figure-4 /);
  });
});
