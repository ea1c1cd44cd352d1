/** `npm run simulate-cluster`: no promise broken, the same seed the same run, and what it says of bad input. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';

const LONG = process.env['SLUICE_LONG'] === '1';

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['scripts/simulate-cluster.mjs', ...args], { encoding: 'utf8' });
}

describe('simulate-cluster', () => {
  test(
    'keeps every promise through faults',
    () => {
      const seeds = LONG ? 10_000 : 120;
      const { status, stdout } = run('--seeds', String(seeds), '--json');
      expect(stdout.split('\n').filter((line) => line.startsWith('seed '))).toEqual([]);
      const summary = JSON.parse(stdout.trim()) as { seeds: number; broken: number; faults: number; requests: number };
      expect(summary).toMatchObject({ seeds, broken: 0 });
      expect(summary.faults).toBeGreaterThan(seeds);
      expect(summary.requests).toBeGreaterThan(100 * seeds);
      expect(status).toBe(0);
    },
    LONG ? 3_600_000 : 120_000,
  );

  test('replays a seed byte for byte', () => {
    const first = run('--seed', '7');
    expect(first.status).toBe(0);
    expect(first.stdout).toMatch(/seed 7: \d+ requests, \d+ exchanges, digest [0-9a-f]{8}\n$/);
    expect(run('--seed', '7').stdout).toBe(first.stdout);
  });

  test('says what it does not understand', () => {
    const { status, stderr } = run('--seeds', 'many');
    expect(status).toBe(2);
    expect(stderr).toContain('--seeds must be an integer from 1 on, got "many"');
    expect(run('--help').stdout).toContain('--seed S');
  });
});
