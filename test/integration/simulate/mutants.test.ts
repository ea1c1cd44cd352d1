/** Faults in the twin are found by the simulated cluster: of mutants of its source at least nine tenths. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';

const LONG = process.env['SLUICE_LONG'] === '1';

interface Summary {
  readonly run: number;
  readonly faults: number;
  readonly found: number;
  readonly survivors: readonly string[];
}

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['scripts/mutants.mjs', ...args], { encoding: 'utf8' });
}

describe('mutants', () => {
  test(
    'of the twin are found',
    () => {
      // The short form gives each but a few seeds: most are found in the first.
      const [mutants, seeds, least] = LONG ? [120, 500, 90] : [12, 4, 60];
      const args = ['--mutants', String(mutants), '--seeds', String(seeds), '--least', String(least), '--json'];
      const { status, stdout, stderr } = run(...args);
      const summary = JSON.parse(stdout.trim()) as Summary;
      expect(summary.run).toBe(mutants);
      expect(summary.found, stderr).toBeGreaterThanOrEqual((summary.faults * least) / 100);
      expect(status).toBe(0);
    },
    LONG ? 7_200_000 : 120_000,
  );

  test('say what they do not understand', () => {
    expect(run('--seeds', '0').stderr).toContain('--seeds must be an integer from 1 on, got "0"');
    const { status, stderr } = run('--only', 'nowhere.ts');
    expect(stderr).toContain('--only "nowhere.ts" names no mutant');
    expect(status).toBe(2);
  });
});
