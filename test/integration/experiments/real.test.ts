/** `sluice experiment real` as it is typed: what it measures, and that nothing is left of it, however it ends. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { checkNeeds } from '../../../src/experiments/real/needs.js';
import { realFigures } from '../../../src/experiments/real/figures.js';
import { canLoop } from '../../support/loop.js';
import { SLUICE, cleanEnvironment } from '../../support/service.js';

function canRun(): boolean {
  try {
    checkNeeds(realFigures(new Map()));
    return canLoop && readFileSync('/sys/block/loop0/queue/scheduler', 'utf8').includes('bfq');
  } catch {
    return false;
  }
}

const work = mkdtempSync(join(tmpdir(), 'sluice-real-test-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Running {
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
  /** Where it keeps what it needs while it runs. */
  readonly temporary: string;
}

function real(name: string, args: readonly string[], environment: Record<string, string> = {}): Running {
  const temporary = join(work, `${name}-tmp`);
  mkdirSync(temporary);
  const child = spawn(process.execPath, [SLUICE, 'experiment', 'real', ...args, '--out', join(work, name)], {
    env: cleanEnvironment({ TMPDIR: temporary, ...environment }),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, stderr })),
  );
  return { kill: (signal) => void child.kill(signal), ended, temporary };
}

/** Loop devices, mounts, processes and files that name the folder. */
function left(folder: string): string[] {
  const output = (command: string, ...args: readonly string[]): string[] =>
    spawnSync(command, args, { encoding: 'utf8' }).stdout.split('\n');
  return [
    ...output('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE'),
    ...readFileSync('/proc/mounts', 'utf8').split('\n'),
    ...processes(),
    ...readdirSync(folder).map((name) => join(folder, name)),
  ].filter((line) => line.includes(folder));
}

function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        // Ended meanwhile.
        return '';
      }
    });
}

interface Row {
  readonly scenario: string;
  readonly algorithm: string;
  readonly opsPerS: number;
}

function points(name: string): Row[] {
  const [head, ...rows] = readFileSync(join(work, name, 'figure-6.csv'), 'utf8')
    .trim()
    .split('\n');
  const columns = head!.split(',');
  return rows.map((row) => {
    const cells = row.split(',');
    const cell = (column: string): string => cells[columns.indexOf(column)]!;
    return { scenario: cell('scenario'), algorithm: cell('algorithm'), opsPerS: Number(cell('ops_per_s')) };
  });
}

describe.skipIf(!canRun())('sluice experiment real', () => {
  test('shares show, BFQ is what the others go through, and nothing is left', async () => {
    const { ended, temporary } = real('short', ['figure-6', '--runs', '1', '--seconds', '3']);
    const { stderr } = await ended;
    const found = points('short');
    const ours = found.filter(({ scenario }) => scenario === 'hdd/random-read').map(({ opsPerS }) => opsPerS);
    // Of 5 to 1; seconds of some ninety requests each leave an error of one or two of the fewest, about eighteen.
    expect(ours.at(-1)! / ours[0]!, stderr).toBeGreaterThan(3);
    expect([...ours].sort((a, b) => a - b)).toEqual(ours);
    const others = found.filter(({ algorithm }) => algorithm === 'bfq');
    expect(others).toHaveLength(4 * 5);
    // Not each client: BFQ lets one wait for seconds.
    const served = others.filter(({ opsPerS }) => opsPerS > 0);
    expect(new Set(served.map(({ scenario }) => scenario)).size).toBe(4);
    expect(readFileSync(join(work, 'short', 'figure-6.svg'), 'utf8')).toMatch(/<\/svg>$/);
    expect(readFileSync(join(work, 'short', 'index.html'), 'utf8')).toContain('Real / virtual');
    expect(readdirSync(join(work, 'short', 'virtual'))).toContain('index.html');
    expect(left(temporary)).toEqual([]);
  }, 240_000);

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    '%s leaves nothing behind',
    async (signal) => {
      const { kill, ended, temporary } = real(signal, ['figure-6', '--runs', '1', '--seconds', '1']);
      // By then there are both loop devices, the mount, the service and fio.
      await vi.waitUntil(
        () => {
          const all = left(temporary);
          return all.some((line) => line.startsWith('fio ')) && all.some((line) => line.includes(' fuse'));
        },
        { timeout: 120_000, interval: 20 },
      );
      kill(signal);
      const { code, stderr } = await ended;
      if (signal === 'SIGKILL') {
        expect(code).toBeNull();
      } else {
        expect(code).toBe(1);
        expect(stderr).toMatch(/interrupted; not finished: figure-6/);
      }
      // Killed outright it has nobody to wait for who undoes it.
      await vi.waitUntil(() => left(temporary).length === 0, { timeout: 20_000 }).catch(() => undefined);
      expect(left(temporary)).toEqual([]);
    },
    180_000,
  );

  test.each([
    [[], /needs losetup, of Debian's package mount \(UNSUPPORTED\)/],
    [['losetup'], /needs fio, of Debian's package fio \(UNSUPPORTED\)/],
    [['losetup', 'fio'], /needs nbdfuse, of Debian's package libnbd-bin \(UNSUPPORTED\)/],
  ])('with %j alone it says which package it needs', async (commands, message) => {
    const name = `only-${commands.join('-')}`;
    const bin = join(work, `${name}-bin`);
    mkdirSync(bin);
    for (const command of commands) {
      symlinkSync(spawnSync('which', [command], { encoding: 'utf8' }).stdout.trim(), join(bin, command));
    }
    const { code, stderr } = await real(name, ['figure-6'], { PATH: bin }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  test.each([
    [['figure-5'], /must be all or one of figure-4, figure-6, figure-11, got "figure-5"/],
    [['--seconds', '0'], /--seconds must be an integer 1\.\.3600, got "0"/],
    [['--runs', '0'], /--runs must be an integer 1\.\.100, got "0"/],
  ])('%j is wrong use', async (args, message) => {
    const { code, stderr } = await real(`wrong${args.join('')}`, args).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
